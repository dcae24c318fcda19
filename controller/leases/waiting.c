/* Leases that no balloon carries. */
#include "controller/leases/waiting.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/hypervisors/table.h"
#include "controller/leases/conduct.h"
#include "controller/leases/term.h"
#include "controller/vms/life.h"
#include "controller/vms/sources.h"

#define LOAD_INTERVAL     (5 * NSEC_PER_SEC)
#define STAND_IN_INTERVAL (300 * NSEC_PER_SEC) /* an address that now serves somebody else */

struct waiting_lease {
    struct list link;
    struct lease lease;
    nsec_t stand_in_next; /* CLOCK_BOOTTIME: no stand-in before */
};

static void end_waiting(struct waiting_lease *waiting)
{
    list_remove(&waiting->link);
    free(waiting);
}

static int keep_waiting(const struct lease *lease, struct lease_keeper *keeper)
{
    struct waiting_lease *waiting = calloc(1, sizeof(*waiting));

    if (waiting == NULL)
        return -ENOMEM;
    waiting->lease = *lease;
    list_append(&keeper->waiting, &waiting->link);
    return 0;
}

void lease_waiting_finish(struct lease_keeper *keeper)
{
    list_for_each_safe (link, following, &keeper->waiting)
        end_waiting(list_entry(link, struct waiting_lease, link));
}

void lease_waiting_add(struct lease_keeper *keeper, const struct lease *lease)
{
    (void)keep_waiting(lease, keeper); /* without memory it is still in the journal */
    leases_wake(keeper);
}

/* ---- whose a lease is ---- */

static bool is_same_process(const struct lease_keeper *keeper, const struct vm *vm,
                            const struct lease *lease)
{
    return hypervisor_process_is_open(&vm->measured.process) &&
           !lease_is_of_other_boot(lease, keeper->supervisor->host_boot_id) &&
           lease->pid == vm->measured.process.pid &&
           lease->start_time == vm->measured.process.start_time;
}

/* A VM's file may be renamed, and its name given to another VM: the process and the UUID know
 * better. */
static bool is_for(const struct lease_keeper *keeper, const struct vm *vm,
                   const struct lease *lease)
{
    if (is_same_process(keeper, vm, lease))
        return true;
    if (lease->uuid[0] != '\0' && vm->uuid[0] != '\0')
        return strcasecmp(lease->uuid, vm->uuid) == 0;
    return strcmp(lease->vm, vm->name) == 0;
}

/* NULL: none has the hypervisor of the lease. */
static struct vm *find_at_address(const struct registry *registry, const struct lease *lease)
{
    struct hypervisor_address address;

    return hypervisor_address_join(lease->driver, lease->address, &address, NULL) < 0
               ? NULL
               : registry_find_address(registry, &address);
}

static bool is_at(const struct vm *vm, const struct lease *lease)
{
    return vm->address.driver != NULL && driver_is_called(vm->address.driver, lease->driver) &&
           strcmp(hypervisor_address_where(&vm->address), lease->address) == 0;
}

static struct vm *find_claimant(const struct lease_keeper *keeper, const struct lease *lease)
{
    const struct registry *registry = &keeper->supervisor->registry;
    struct vm *const found[] = {
        find_at_address(registry, lease),
        lease->uuid[0] == '\0' ? NULL : registry_find_uuid(registry, lease->uuid),
        registry_find_name(registry, lease->vm),
    };

    for (size_t i = 0; i < ARRAY_SIZE(found); i++)
        if (found[i] != NULL && found[i]->address.driver != NULL && is_for(keeper, found[i], lease))
            return found[i];
    return NULL;
}

/* Only what is sure: a process that cannot be looked at is not gone. */
static bool is_process_gone(const struct lease_keeper *keeper, const struct lease *lease)
{
    struct hypervisor_process process;
    bool is_other;
    int r;

    if (lease_is_of_other_boot(lease, keeper->supervisor->host_boot_id))
        return true;
    if (lease->pid <= 0)
        return false;
    hypervisor_process_init(&process);
    r = hypervisor_process_open(&process, keeper->supervisor->root, lease->pid, NULL);
    is_other = r == 0 && process.start_time != lease->start_time;
    hypervisor_process_finish(&process);
    return r == -ESRCH || is_other;
}

/* ---- resuming ---- */

/* A guest that came into another process by migration or from a snapshot brought its balloon along.
 * The lease is that process' now, and is given back. False: the process' balloon is its own. */
static bool take_along(struct lease_keeper *keeper, struct vm *vm, struct lease *lease)
{
    uint64_t maximum = vm->hypervisor.facts.balloon_maximum;
    uint64_t baseline = lease->baseline;

    if (maximum != 0)
        baseline = min_of(baseline, maximum);
    if (vm->hypervisor.facts.balloon_actual + BALLOON_SLACK >= baseline)
        return false;
    vm_warn(vm,
            "the guest came into process %d with a balloon that leaves it %s of %s: it gets the "
            "rest back",
            (int)vm->measured.process.pid, BYTES_TEXT(vm->hypervisor.facts.balloon_actual),
            BYTES_TEXT(baseline));
    assert(baseline <= lease->baseline);
    lease->baseline = baseline;
    lease->maximum = maximum;
    lease->pid = vm->measured.process.pid;
    lease->start_time = vm->measured.process.start_time;
    snprintf(lease->host_boot_id, sizeof(lease->host_boot_id), "%s",
             keeper->supervisor->host_boot_id);
    return true;
}

/* The journal is to find the lease by what the VM is called now. */
static void rename_lease(struct lease_keeper *keeper, struct vm *vm, struct lease *lease)
{
    if (strcmp(lease->vm, vm->name) == 0 && is_at(vm, lease))
        return;
    snprintf(lease->vm, sizeof(lease->vm), "%s", vm->name);
    conduct_set_address(lease, vm);
    conduct_write(keeper, &(struct balloon_action){.kind = BALLOON_PUT, .lease = *lease}, NULL,
                  NULL);
}

/* False: it has to wait. */
static bool resume_lease(struct lease_keeper *keeper, struct vm *vm, struct lease *lease)
{
    bool is_seen = hypervisor_process_is_open(&vm->measured.process);
    bool is_valid = is_same_process(keeper, vm, lease);

    assert(vm->hypervisor.ready && (is_seen || !is_valid));
    /* Whether it is for this process is not known; to give it back, that need not be. */
    if (!is_seen && !lease_is_due(lease, time_boottime()))
        return false;
    if (vm->hypervisor.facts.balloon_actual == 0 ||
        (is_seen && !is_valid && !take_along(keeper, vm, lease))) {
        if (!is_process_gone(keeper, lease))
            return false;
        conduct_forget(keeper, vm, lease);
        return true;
    }
    if (leases_adopt(keeper, vm) < 0)
        return false;
    rename_lease(keeper, vm, lease);
    return balloon_resume(leases_control(vm), lease, is_valid) == 0;
}

void lease_waiting_resume(struct lease_keeper *keeper, struct vm *vm)
{
    if (!vm->hypervisor.ready)
        return;
    leases_set_waiting(vm, 0);
    list_for_each_safe (link, following, &keeper->waiting) {
        struct waiting_lease *waiting = list_entry(link, struct waiting_lease, link);

        if (is_for(keeper, vm, &waiting->lease) && resume_lease(keeper, vm, &waiting->lease))
            end_waiting(waiting);
    }
}

bool lease_waiting_has(const struct lease_keeper *keeper, const struct vm *vm)
{
    list_for_each (link, &keeper->waiting)
        if (is_for(keeper, vm, &list_entry(link, struct waiting_lease, link)->lease))
            return true;
    return false;
}

void lease_waiting_note(struct lease_keeper *keeper, struct vm *vm)
{
    uint64_t bytes = 0;

    list_for_each (link, &keeper->waiting) {
        const struct lease *lease = &list_entry(link, struct waiting_lease, link)->lease;

        if (is_for(keeper, vm, lease))
            bytes += lease->bytes;
    }
    leases_set_waiting(vm, bytes);
    if (bytes != 0)
        vm_warn(vm, "a lease of %s waits until its hypervisor answers", BYTES_TEXT(bytes));
}

/* ---- stand-ins: VMs that are only the address in a lease that is over ---- */

static int make_stand_in(struct supervisor *supervisor, const struct lease *lease,
                         struct vm **ret_vm)
{
    struct error error;
    char name[VM_NAME_SIZE];
    int r;

    snprintf(name, sizeof(name), "%s", lease->vm);
    if (registry_find_name(&supervisor->registry, name) != NULL)
        snprintf(name, sizeof(name), "lease-%" PRIx64, lease->id);
    r = vm_create(name, VM_SOURCE_LEASE, ret_vm);
    if (r < 0)
        return r;
    r = supervisor_add_vm(supervisor, *ret_vm, &error);
    if (r < 0)
        vm_destroy(*ret_vm);
    return r;
}

static struct vm *add_stand_in(struct lease_keeper *keeper, const struct lease *lease)
{
    struct supervisor *supervisor = keeper->supervisor;
    struct hypervisor_address address;
    struct error error;
    struct vm *vm;
    int r;

    if (make_stand_in(supervisor, lease, &vm) < 0)
        return NULL;
    keeper->stand_in_count++;
    r = hypervisor_address_join(lease->driver, lease->address, &address, &error);
    if (r == 0)
        r = registry_set_address(&supervisor->registry, vm, &address, &error);
    if (r < 0)
        vm_warn(vm, "%s", error.text);
    else
        vm_warn(vm, "a lease of %s is over and no VM claims it: %s gives it back",
                BYTES_TEXT(lease->bytes), lease->address);
    return vm;
}

/* False: the lease is over, its process took the balloon along. */
static bool stand_in(struct lease_keeper *keeper, struct waiting_lease *waiting, nsec_t now)
{
    const struct lease *lease = &waiting->lease;
    struct vm *vm = find_at_address(&keeper->supervisor->registry, lease);

    if (vm == NULL && now >= waiting->stand_in_next) {
        waiting->stand_in_next = now + STAND_IN_INTERVAL;
        vm = add_stand_in(keeper, lease);
    }
    if (vm == NULL || !is_process_gone(keeper, lease))
        return true;
    conduct_forget(keeper, vm, lease);
    return false;
}

static bool is_awaited(const struct lease_keeper *keeper, const struct vm *vm)
{
    list_for_each (link, &keeper->waiting)
        if (is_at(vm, &list_entry(link, struct waiting_lease, link)->lease))
            return true;
    return false;
}

/* Once its leases are over, or were found to be another hypervisor's. */
static void end_stand_in(struct lease_keeper *keeper, struct vm *vm)
{
    if ((vm->sources.set & VM_SOURCE_LEASE) == 0 || lease_balloon(vm) != NULL ||
        (vm->address.driver != NULL && !vm->hypervisor.ready && is_awaited(keeper, vm)))
        return;
    assert(keeper->stand_in_count > 0);
    keeper->stand_in_count--;
    vm_drop_source(vm, VM_SOURCE_LEASE);
}

/* ---- the journal ---- */

static void note_all(struct lease_keeper *keeper)
{
    list_for_each (link, &keeper->supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (!vm->hypervisor.ready)
            lease_waiting_note(keeper, vm);
    }
}

static int keep_loaded(struct lease_keeper *keeper, const struct lease *lease,
                       const struct lease_moment *moment)
{
    struct lease loaded = *lease;

    lease_term_resume(&loaded, moment, keeper->supervisor->host_boot_id);
    return keep_waiting(&loaded, keeper);
}

static void on_loaded(int status, const struct error *error, const struct lease *leases,
                      size_t count, void *userdata)
{
    const struct lease_moment moment = lease_moment_now();
    struct lease_keeper *keeper = userdata;

    assert(keeper->is_loading && list_is_empty(&keeper->waiting)); /* it is answered once */
    keeper->is_loading = false;
    for (size_t i = 0; status == 0 && i < count; i++)
        status = keep_loaded(keeper, &leases[i], &moment);
    if (status == 0) {
        keeper->problem.text[0] = '\0';
        note_all(keeper);
        return;
    }
    lease_waiting_finish(keeper); /* half of them would be resumed as if they were all */
    error_set(&keeper->problem, status, "%s",
              error->text[0] == '\0' ? "reading the leases: out of memory" : error->text);
}

void lease_waiting_load(struct lease_keeper *keeper)
{
    assert(!keeper->is_loading);
    keeper->is_loading = true;
    keeper->load_next = time_boottime() + LOAD_INTERVAL;
    if (keeper->problem.text[0] == '\0')
        error_set(&keeper->problem, -EBUSY, "the leases of earlier are being read");
    keeper->journal.load(keeper->journal.userdata, on_loaded, keeper);
}

const char *lease_waiting_problem(const struct lease_keeper *keeper)
{
    return keeper->problem.text[0] == '\0' ? NULL : keeper->problem.text;
}

/* ---- timer ---- */

/* True: it waits on. */
static bool visit(struct lease_keeper *keeper, struct waiting_lease *waiting, nsec_t now)
{
    struct vm *vm = find_claimant(keeper, &waiting->lease);

    if (vm != NULL && !vm->hypervisor.ready)
        return true;
    if (vm != NULL && resume_lease(keeper, vm, &waiting->lease)) {
        leases_set_waiting(vm, 0);
        return false;
    }
    return !lease_is_due(&waiting->lease, now) || stand_in(keeper, waiting, now);
}

void lease_waiting_tick(struct lease_keeper *keeper, nsec_t now)
{
    if (lease_waiting_problem(keeper) != NULL && !keeper->is_loading && now >= keeper->load_next)
        lease_waiting_load(keeper);
    list_for_each_safe (link, following, &keeper->waiting) {
        struct waiting_lease *waiting = list_entry(link, struct waiting_lease, link);

        if (!visit(keeper, waiting, now))
            end_waiting(waiting);
    }
    if (keeper->stand_in_count == 0)
        return;
    list_for_each_safe (link, following, &keeper->supervisor->registry.vms)
        end_stand_in(keeper, list_entry(link, struct vm, link));
}

bool lease_waiting_is_busy(const struct lease_keeper *keeper)
{
    return lease_waiting_problem(keeper) != NULL || keeper->stand_in_count > 0 ||
           !list_is_empty(&keeper->waiting);
}

size_t lease_waiting_count(const struct lease_keeper *keeper)
{
    size_t count = 0;

    list_for_each (link, &keeper->waiting)
        count++;
    return count;
}

size_t lease_waiting_count_due(const struct lease_keeper *keeper, nsec_t now)
{
    size_t count = 0;

    list_for_each (link, &keeper->waiting)
        count += lease_is_due(&list_entry(link, struct waiting_lease, link)->lease, now);
    return count;
}
