/* What VMs had before their leases, kept in the store. */
#include "controller/daemon-traces.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/store/requests.h"

static const char kind[] = "lease-trace";

enum { NUMBERS = 4 };

/* By UUID, else by name. After the numbers come the host's boot and the name, which may have
 * spaces. */
static struct store_note store_note_of(const struct lease_trace *trace)
{
    struct store_note stored = {.kind = kind};

    snprintf(stored.key, sizeof(stored.key), "%s",
             trace->uuid[0] != '\0' ? trace->uuid : trace->vm);
    snprintf(stored.value, sizeof(stored.value), "%" PRIu64 " %" PRIu64 " %d %" PRIu64 " %s %s",
             trace->baseline, trace->maximum, (int)trace->pid, trace->start_time,
             trace->host_boot_id[0] != '\0' ? trace->host_boot_id : "-", trace->vm);
    return stored;
}

static void put(void *userdata, const struct lease_trace *trace)
{
    const struct store_note stored = store_note_of(trace);

    store_put_note(userdata, &stored, NULL, NULL);
}

static void remove_note(void *userdata, const struct lease_trace *trace)
{
    const struct store_note stored = store_note_of(trace);

    store_remove_note(userdata, &stored, NULL, NULL);
}

static bool parse_numbers(const char **text, struct lease_trace *trace)
{
    uint64_t numbers[NUMBERS];

    for (size_t i = 0; i < NUMBERS; i++, (*text)++)
        if (number_scan(text, &numbers[i]) < 0 || **text != ' ')
            return false;
    if (numbers[0] == 0 || numbers[2] > INT32_MAX)
        return false;
    trace->baseline = numbers[0];
    trace->maximum = numbers[1];
    trace->pid = (pid_t)numbers[2];
    trace->start_time = numbers[3];
    return true;
}

static bool parse(const struct store_note *note, struct lease_trace *trace)
{
    const char *text = note->value;
    const char *name;

    if (!parse_numbers(&text, trace))
        return false;
    name = strchr(text, ' ');
    if (name == NULL)
        return false;
    if (text[0] != '-')
        snprintf(trace->host_boot_id, sizeof(trace->host_boot_id), "%.*s", (int)(name - text),
                 text);
    snprintf(trace->vm, sizeof(trace->vm), "%s", name + 1);
    if (strcmp(note->key, trace->vm) != 0)
        text_copy_line(trace->uuid, sizeof(trace->uuid), note->key);
    return true;
}

static void on_loaded(int status, const struct error *error, const struct store_note *notes,
                      size_t count, void *userdata)
{
    struct daemon *daemon = userdata;

    if (status < 0)
        log_error("what VMs had before earlier leases is not known: %s", error->text);
    for (size_t i = 0; i < count; i++) {
        struct lease_trace trace = {.baseline = 0};

        if (parse(&notes[i], &trace))
            (void)lease_traces_add(&daemon->keeper.traces, &trace);
    }
}

void daemon_traces_start(struct daemon *daemon)
{
    daemon->keeper.traces.journal =
        (struct lease_trace_journal){.userdata = daemon->store, .put = put, .remove = remove_note};
    store_load_notes(daemon->store, kind, on_loaded, daemon);
}
