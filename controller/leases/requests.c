/* Leases that somebody asks for or gives back. */
#include "controller/leases/requests.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/leases/conduct.h"
#include "controller/leases/waiting.h"
#include "controller/vms/hypervisor.h"

static uint64_t make_id(void)
{
    uint64_t id = 0;

    while (id == 0 || id > INT64_MAX)
        if (getrandom(&id, sizeof(id), 0) != (ssize_t)sizeof(id))
            id = (uint64_t)time_realtime();
    return id;
}

static int check_vm(const struct vm *vm, struct error *error)
{
    if (!vm->hypervisor.ready)
        return error_set(error, -ENOTCONN, "VM '%s': its hypervisor cannot be told: %s", vm->name,
                         vm_hypervisor_condition(vm));
    /* A lease is for one process: another one's balloon must not be taken for it. */
    if (!hypervisor_process_is_open(&vm->measured.process))
        return error_set(error, -EOPNOTSUPP,
                         "VM '%s': a lease needs its hypervisor's process, which vmreclaimd does "
                         "not see: %s; run it as root and in the hypervisor's PID namespace",
                         vm->name, vm_hypervisor_condition(vm));
    if (vm->hypervisor.facts.balloon != ANSWER_YES)
        return error_set(error, -ENODEV,
                         "VM '%s' has no balloon device; start it with virtio-balloon", vm->name);
    if (conduct_is_inert(vm))
        return error_set(
            error, -EOPNOTSUPP, "VM '%s': its balloon gives the host nothing: %s", vm->name,
            vm->hypervisor.facts.vfio_devices > 0 ? "an assigned device pins all memory"
            : vm->hypervisor.facts.encrypted      ? "its memory is encrypted"
                                                  : "its memory is locked on the host");
    if (vm->hypervisor.facts.balloon_actual == 0)
        return error_set(error, -EBUSY, "VM '%s': its balloon's size is not known yet; try again",
                         vm->name);
    return 0;
}

/* What is held already must be known. */
static int check_journal(struct lease_keeper *keeper, struct error *error)
{
    int r = lease_waiting_problem(keeper) == NULL ? 0 : lease_waiting_load(keeper, error);

    return r < 0 ? error_prefix(error, r, "the leases of earlier are not known yet") : 0;
}

/* As its owner says in the VM's file, and what the balloon cannot take anyway. */
static uint64_t floor_of(const struct vm *vm)
{
    const struct vm_definition *definition = vm->sources.definition;

    return max_of(definition == NULL ? 0 : definition->floor, vm->hypervisor.facts.balloon_minimum);
}

static void fill_lease(const struct vm *vm, uint64_t bytes, nsec_t duration, const char *owner,
                       struct lease *lease)
{
    *lease = (struct lease){
        .id = make_id(),
        .bytes = bytes,
        .floor = floor_of(vm),
        .created = time_realtime(),
        .pid = vm->measured.process.pid,
        .start_time = vm->measured.process.start_time,
    };
    if (duration != 0)
        lease->expires = lease->created + (int64_t)duration;
    (void)snprintf(lease->vm, sizeof(lease->vm), "%s", vm->name);
    (void)snprintf(lease->uuid, sizeof(lease->uuid), "%s", vm->uuid);
    text_copy_line(lease->owner, sizeof(lease->owner), owner);
    (void)snprintf(lease->boot_id, sizeof(lease->boot_id), "%s", vm->agent.boot_id);
    conduct_set_address(lease, vm);
}

static uint64_t held_by(const struct balloon_control *control, const char *owner, bool others)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < control->lease_count; i++)
        if (control->leases[i].lease.state != LEASE_RELEASING &&
            (strcmp(control->leases[i].lease.owner, owner) == 0) != others)
            bytes += control->leases[i].lease.bytes;
    return bytes;
}

static void release_owner(struct balloon_control *control, const char *owner)
{
    for (uint32_t i = 0; i < control->lease_count; i++)
        if (strcmp(control->leases[i].lease.owner, owner) == 0)
            (void)balloon_release(control, control->leases[i].lease.id);
}

/* The lease just made, at once: whoever asked for it learns when that fails. */
static int write_newest(struct lease_keeper *keeper, struct vm *vm, struct error *error)
{
    struct balloon_control *control = leases_control(vm);
    const struct balloon_action action = {.kind = BALLOON_PUT,
                                          .lease = control->leases[control->lease_count - 1].lease};
    int r = conduct_write(keeper, vm, &action, error);

    if (r < 0)
        return error_prefix(error, r, "%s", balloon_news_text(BALLOON_NEWS_NO_JOURNAL));
    balloon_done(control, &action, 0, time_boottime());
    return 0;
}

/* The balloon is to be as it was before a request that failed. */
static int request(struct lease_keeper *keeper, struct vm *vm, const struct lease *lease,
                   struct balloon_input *input, struct error *error)
{
    struct balloon_control *control = leases_control(vm);
    const struct balloon_control before = *control;
    int r;

    input->available += held_by(control, lease->owner, false);
    release_owner(control, lease->owner);
    r = balloon_request(control, lease, input, error);
    if (r == 0)
        r = write_newest(keeper, vm, error);
    if (r < 0)
        *control = before; /* the owner keeps what it had */
    return r;
}

/* `size` is what the guest is left with, whatever others hold of `baseline`. */
static int check_size(const struct vm *vm, uint64_t size, uint64_t others, uint64_t baseline,
                      struct error *error)
{
    const struct vm_definition *definition = vm->sources.definition;

    if (size + others >= baseline || size + others < size)
        return error_set(error, -EBUSY,
                         "VM '%s' has %s, %s of it held by others: it cannot be left with %s; to "
                         "give memory back, release",
                         vm->name, BYTES_TEXT(baseline), BYTES_TEXT(others), BYTES_TEXT(size));
    if (definition != NULL && size < definition->floor)
        return error_set(
            error, -EBUSY, "VM '%s' keeps at least %s: 'floor' in %s; it cannot be left with %s",
            vm->name, BYTES_TEXT(definition->floor), definition->source, BYTES_TEXT(size));
    return 0;
}

int lease_keeper_set(struct lease_keeper *keeper, struct vm *vm, uint64_t size, nsec_t duration,
                     const char *owner, struct error *error)
{
    struct balloon_input input = conduct_look(vm);
    struct balloon_control *control;
    struct lease lease;
    uint64_t others;
    int r = check_vm(vm, error);

    if (r == 0)
        r = check_journal(keeper, error);
    if (r == 0 && leases_adopt(keeper, vm) < 0)
        r = error_set(error, -ENOMEM, "out of memory");
    if (r < 0)
        return r;
    control = leases_control(vm);
    others = held_by(control, owner, true);
    r = check_size(vm, size, others, control->baseline, error);
    if (r < 0)
        return r;
    fill_lease(vm, control->baseline - others - size, duration, owner, &lease);
    r = request(keeper, vm, &lease, &input, error);
    if (r == 0)
        leases_note_news(vm, BALLOON_NO_NEWS);
    input = conduct_look(vm);
    conduct_run(keeper, vm, &input);
    return r < 0 ? error_prefix(error, r, "VM '%s'", vm->name) : 0;
}

int lease_keeper_release(struct lease_keeper *keeper, struct vm *vm, struct error *error)
{
    struct balloon_input input = conduct_look(vm);
    struct balloon_control *control = leases_control(vm);

    if (control == NULL || !balloon_release(control, 0))
        return error_set(error, -ENOENT, "VM '%s' has no lease to release", vm->name);
    leases_note_news(vm, BALLOON_NO_NEWS);
    conduct_run(keeper, vm, &input);
    return 0;
}
