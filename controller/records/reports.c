/* The queue of guests' reports. */
#include "controller/records/reports.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/message/copy.h"
#include "controller/records/guest-actions.h"
#include "controller/store/requests.h"

typedef Vmreclaim__Agent__V1__ActionResult ActionResult;

struct report {
    struct list link; /* in the recorder's reports, until it is taken */
    struct recorder *recorder;
    nsec_t received;      /* CLOCK_BOOTTIME */
    uint64_t vm;          /* its serial */
    ActionResult *result; /* a copy */
};

static void report_destroy(struct report *report)
{
    message_free(&report->result->base);
    free(report);
}

void reports_add(struct recorder *recorder, const struct vm *vm, const ActionResult *result,
                 nsec_t now)
{
    struct report *report;

    if (recorder->report_count == REPORTS_MAX)
        return;
    report = malloc(sizeof(*report));
    if (report == NULL)
        return;
    report->recorder = recorder;
    report->received = now;
    report->vm = vm->serial;
    report->result = (ActionResult *)message_copy(&result->base);
    if (report->result == NULL) {
        free(report);
        return;
    }
    list_append(&recorder->reports, &report->link);
    recorder->report_count++;
}

/* ---- taking ---- */

/* Under the id that the guest gave its action. Where that is no id, or another record's, the record
 * gets one of ours: a guest must not overwrite records. */
static void record(struct report *report, bool may_keep_id)
{
    struct recorder *recorder = report->recorder;
    struct vm *vm = registry_find_serial(&recorder->supervisor->registry, report->vm);
    char id[ACTION_ID_SIZE];

    if (may_keep_id)
        snprintf(id, sizeof(id), "%s", report->result->action_id);
    else
        action_id_make(id);
    if (vm != NULL)
        guest_action_take(recorder, vm, report->result, id, report->received);
    report_destroy(report);
}

/* An operator's action comes back as an event too, maybe after its record was closed: it is in that
 * record, and not the policy's. */
static bool is_echo(const struct report *report, const Vmreclaim__Controller__V1__Action *action)
{
    const struct vm *vm = registry_find_serial(&report->recorder->supervisor->registry, report->vm);

    return vm == NULL || strcmp(action->vm, vm->name) == 0;
}

static void on_id(const struct store_records *records, void *userdata)
{
    struct report *report = userdata;

    if (records->count > 0 && is_echo(report, records->actions[0]))
        report_destroy(report);
    else
        record(report, records->answer.status == -ENOENT);
}

static bool is_id(const char *text)
{
    return strlen(text) == ACTION_ID_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == ACTION_ID_SIZE - 1;
}

static void take(struct report *report)
{
    if (is_id(report->result->action_id))
        store_ask_record(report->recorder->store, report->result->action_id, on_id, report);
    else
        record(report, false);
}

void reports_take(struct recorder *recorder, size_t most)
{
    for (; most > 0 && !list_is_empty(&recorder->reports); most--) {
        struct report *report = list_entry(recorder->reports.next, struct report, link);

        assert(recorder->report_count > 0);
        list_remove(&report->link);
        recorder->report_count--;
        take(report);
    }
    assert(list_is_empty(&recorder->reports) == (recorder->report_count == 0));
}
