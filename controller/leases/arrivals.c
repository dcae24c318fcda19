/* Guests that came from elsewhere. */
#include "controller/leases/arrivals.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/marks.h"
#include "controller/leases/waiting.h"

/* What the VM has now, as its trace. */
static struct lease_trace trace_of(const struct lease_keeper *keeper, const struct vm *vm,
                                   uint64_t baseline)
{
    struct lease_trace trace = {.baseline = baseline,
                                .maximum = vm->hypervisor.facts.balloon_maximum,
                                .pid = vm->measured.process.pid,
                                .start_time = vm->measured.process.start_time};

    snprintf(trace.vm, sizeof(trace.vm), "%s", vm->name);
    snprintf(trace.uuid, sizeof(trace.uuid), "%s", vm->uuid);
    snprintf(trace.host_boot_id, sizeof(trace.host_boot_id), "%s",
             keeper->supervisor->host_boot_id);
    return trace;
}

static bool is_of_process(const struct lease_trace *trace, const struct lease_trace *now)
{
    return trace->pid == now->pid && trace->start_time == now->start_time &&
           strcmp(trace->host_boot_id, now->host_boot_id) == 0;
}

/* Memory may have been plugged since. */
static uint64_t baseline_of(const struct lease_trace *trace, const struct vm *vm)
{
    uint64_t maximum = vm->hypervisor.facts.balloon_maximum;

    if (maximum == 0 || trace->maximum == 0)
        return trace->baseline;
    return min_of(balloon_moved_size(trace->baseline, trace->maximum, maximum), maximum);
}

/* Where it begins anew, what is in its balloon is its owner's. */
static bool came_from_elsewhere(const struct vm *vm)
{
    return vm->hypervisor.migrated_in ||
           hypervisor_process_has_argument(&vm->measured.process, "-loadvm");
}

/* By an event of its own a guest within one process that goes back is known. */
static void take_back(struct lease_keeper *keeper, struct vm *vm, uint64_t baseline)
{
    uint64_t actual = vm->hypervisor.facts.balloon_actual;

    if (leases_adopt(keeper, vm) < 0)
        return;
    assert(lease_balloon(vm)->baseline == actual && lease_balloon(vm)->lease_count == 0);
    balloon_recover(leases_control(vm), baseline);
    vm_warn(vm,
            "the guest came into process %d with the balloon of an earlier lease, which leaves it "
            "%s of %s: it gets the rest back",
            (int)vm->measured.process.pid, BYTES_TEXT(actual), BYTES_TEXT(baseline));
}

/* Nobody here knows who took it: said once for each process, of which a trace of nothing is kept.
 * It is in no journal. */
static void say_unknown(struct lease_keeper *keeper, struct vm *vm, const struct lease_trace *trace)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    const struct lease_trace now = trace_of(keeper, vm, 0);

    if (facts->balloon_actual + BALLOON_SLACK >= facts->balloon_maximum || !came_from_elsewhere(vm))
        return;
    if (trace != NULL && is_of_process(trace, &now))
        return;
    vm_warn(vm,
            "the guest came into process %d with a balloon that leaves it %s of %s: not by a lease "
            "of this host; it is left so",
            (int)vm->measured.process.pid, BYTES_TEXT(facts->balloon_actual),
            BYTES_TEXT(facts->balloon_maximum));
    if (trace != NULL)
        lease_traces_forget(&keeper->traces, trace);
    (void)lease_traces_add(&keeper->traces, &now);
}

/* It came along, from whatever host; in the process that it was set in, it is over. True: its
 * memory is given back. */
static bool heed_mark(struct lease_keeper *keeper, struct vm *vm, const struct lease_trace *trace)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    uint64_t baseline = min_of(facts->mark, facts->balloon_maximum);
    const struct lease_trace now = trace_of(keeper, vm, baseline);

    if (facts->balloon_actual + BALLOON_SLACK < baseline && came_from_elsewhere(vm) &&
        (trace == NULL || !is_of_process(trace, &now))) {
        take_back(keeper, vm, baseline);
        return true;
    }
    if ((facts->capabilities & DRIVER_CAN_SET_MARK) != 0 && leases_get(vm) != NULL)
        lease_mark_set(vm, 0);
    return false;
}

static bool can_tell(const struct lease_keeper *keeper, const struct vm *vm)
{
    return vm->hypervisor.ready && hypervisor_process_is_open(&vm->measured.process) &&
           vm->hypervisor.facts.balloon_actual != 0 &&
           (vm->hypervisor.facts.capabilities & DRIVER_CAN_SET_BALLOON) != 0 &&
           vm->hypervisor.facts.run_state != RUN_STATE_MIGRATING && lease_balloon(vm) == NULL &&
           lease_waiting_problem(keeper) == NULL && !lease_waiting_has(keeper, vm);
}

void lease_arrivals_look(struct lease_keeper *keeper, struct vm *vm)
{
    uint64_t actual = vm->hypervisor.facts.balloon_actual;
    const struct lease_trace *trace;
    struct lease_trace now;

    if (!can_tell(keeper, vm))
        return;
    trace = lease_traces_find(&keeper->traces, vm->uuid, vm->name);
    if (vm->hypervisor.facts.mark != 0 && heed_mark(keeper, vm, trace))
        return;
    if (trace == NULL || trace->baseline == 0) {
        say_unknown(keeper, vm, trace);
        return;
    }
    now = trace_of(keeper, vm, baseline_of(trace, vm));
    if (actual + BALLOON_SLACK >= now.baseline)
        lease_traces_set(&keeper->traces, &now);
    else if (!is_of_process(trace, &now) && came_from_elsewhere(vm))
        take_back(keeper, vm, now.baseline);
    else if (vm->hypervisor.facts.run_state == RUN_STATE_RUNNING)
        lease_traces_forget(&keeper->traces, trace); /* someone else took it */
}
