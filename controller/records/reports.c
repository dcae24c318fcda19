/* The queue of guests' reports. */
#include "controller/records/reports.h"

#include <stdio.h>
#include <stdlib.h>

#include "controller/records/guest_actions.h"

struct report {
    struct list link; /* in the recorder's reports */
    nsec_t received;  /* CLOCK_BOOTTIME */
    char vm[VM_NAME_SIZE];
    size_t length;
    uint8_t packed[];
};

void reports_add(struct recorder *recorder, const struct vm *vm,
                 const Vmreclaim__Agent__V1__ActionResult *result, nsec_t now)
{
    size_t length = vmreclaim__agent__v1__action_result__get_packed_size(result);
    struct report *report;

    if (recorder->report_count == REPORTS_MAX)
        return;
    report = malloc(sizeof(*report) + length);
    if (report == NULL)
        return;
    report->received = now;
    (void)snprintf(report->vm, sizeof(report->vm), "%s", vm->name);
    report->length = vmreclaim__agent__v1__action_result__pack(result, report->packed);
    list_append(&recorder->reports, &report->link);
    recorder->report_count++;
}

static void take(struct recorder *recorder, const struct report *report)
{
    struct vm *vm = registry_find_name(&recorder->supervisor->registry, report->vm);
    Vmreclaim__Agent__V1__ActionResult *result =
        vmreclaim__agent__v1__action_result__unpack(NULL, report->length, report->packed);

    if (result == NULL)
        return;
    if (vm != NULL)
        guest_action_take(recorder, vm, result, report->received);
    vmreclaim__agent__v1__action_result__free_unpacked(result, NULL);
}

void reports_take(struct recorder *recorder, size_t most)
{
    for (; most > 0 && !list_is_empty(&recorder->reports); most--) {
        struct report *report = list_entry(recorder->reports.next, struct report, link);

        list_remove(&report->link);
        recorder->report_count--;
        take(recorder, report);
        free(report);
    }
}
