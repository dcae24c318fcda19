/* Facts for the arbiter. */
#include "controller/arbiter/gather.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/leases/table.h"
#include "controller/policies/effective.h"
#include "controller/vms/announce.h"
#include "controller/vms/reading.h"

#define DEFAULT_CACHE_FLOOR (128 * MIB)
#define DEFAULT_SHARES      1000
#define DEFAULT_PRIORITY    5
#define DEFAULT_REFAULTS    250 /* pages per second */
#define AGED_PART           4   /* of all file pages */
#define PRESSED             (10 * NSEC_PER_SEC)
#define LOOK_UP_AGAIN       (60 * NSEC_PER_SEC) /* processes are seldom moved */

/* ---- the host ---- */

struct arbiter_host gather_host(const struct host_facts *facts,
                                const struct arbiter_settings *settings, uint64_t reserved,
                                nsec_t now)
{
    struct arbiter_host host = {
        .now = now,
        .total = facts->total,
        .available = facts->available,
        .psi_some = facts->pressure_is_known ? facts->pressure_some : 0,
        .psi_full = facts->pressure_is_known ? facts->pressure_full : 0,
        .critical = arbiter_mark_bytes(&settings->critical, facts->total),
        .low = arbiter_mark_bytes(&settings->low, facts->total),
        .high = arbiter_mark_bytes(&settings->high, facts->total),
        .reserved = reserved,
    };

    host.low = max_of(host.low, host.critical + SHARES_PAGE);
    host.high = max_of(host.high, host.low + SHARES_PAGE);
    return host;
}

/* ---- what was said of it ---- */

static void fill_policy(const struct vm *vm, struct arbiter_vm *facts)
{
    const struct policy *policy = vm->assigned.policy;

    facts->shares = policy == NULL ? DEFAULT_SHARES : policy->shares;
    facts->priority = policy == NULL ? DEFAULT_PRIORITY : policy->priority;
    facts->ceiling = policy == NULL ? 0 : policy->ceiling;
    facts->floor = max_of(vm_floor(vm), vm->hypervisor.facts.balloon_minimum);
}

/* Who is observed has nothing changed, by whomever. */
static bool may_be_changed(const struct vm *vm)
{
    const struct policy *policy = vm->assigned.policy;

    if (policy != NULL && policy->profile == POLICY_OBSERVE)
        return false;
    return vm->halted || vm_may_be_changed(vm);
}

/* ---- its balloon ---- */

static void add_leases(const struct balloon_control *control, struct arbiter_vm *facts)
{
    for (uint32_t i = 0; i < control->lease_count; i++) {
        const struct lease *lease = &control->leases[i].lease;

        if (lease->state == LEASE_RELEASING)
            continue;
        if (strcmp(lease->owner, ARBITER_OWNER) != 0) {
            facts->others += lease->bytes;
            continue;
        }
        facts->lease += lease->bytes;
        facts->lease_end = lease->due;
    }
}

/* What nobody's lease took is another's, too. */
static void fill_balloon(const struct vm *vm, struct arbiter_vm *facts)
{
    const struct balloon_control *control = lease_balloon(vm);
    const struct driver_facts *said = &vm->hypervisor.facts;
    uint64_t baseline = control != NULL ? control->baseline : said->balloon_actual;

    facts->ram = said->balloon_maximum != 0 ? said->balloon_maximum : said->ram;
    facts->size = said->balloon_actual != 0 ? said->balloon_actual : facts->ram;
    if (said->balloon_actual != 0)
        facts->others = saturating_subtract(facts->ram, baseline);
    if (control == NULL)
        return;
    add_leases(control, facts);
    facts->is_stalled = control->stalled;
}

/* ---- its guest ---- */

static uint64_t trapped_of(const struct guest_memory *guest, uint64_t held)
{
    uint64_t stuck =
        guest->trapped_kinds_are_known ? guest->trapped_unmovable + guest->trapped_reclaimable : 0;

    return min_of(saturating_subtract(guest->trapped, stuck), held);
}

/* As a lease may take no more than is available, all that is not is in use. */
static void fill_size(uint64_t free, uint64_t available, struct arbiter_vm *facts)
{
    available = min_of(available, facts->size);
    facts->free = min_of(free, available);
    facts->hot = available - facts->free;
    facts->in_use = facts->size - available;
}

/* Its kernel ages what is active only while something is reclaimed, so a part of it may be cold as
 * well: until what was taken is read back. */
static uint64_t aged_cache(const struct guest_memory *guest, const struct policy *policy)
{
    uint64_t part = (guest->active_file + guest->inactive_file) / AGED_PART;
    uint32_t most = policy == NULL ? DEFAULT_REFAULTS : policy->refault_rate;

    if (!guest->refault_rate_is_known)
        return guest->inactive_file;
    return guest->refault_rate > most ? 0 : max_of(guest->inactive_file, part);
}

static void fill_agent(const struct vm *vm, struct arbiter_vm *facts)
{
    const struct guest_memory *guest = &vm->measured.guest;
    const struct policy *policy = vm->assigned.policy;
    uint64_t floor = policy == NULL ? DEFAULT_CACHE_FLOOR : policy->cache_floor;
    uint64_t cold = min_of(saturating_subtract(guest->cache, floor), aged_cache(guest, policy));

    facts->source = ARBITER_AGENT;
    fill_size(guest->free, guest->available, facts);
    facts->cold = min_of(cold, facts->hot);
    facts->hot -= facts->cold;
    facts->trapped = trapped_of(
        guest, saturating_subtract(facts->footprint, facts->in_use + facts->hot + facts->cold));
}

/* What is available and not free is cache, hot or cold. */
static void fill_statistics(const struct guest_reading *reading, struct arbiter_vm *facts)
{
    facts->source = ARBITER_STATISTICS;
    fill_size(reading->free, reading->available, facts);
}

static void fill_guest(const struct vm *vm, nsec_t now, struct arbiter_vm *facts)
{
    struct guest_reading reading;

    vm_read_guest(vm, now, &reading);
    if (vm->links.agent != NULL && vm->measured.waterfall.guest_is_known)
        fill_agent(vm, facts);
    else if (reading.source == READING_STATISTICS)
        fill_statistics(&reading, facts);
}

/* ---- what can be done to it ---- */

/* Its pages are pinned, locked, or cannot be given back one by one. */
static bool is_void(const struct vm *vm)
{
    const struct driver_facts *said = &vm->hypervisor.facts;
    const struct balloon_control *control = lease_balloon(vm);

    return said->vfio_devices > 0 || said->encrypted || said->locked ||
           strcmp(vm_backing_name(vm), "hugetlb") == 0 ||
           (control != NULL && control->trust == BALLOON_INERT);
}

static bool has_balloon(const struct vm *vm)
{
    const struct driver_facts *said = &vm->hypervisor.facts;

    return vm->hypervisor.ready && vm->hypervisor.known && vm->hypervisor.silent == 0 &&
           said->run_state == RUN_STATE_RUNNING && said->balloon == ANSWER_YES &&
           said->balloon_actual != 0 && (said->capabilities & DRIVER_CAN_SET_BALLOON) != 0 &&
           hypervisor_process_is_open(&vm->measured.process) && !is_void(vm);
}

static bool reports(const struct vm *vm)
{
    return vm->hypervisor.facts.free_page_reporting == ANSWER_YES &&
           (vm->links.agent == NULL || !vm->agent.info.lacks_reporting);
}

static unsigned means_of(const struct vm *vm)
{
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);
    bool takes_orders = vm_may_command(vm, NULL) == 0 && (!has_policy || policy.allow_commands);
    unsigned means = 0;

    if (takes_orders && reports(vm) && !is_void(vm))
        means |= ARBITER_CAN_RECLAIM | ARBITER_CAN_COMPACT;
    if (!has_balloon(vm))
        return means;
    if (!reports(vm) && (!has_policy || policy.pulse) && lease_balloon(vm) == NULL)
        means |= ARBITER_CAN_PULSE | (takes_orders ? ARBITER_CAN_FREE : 0);
    return vm->links.agent == NULL ? means : means | ARBITER_CAN_LEASE;
}

/* ---- the whole ---- */

struct arbiter_vm gather_vm(const struct vm *vm, const struct vm_arbiter *kept,
                            struct arbiter_memory *memory, nsec_t now)
{
    const struct driver_facts *said = &vm->hypervisor.facts;
    struct arbiter_vm facts = {
        .serial = vm->serial,
        .memory = memory,
        .footprint = vm->measured.host.time == 0 ? 0 : vm->measured.host.footprint,
        .means = means_of(vm),
        .may_be_changed = may_be_changed(vm),
        .is_halted = vm->halted,
        .is_foreign = foreign_watch_holds(&kept->foreign, vm, now),
        .is_occupied = vm->action != NULL,
        .cannot_be_tried = said->deflate_on_oom != ANSWER_YES,
        .is_starved = vm->starvation.since != 0 || now < kept->pressed,
    };

    fill_policy(vm, &facts);
    fill_balloon(vm, &facts);
    fill_guest(vm, now, &facts);
    facts.headroom = balloon_headroom(said->ram, !facts.cannot_be_tried);
    return facts;
}

void gather_cgroup(struct vm_arbiter *kept, const struct vm *vm, nsec_t now)
{
    char cgroup[CGROUP_PATH_SIZE];
    pid_t pid = hypervisor_process_is_open(&vm->measured.process) ? vm->measured.process.pid : 0;

    if (pid == kept->pid && now < kept->look_up)
        return;
    kept->pid = pid;
    kept->look_up = now + LOOK_UP_AGAIN;
    free(kept->cgroup);
    kept->cgroup = NULL;
    if (pid != 0 && cgroup_of_process(vm->supervisor->root, pid, cgroup) == 0)
        kept->cgroup = strdup(cgroup); /* NULL: tried again later */
}

void gather_destroy(struct vm_arbiter *kept)
{
    if (kept == NULL)
        return;
    free(kept->cgroup);
    free(kept);
}

/* A guest that reads more files than fit stalls with whatever it has; that is no shortage. */
static bool is_need(const struct vm_event *event)
{
    const struct driver_facts *said = &event->vm->hypervisor.facts;
    uint64_t headroom = balloon_headroom(said->ram, said->deflate_on_oom == ANSWER_YES);

    return event->pressure->oom_kill || event->pressure->available < headroom;
}

void gather_take_event(struct vm_arbiter *kept, const struct vm_event *event, nsec_t now)
{
    switch (event->kind) {
    case VM_EVENT_PRESSURE:
        if (is_need(event))
            kept->pressed = now + PRESSED;
        break;
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
        kept->pressed = 0; /* that was another guest */
        break;
    case VM_EVENT_BALLOON:
    case VM_EVENT_HYPERVISOR:
        foreign_watch_look(&kept->foreign, event->vm, now);
        break;
    default:
        break;
    }
}
