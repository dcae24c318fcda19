/* The figures of a VM. */
#include "controller/api/vm-counters.h"

#include <assert.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/messages/text.h"
#include "controller/telemetry/totals.h"

static_assert((int)COUNTER_STEPS == (int)RETURN_STEP_COUNT, "each step has a series");

/* What is filled, and where its series are. */
struct filling {
    struct vm_counters *counters;
    const struct counter_places *places;
};

static void put(const struct filling *filling, enum counter_id id, size_t first, size_t second,
                int64_t value)
{
    struct vm_counters *counters = filling->counters;
    Vmreclaim__Controller__V1__VmCounters *message = &counters->message;

    assert(message->n_values < COUNTER_SERIES_MAX);
    counters->series[message->n_series++] = counter_place(filling->places, id, first, second);
    counters->values[message->n_values++] = value;
}

static void put_bytes(const struct filling *filling, enum counter_id id, uint64_t value)
{
    put(filling, id, 0, 0, (int64_t)min_of(value, (uint64_t)INT64_MAX));
}

/* Of 0 nothing is known. */
static void put_known(const struct filling *filling, enum counter_id id, uint64_t value)
{
    if (value != 0)
        put_bytes(filling, id, value);
}

static void put_text(const struct filling *filling, enum counter_id id, const char *text)
{
    struct vm_counters *counters = filling->counters;
    Vmreclaim__Controller__V1__VmCounters *message = &counters->message;

    if (text[0] == '\0')
        return;
    counters->text_series[message->n_text_series++] = counter_place(filling->places, id, 0, 0);
    counters->texts[message->n_texts++] = message_text(text);
}

/* ---- what it is ---- */

/* The word before the reason: "inert". */
static const char *reporting_word(const char *reporting, char *word, size_t size)
{
    text_format(word, size, "%.*s", (int)strcspn(reporting, ":"), reporting);
    return word;
}

static void put_texts(const struct filling *filling, const Vmreclaim__Controller__V1__Vm *shown)
{
    struct vm_counters *counters = filling->counters;

    put_text(filling, COUNTER_VM_UUID, shown->uuid);
    put_text(filling, COUNTER_VM_DRIVER, shown->driver);
    put_text(filling, COUNTER_VM_BACKING, shown->host == NULL ? "" : shown->host->backing);
    put_text(filling, COUNTER_VM_POLICY, shown->policy);
    put_text(filling, COUNTER_VM_AGENT_VERSION, shown->agent_version);
    put_text(filling, COUNTER_VM_STATE, shown->state);
    put_text(filling, COUNTER_VM_REPORTING,
             reporting_word(shown->reporting, counters->reporting, sizeof(counters->reporting)));
    put_text(filling, COUNTER_VM_ENGINE_STATE, shown->engine_state);
    put_text(filling, COUNTER_VM_BALLOON_OWNER, shown->balloon_owner);
}

/* ---- where its memory is ---- */

static void put_guest_parts(const struct filling *filling, const struct waterfall *w)
{
    put(filling, COUNTER_VM_MEMORY, PART_IN_USE, 0, (int64_t)w->in_use);
    put(filling, COUNTER_VM_MEMORY, PART_CACHE, 0, (int64_t)w->cache);
    put(filling, COUNTER_VM_MEMORY, PART_REPORTABLE, 0, (int64_t)w->reportable);
    put(filling, COUNTER_VM_MEMORY, PART_TRAPPED, 0, (int64_t)w->trapped);
    put(filling, COUNTER_VM_MEMORY, PART_PERCPU, 0, (int64_t)w->percpu);
    put_bytes(filling, COUNTER_VM_HELD_BACK, w->held_back);
    if (w->reported_is_known)
        put_bytes(filling, COUNTER_VM_REPORTED, w->reported);
    if (w->ram == 0)
        return;
    put(filling, COUNTER_VM_MEMORY, PART_UNMANAGED, 0, (int64_t)w->unmanaged);
    if (w->host_is_known)
        put(filling, COUNTER_VM_MEMORY, PART_REMAINDER, 0, w->remainder);
}

static void put_memory(const struct filling *filling, const struct vm *vm)
{
    const struct waterfall *w = &vm->measured.waterfall;

    if (w->host_is_known) {
        put_bytes(filling, COUNTER_VM_FOOTPRINT, w->footprint);
        put_bytes(filling, COUNTER_VM_SWAPPED, w->swapped);
    }
    put_known(filling, COUNTER_VM_RAM, w->ram);
    if (w->guest_is_known)
        put_guest_parts(filling, w);
    if (w->balloon_is_known)
        put_bytes(filling, COUNTER_VM_BALLOON, w->balloon);
    if (w->host_is_known || w->guest_is_known)
        put(filling, COUNTER_VM_MEASURED, 0, 0, vm->measured.time);
}

static void put_balloon(const struct filling *filling, const Vmreclaim__Controller__V1__Vm *shown)
{
    put_known(filling, COUNTER_VM_BALLOON_TARGET, shown->balloon_target);
    put_bytes(filling, COUNTER_VM_BALLOON_LEASE, shown->balloon_lease);
    if (shown->balloon_expires_ns > 0)
        put(filling, COUNTER_VM_BALLOON_EXPIRY, 0, 0, shown->balloon_expires_ns);
}

/* By a VM of which nobody says what is free, not known. */
static void put_returns(const struct filling *filling, const struct waterfall *w)
{
    if (!w->host_is_known ||
        (!w->guest_is_known && filling->counters->shown.message.statistics == NULL))
        return;
    for (enum return_step step = 0; step < RETURN_STEP_COUNT; step++)
        put(filling, COUNTER_VM_COULD_RETURN, step, 0,
            (int64_t)min_of(filling->counters->returns.returns.bytes[step], (uint64_t)INT64_MAX));
}

/* ---- how its guest is ---- */

static void put_guest(const struct filling *filling, const struct guest_memory *guest)
{
    if (guest->psi_is_known) {
        put_bytes(filling, COUNTER_GUEST_WAITING,
                  min_of(guest->psi_memory_some_us, UINT64_MAX / NSEC_PER_USEC) * NSEC_PER_USEC);
        put_bytes(filling, COUNTER_GUEST_STALLED,
                  min_of(guest->psi_memory_full_us, UINT64_MAX / NSEC_PER_USEC) * NSEC_PER_USEC);
    }
    put_bytes(filling, COUNTER_GUEST_REFAULTED_FILE, guest->refault_file);
    put_bytes(filling, COUNTER_GUEST_REFAULTED_ANON, guest->refault_anon);
    put_bytes(filling, COUNTER_GUEST_MAJOR_FAULTS, guest->major_faults);
    put_bytes(filling, COUNTER_GUEST_OOM_KILLS, guest->oom_kills);
}

static void put_flags(const struct filling *filling, const struct vm *vm,
                      const Vmreclaim__Controller__V1__Vm *shown)
{
    put(filling, COUNTER_VM_AGENT_CONNECTED, 0, 0, shown->agent_connected);
    put(filling, COUNTER_VM_GUEST_KNOWN, 0, 0, vm->measured.waterfall.guest_is_known);
    put(filling, COUNTER_VM_HALTED, 0, 0, vm->halted);
    put(filling, COUNTER_VM_STARVED, 0, 0, shown->alarm_since_ns != 0);
    if (shown->last_sample_ns > 0)
        put(filling, COUNTER_VM_LAST_SAMPLE, 0, 0, shown->last_sample_ns);
}

/* ---- what was done ---- */

/* Of kinds that there were. */
static void put_totals(const struct filling *filling, const struct totals *totals)
{
    for (size_t kind = 0; totals != NULL && kind < TOTAL_KIND_COUNT; kind++) {
        const struct total *total = &totals->kinds[kind];

        if (total_count(total) == 0)
            continue;
        for (size_t outcome = 0; outcome < TOTAL_OUTCOME_COUNT; outcome++)
            if (total->outcomes[outcome] > 0)
                put(filling, COUNTER_VM_ACTIONS, kind, outcome, (int64_t)total->outcomes[outcome]);
        put(filling, COUNTER_VM_ASKED, kind, 0, (int64_t)min_of(total->asked, (uint64_t)INT64_MAX));
        put(filling, COUNTER_VM_FREED, kind, 0, (int64_t)min_of(total->freed, (uint64_t)INT64_MAX));
        put(filling, COUNTER_VM_RETURNED, kind, 0,
            (int64_t)min_of(total->returned, (uint64_t)INT64_MAX));
        put(filling, COUNTER_VM_LOST, kind, 0, (int64_t)min_of(total->lost, (uint64_t)INT64_MAX));
        put(filling, COUNTER_VM_DECLINED, kind, 0, (int64_t)total->declined);
    }
}

void vm_counters_read(const struct supervisor *supervisor, const struct vm *vm,
                      const struct counter_places *places, struct vm_counters *counters)
{
    const struct filling filling = {counters, places};
    Vmreclaim__Controller__V1__VmCounters *message = &counters->message;
    const Vmreclaim__Controller__V1__Vm *shown = &counters->shown.message;

    vmreclaim__controller__v1__vm_counters__init(message);
    vm_to_message(supervisor, vm, true, &counters->shown);
    returns_of_vm(vm, &counters->shown, &counters->returns);
    message->vm = shown->name;
    message->series = counters->series;
    message->values = counters->values;
    message->text_series = counters->text_series;
    message->texts = counters->texts;
    put_texts(&filling, shown);
    put_memory(&filling, vm);
    put_balloon(&filling, shown);
    put_returns(&filling, &vm->measured.waterfall);
    put_flags(&filling, vm, shown);
    if (vm->measured.waterfall.guest_is_known)
        put_guest(&filling, &vm->measured.guest);
    put_totals(&filling, vm->totals);
}
