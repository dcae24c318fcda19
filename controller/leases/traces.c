/* What VMs had. */
#include "controller/leases/traces.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/util.h"

void lease_traces_finish(struct lease_traces *traces)
{
    free(traces->list);
    *traces = (struct lease_traces){.count = 0};
}

static bool is_of(const struct lease_trace *trace, const char *uuid, const char *vm)
{
    if (trace->uuid[0] != '\0' && uuid[0] != '\0')
        return strcasecmp(trace->uuid, uuid) == 0;
    return strcmp(trace->vm, vm) == 0;
}

static struct lease_trace *find(const struct lease_traces *traces, const char *uuid, const char *vm)
{
    for (size_t i = 0; i < traces->count; i++)
        if (is_of(&traces->list[i], uuid, vm))
            return &traces->list[i];
    return NULL;
}

const struct lease_trace *lease_traces_find(const struct lease_traces *traces, const char *uuid,
                                            const char *vm)
{
    return find(traces, uuid, vm);
}

static void drop(struct lease_traces *traces, size_t index)
{
    assert(index < traces->count);
    traces->count--;
    memmove(&traces->list[index], &traces->list[index + 1],
            (traces->count - index) * sizeof(traces->list[0]));
}

void lease_traces_forget(struct lease_traces *traces, const struct lease_trace *trace)
{
    if (traces->journal.remove != NULL)
        traces->journal.remove(traces->journal.userdata, trace);
    drop(traces, (size_t)(trace - traces->list));
}

int lease_traces_add(struct lease_traces *traces, const struct lease_trace *trace)
{
    struct lease_trace *list = traces->list;

    if (traces->count == LEASE_TRACES_MAX)
        lease_traces_forget(traces, &traces->list[0]);
    if ((traces->count & (traces->count - 1)) == 0)
        list = realloc(list, max_of(2 * traces->count, (size_t)1) * sizeof(*list));
    if (list == NULL)
        return -ENOMEM;
    traces->list = list;
    list[traces->count++] = *trace;
    return 0;
}

static bool is_same(const struct lease_trace *a, const struct lease_trace *b)
{
    return a->baseline == b->baseline && a->maximum == b->maximum && a->pid == b->pid &&
           a->start_time == b->start_time && strcmp(a->host_boot_id, b->host_boot_id) == 0 &&
           strcmp(a->uuid, b->uuid) == 0 && strcmp(a->vm, b->vm) == 0;
}

void lease_traces_set(struct lease_traces *traces, const struct lease_trace *trace)
{
    struct lease_trace *known = find(traces, trace->uuid, trace->vm);

    if (known != NULL && is_same(known, trace))
        return;
    if (known != NULL)
        *known = *trace;
    else if (lease_traces_add(traces, trace) < 0)
        return; /* in the journal it is all the same */
    if (traces->journal.put != NULL)
        traces->journal.put(traces->journal.userdata, trace);
}

void lease_traces_note(struct lease_traces *traces, const struct lease *lease)
{
    struct lease_trace trace = {.baseline = lease->baseline,
                                .maximum = lease->maximum,
                                .pid = lease->pid,
                                .start_time = lease->start_time};

    snprintf(trace.vm, sizeof(trace.vm), "%s", lease->vm);
    snprintf(trace.uuid, sizeof(trace.uuid), "%s", lease->uuid);
    snprintf(trace.host_boot_id, sizeof(trace.host_boot_id), "%s", lease->host_boot_id);
    lease_traces_set(traces, &trace);
}
