/* Measuring a VM. */
#include "controller/vms/measured.h"

#include <assert.h>
#include <errno.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/footprint/overhead.h"

#define CALIBRATE_INTERVAL (600 * NSEC_PER_SEC)
#define HUGE_RAM_MAX       (16 * GIB)          /* at most 80 ms */
#define BOOT_SETTLED       (20 * NSEC_PER_SEC) /* of the guest's uptime */
#define BOOT_OVER          (120 * NSEC_PER_SEC)

/* ---- the process ---- */

int measured_bind(struct vm *vm, pid_t pid, struct error *error)
{
    struct hypervisor_process *process = &vm->measured.process;
    struct host_memory probe;
    int r;

    if (hypervisor_process_is_open(process) && process->pid == pid &&
        footprint_measure(process, 0, 0, &probe) == 0)
        return 0;
    if (pid <= 0)
        return error_set(error, -ESRCH, "the process behind %s is not seen here", vm->address.text);
    r = hypervisor_process_open(process, vm->supervisor->root, pid, error);
    assert(hypervisor_process_is_open(process) == (r == 0));
    if (r == 0) {
        assert(process->pid == pid);
        vm->measured.touched = 0;
        vm->measured.footprint_at_boot = 0;
    }
    return r;
}

void measured_unbind(struct vm *vm)
{
    struct vm_measured *measured = &vm->measured;

    hypervisor_process_finish(&measured->process);
    measured->host = (struct host_memory){0};
    measured->guest = (struct guest_memory){0};
    measured->waterfall = (struct waterfall){0};
    measured->time = 0;
    measured->history = (struct footprint_history){0};
    measured->footprint_at_boot = 0;
    measured->touched = 0;
    assert(!hypervisor_process_is_open(&measured->process));
}

/* What could not be looked at now, for want of a descriptor or memory, is looked at again. */
static void note_search(struct vm *vm, int r)
{
    vm->measured.search_again = r < 0 && r != -ESRCH;
}

void measured_take_backing(struct vm *vm)
{
    note_search(
        vm, hypervisor_process_take_backing(&vm->measured.process, &vm->hypervisor.facts.memory));
}

void measured_find_backends(struct vm *vm)
{
    note_search(vm, hypervisor_process_find_backends(&vm->measured.process));
}

/* ---- the waterfall ---- */

static bool guest_holds(const struct vm *vm, nsec_t now)
{
    bool runs = vm->life.state != VM_PAUSED && vm->life.state != VM_MIGRATING;

    return waterfall_guest_holds(&vm->measured.guest, now, vm->supervisor->sample_interval,
                                 vm->links.agent != NULL, runs);
}

void measured_join(struct vm *vm, nsec_t now)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    struct vm_measured *measured = &vm->measured;
    const struct waterfall_balloon balloon = {
        .ram = facts->ram,
        .is_absent = vm->hypervisor.known && facts->balloon == ANSWER_NO,
        .actual = facts->balloon_actual,
        .maximum = facts->balloon_maximum,
        .counts_as_used = facts->deflate_on_oom == ANSWER_YES,
    };

    waterfall_compute(guest_holds(vm, now) ? &measured->guest : NULL, &measured->host, &balloon,
                      &measured->waterfall);
    measured->time = time_realtime();
    assert(!measured->waterfall.guest_is_known || measured->guest.received != 0);
    assert(measured->waterfall.footprint == measured->host.footprint);
}

/* What the host held when it could be read is not what it holds. */
static void measured_lose_host(struct vm *vm, nsec_t now)
{
    if (vm->measured.host.time == 0)
        return;
    vm->measured.host = (struct host_memory){0};
    measured_join(vm, now);
}

int measured_take_host(struct vm *vm, nsec_t now)
{
    struct vm_measured *measured = &vm->measured;
    struct host_memory host;
    int r;

    measured->process.host_swap_used = vm->supervisor->swap_used;
    r = footprint_measure(&measured->process, vm->hypervisor.facts.ram, now, &host);
    if (r < 0) {
        measured_lose_host(vm, now);
        return r;
    }
    assert(host.time == now);
    measured->host = host;
    measured->touched = max_of(measured->touched, host.peak);
    measured_join(vm, now);
    return 0;
}

int measured_visit(struct vm *vm, nsec_t now)
{
    int r;

    if (!hypervisor_process_is_open(&vm->measured.process)) {
        /* Nothing is measured that would take out what a guest said that is silent now. */
        if (vm->measured.waterfall.guest_is_known && !guest_holds(vm, now))
            measured_join(vm, now);
        return 0;
    }
    if (vm->measured.search_again)
        measured_find_backends(vm);
    r = measured_take_host(vm, now);
    if (r == 0)
        footprint_history_add(&vm->measured.history, now, vm->measured.host.footprint);
    return r;
}

/* ---- the guest ---- */

int measured_take_guest(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample,
                        nsec_t latency)
{
    const struct guest_memory before = vm->measured.guest;
    uint64_t ram = vm->announced ? vm->hypervisor.facts.ram : 0;
    nsec_t now = time_boottime();
    struct error error;
    unsigned suppressed;
    int r = guest_memory_from_message(sample, ram, now, latency, &vm->measured.guest, &error);

    assert(vm->measured.guest.received == (r == 0 ? now : before.received));
    if (r == 0)
        guest_memory_count_rates(&before, &vm->measured.guest);
    else if (log_limit_pass(&vm->measured.complaints, now, &suppressed))
        vm_warn(vm, "a sample of the guest cannot be true, ignoring: %s", error.text);
    return r;
}

void measured_adopt_guest(struct vm *vm, const struct vm *other)
{
    vm->measured.guest = other->measured.guest;
}

void measured_forget_boot(struct vm *vm)
{
    vm->measured.footprint_at_boot = 0;
}

/* A guest that has booted and not yet done much: what every later footprint is compared with. Only
 * a guest that was seen booting has one. */
void measured_note_boot(struct vm *vm)
{
    struct vm_measured *measured = &vm->measured;

    if (measured->footprint_at_boot == 0 && measured->guest.boottime_ns >= BOOT_SETTLED &&
        measured->guest.boottime_ns < BOOT_OVER)
        measured->footprint_at_boot = measured->host.footprint;
}

/* ---- for records ---- */

void measured_claim(struct vm *vm, nsec_t now)
{
    footprint_history_claim(&vm->measured.history, now, vm->measured.waterfall.footprint);
}

void vm_calibrate(struct vm *vm)
{
    struct hypervisor_process *process = &vm->measured.process;
    uint64_t ram = vm->hypervisor.facts.ram;
    uint64_t before = process->overhead;

    vm->measured.calibrate_next = time_boottime() + CALIBRATE_INTERVAL;
    if (ram == 0 || footprint_calibrate(process, ram) < 0)
        return;
    footprint_history_lower(&vm->measured.history, (int64_t)(process->overhead - before));
}

void vm_measure_huge(struct vm *vm)
{
    const struct driver_facts *facts = &vm->hypervisor.facts;
    uint64_t bytes;

    vm->measured.huge_bytes = 0;
    if (vm->supervisor->transparent_huge_pages && vm->measured.waterfall.remainder > 0 &&
        facts->backing == MEMORY_BACKING_ANONYMOUS && facts->ram <= HUGE_RAM_MAX &&
        footprint_huge(&vm->measured.process, &bytes) == 0)
        vm->measured.huge_bytes = bytes;
}
