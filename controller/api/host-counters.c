/* The figures of the daemon and its host. */
#include "controller/api/host-counters.h"

#include <assert.h>

#include "common/base/number.h"
#include "controller/actions/action.h"
#include "controller/api/dispatch.h"
#include "controller/arbiter/keeper.h"
#include "controller/messages/text.h"
#include "controller/records/recorder.h"
#include "controller/telemetry/turns.h"

typedef Vmreclaim__Controller__V1__CounterValue Value;

/* NULL: there is no room. */
static Value *add(struct host_counters *counters, enum counter_id id, const char *first,
                  const char *second, const char *third)
{
    size_t i = counters->count;
    Value *value = &counters->values[i];
    const char *const labels[COUNTER_LABELS_MAX] = {first, second, third};

    assert(!counter_is_of_vm(id));
    if (i == HOST_COUNTERS_MAX)
        return NULL;
    vmreclaim__controller__v1__counter_value__init(value);
    value->counter = id;
    value->labels = counters->labels[i];
    for (; value->n_labels < COUNTER_LABELS_MAX && labels[value->n_labels] != NULL;
         value->n_labels++)
        counters->labels[i][value->n_labels] = message_text(labels[value->n_labels]);
    counters->pointers[i] = value;
    counters->count++;
    return value;
}

static void put_by(struct host_counters *counters, enum counter_id id, const char *label,
                   uint64_t figure)
{
    Value *value = add(counters, id, label, NULL, NULL);

    if (value != NULL)
        value->value = (int64_t)min_of(figure, (uint64_t)INT64_MAX);
}

static void put(struct host_counters *counters, enum counter_id id, uint64_t figure)
{
    put_by(counters, id, NULL, figure);
}

/* Of 0 nothing is known. */
static void put_known(struct host_counters *counters, enum counter_id id, uint64_t figure)
{
    if (figure != 0)
        put(counters, id, figure);
}

static void put_histogram(struct host_counters *counters, enum counter_id id, const char *label,
                          const struct histogram *histogram)
{
    Value *value = add(counters, id, label, NULL, NULL);

    if (value == NULL)
        return;
    value->value = histogram->sum;
    value->buckets = (uint64_t *)histogram->buckets;
    value->n_buckets = histogram->bounds->count + 1;
}

/* ---- the daemon ---- */

static void put_calls(struct host_counters *counters, const struct rpc_times *times)
{
    for (unsigned i = 0; i < api_service->n_methods; i++) {
        const struct rpc_method_times *method = &times->methods[i];
        const char *name = api_service->methods[i].name;
        uint64_t all = 0;

        for (enum rpc_result result = 0; result < RPC_RESULT_COUNT; result++) {
            Value *value = method->ended[result] == 0 ? NULL
                                                      : add(counters, COUNTER_RPC_CALLS, name,
                                                            rpc_result_name(result), NULL);

            all += method->ended[result];
            if (value != NULL)
                value->value = (int64_t)method->ended[result];
        }
        if (all > 0)
            put_by(counters, COUNTER_RPC_TIME, name, method->time);
    }
    put_histogram(counters, COUNTER_RPC_DURATION, NULL, &times->reads);
}

static void put_daemon(const struct api *api, struct host_counters *counters)
{
    const Vmreclaim__Controller__V1__GetStatusResponse *status = &counters->status;
    Value *version = add(counters, COUNTER_DAEMON_VERSION, NULL, NULL, NULL);

    if (version != NULL)
        version->text = status->version;
    put(counters, COUNTER_DAEMON_START, (uint64_t)status->started_ns);
    put_known(counters, COUNTER_DAEMON_CPU, status->cpu_ns);
    put_known(counters, COUNTER_DAEMON_RESIDENT, status->resident_bytes);
    if (api->rooms.turns != NULL)
        put_histogram(counters, COUNTER_LOOP_TURNS, NULL, &api->rooms.turns->times);
    put_calls(counters, &api->times);
    put(counters, COUNTER_EVENTS, status->events);
    put(counters, COUNTER_REFUSED_AGENTS, status->refused_agents);
    put(counters, COUNTER_AGENTS, status->agents);
    put(counters, COUNTER_LEASES, status->leases);
    put(counters, COUNTER_STORE_SIZE, status->store_bytes);
    put(counters, COUNTER_STORE_PENDING, status->store_pending);
    for (size_t i = 0; i < status->n_degraded; i++)
        put_by(counters, COUNTER_DEGRADED, status->degraded[i]->part, 1);
}

static void put_sums(const struct vm_sums *sums, struct host_counters *counters)
{
    for (enum vm_state state = 0; state < VM_STATE_COUNT; state++)
        put_by(counters, COUNTER_VMS, vm_state_name(state), sums->states[state]);
    put_known(counters, COUNTER_FOOTPRINT, counters->status.footprint);
    for (enum return_step step = 0; step < RETURN_STEP_COUNT; step++)
        put_by(counters, COUNTER_COULD_RETURN, return_step_name(step), sums->returns[step]);
}

/* ---- the host ---- */

static void put_host(struct arbiter_keeper *keeper, struct host_counters *counters)
{
    const struct host_facts *facts = arbiter_keeper_host(keeper, &counters->problem);

    put(counters, COUNTER_HOST_RESERVED, reservations_bytes(&keeper->reservations));
    if (facts == NULL)
        return;
    put(counters, COUNTER_HOST_MEMORY, facts->total);
    put(counters, COUNTER_HOST_AVAILABLE, facts->available);
    put(counters, COUNTER_HOST_SWAP, facts->swap_total);
    put(counters, COUNTER_HOST_SWAP_FREE, facts->swap_free);
    if (!facts->pressure_is_known)
        return;
    put_by(counters, COUNTER_HOST_PRESSURE, "some", facts->pressure_some);
    put_by(counters, COUNTER_HOST_PRESSURE, "all", facts->pressure_full);
}

/* ---- what was done ---- */

static void put_totals(const struct host_totals *totals, struct host_counters *counters)
{
    for (size_t kind = 0; kind < TOTAL_KIND_COUNT; kind++) {
        const struct total *total = &totals->totals.kinds[kind];
        const char *name = total_kind_names[kind];

        if (total_count(total) == 0)
            continue;
        put_by(counters, COUNTER_ACTIONS_ASKED, name, total->asked);
        put_by(counters, COUNTER_ACTIONS_FREED, name, total->freed);
        put_by(counters, COUNTER_ACTIONS_RETURNED, name, total->returned);
        put_by(counters, COUNTER_ACTIONS_LOST, name, total->lost);
        put_histogram(counters, COUNTER_ACTION_DURATION, name, &totals->durations[kind]);
        put_histogram(counters, COUNTER_ACTION_RETURNED, name, &totals->returns[kind]);
    }
    for (size_t i = 0; i < totals->reason_count; i++) {
        const struct total_reason *row = &totals->reasons[i];
        Value *value = add(counters, COUNTER_ACTIONS, total_kind_names[row->kind],
                           total_outcome_names[row->outcome], row->reason);

        if (value != NULL)
            value->value = (int64_t)row->count;
    }
}

static void put_refusals(const struct actions *actions, struct host_counters *counters)
{
    for (size_t kind = 0; kind < TOTAL_KIND_COUNT; kind++)
        if (actions->refused[kind] > 0)
            put_by(counters, COUNTER_ACTIONS_REFUSED, total_kind_names[kind],
                   actions->refused[kind]);
}

void host_counters_read(const struct api *api, const struct vm_sums *sums,
                        struct host_counters *counters)
{
    const struct api_rooms *rooms = &api->rooms;

    counters->count = 0;
    status_to_message(api, &counters->status, &counters->scratch);
    put_daemon(api, counters);
    put_sums(sums, counters);
    if (rooms->arbiter != NULL)
        put_host(rooms->arbiter, counters);
    if (rooms->recorder != NULL)
        put_totals(&rooms->recorder->totals, counters);
    put_refusals(rooms->actions, counters);
}
