/* Leases that somebody asks for or gives back. */
#include "controller/leases/requests.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/random.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/leases/balloon-pulse.h"
#include "controller/leases/conduct.h"
#include "controller/leases/pulses.h"
#include "controller/leases/term.h"
#include "controller/leases/waiting.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/statistics-now.h"

#define READING_AGE_MAX (2 * NSEC_PER_SEC) /* as a pulse wants it */

static uint64_t make_id(void)
{
    uint64_t id = 0;

    while (id == 0 || id > INT64_MAX)
        id = random_bits();
    return id;
}

static int check_vm(const struct vm *vm, struct error *error)
{
    if (!vm->hypervisor.ready || vm->hypervisor.silent != 0)
        return error_set(error, -ENOTCONN, "VM '%s': its hypervisor takes no commands: %s",
                         vm->name, vm_hypervisor_condition(vm));
    /* A lease is for one process: another one's balloon must not be taken for it. */
    if (!hypervisor_process_is_open(&vm->measured.process))
        return error_set(error, -EOPNOTSUPP,
                         "VM '%s': a lease needs its hypervisor's process, which vmreclaimd does "
                         "not see: %s; run it as root and in the hypervisor's PID namespace",
                         vm->name, vm_hypervisor_condition(vm));
    if (vm->hypervisor.facts.balloon != ANSWER_YES)
        return error_set(error, -ENODEV,
                         "VM '%s' has no balloon device; start it with virtio-balloon", vm->name);
    if (conduct_why_inert(vm) != NULL)
        return error_set(error, -EOPNOTSUPP,
                         "VM '%s': its balloon gives the host nothing: %s; 'vmreclaim doctor %s' "
                         "says more",
                         vm->name, conduct_why_inert(vm), vm->name);
    if (vm->hypervisor.facts.balloon_actual == 0)
        return error_set(error, -EBUSY, "VM '%s': its balloon's size is not known yet; try again",
                         vm->name);
    return 0;
}

/* What is held already must be known. */
static int check_journal(const struct lease_keeper *keeper, struct error *error)
{
    const char *problem = lease_waiting_problem(keeper);

    return problem == NULL
               ? 0
               : error_set(error, -EIO, "the leases of earlier are not known yet: %s", problem);
}

/* What it is to keep, and what the balloon cannot take anyway. */
static uint64_t floor_of(const struct vm *vm)
{
    return max_of(vm_floor(vm), vm->hypervisor.facts.balloon_minimum);
}

static void fill_lease(const struct vm *vm, uint64_t bytes, const char *owner, struct lease *lease)
{
    *lease = (struct lease){
        .id = make_id(),
        .bytes = bytes,
        .floor = floor_of(vm),
        .pid = vm->measured.process.pid,
        .start_time = vm->measured.process.start_time,
    };
    snprintf(lease->vm, sizeof(lease->vm), "%s", vm->name);
    snprintf(lease->uuid, sizeof(lease->uuid), "%s", vm->uuid);
    text_copy_line(lease->owner, sizeof(lease->owner), owner);
    snprintf(lease->boot_id, sizeof(lease->boot_id), "%s", vm->agent.boot_id);
    conduct_set_address(lease, vm);
}

static uint64_t held_by(const struct balloon_control *control, const char *owner, bool others)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < control->lease_count; i++)
        if (control->leases[i].lease.state != LEASE_RELEASING &&
            (strcmp(control->leases[i].lease.owner, owner) == 0) != others)
            bytes += control->leases[i].lease.bytes;
    assert(bytes <= balloon_held(control));
    return bytes;
}

static void release_owner(struct balloon_control *control, const char *owner)
{
    for (uint32_t i = 0; i < control->lease_count; i++)
        if (strcmp(control->leases[i].lease.owner, owner) == 0)
            (void)balloon_release(control, control->leases[i].lease.id);
    assert(held_by(control, owner, false) == 0);
}

/* ---- a lease that is being written ---- */

struct lease_asked {
    struct list link; /* of the VM's leases; in no list: its balloon is gone */
    struct lease_keeper *keeper;
    struct vm *vm;
    struct lease lease;
    bool is_pulse;
    bool doubts;
    struct pulse_limits limits; /* of a pulse */
    struct balloon_input input; /* when it was asked for */
    lease_set_done done;        /* NULL: nobody waits */
    void *userdata;
    bool is_called_off;
    bool is_asking; /* it may be written at once */
    bool is_done;
    int status;
    struct error error;
};

static int begin_pulse(struct lease_asked *asked, struct error *error)
{
    const struct balloon_input input = conduct_look(asked->vm);
    int r = balloon_begin_pulse(leases_control(asked->vm), &asked->lease, &asked->limits, &input,
                                error);

    if (r == 0)
        pulses_wake(asked->keeper);
    return r;
}

/* It counts from now on. The owner keeps what it had when it cannot. */
static int take_effect(struct lease_asked *asked, struct error *error)
{
    struct balloon_control *control = leases_control(asked->vm);
    const struct balloon_control before = *control;
    const struct lease *lease = &asked->lease;
    struct balloon_lease *entry;
    int r;

    assert(asked->is_done && asked->status == 0 && !asked->is_called_off);
    if (asked->is_pulse)
        return begin_pulse(asked, error);
    release_owner(control, lease->owner);
    r = balloon_request(control, lease, &asked->input, error);
    if (r < 0) {
        *control = before;
        return r;
    }
    entry = balloon_find_lease(control, lease->id);
    entry->is_doubted = asked->doubts;
    entry->written =
        entry->lease.baseline == lease->baseline && entry->lease.maximum == lease->maximum;
    assert(held_by(control, lease->owner, false) == lease->bytes);
    return 0;
}

/* What has become of it, once it is in the journal. */
static int judge(struct lease_asked *asked, struct error *error)
{
    if (asked->status < 0) {
        *error = asked->error;
        return error_prefix(error, asked->status, "%s", balloon_news_text(BALLOON_NEWS_NO_JOURNAL));
    }
    if (list_is_empty(&asked->link))
        return error_set(error, -ENOTCONN, "its hypervisor went away meanwhile");
    if (asked->is_called_off)
        return error_set(error, -ECANCELED, "it was called off before it was written");
    return take_effect(asked, error);
}

/* Ends what was asked for. */
static int settle(struct lease_asked *asked, struct error *error)
{
    const struct balloon_action forget = {.kind = BALLOON_FORGET, .lease = asked->lease};
    bool has_balloon = !list_is_empty(&asked->link);
    struct balloon_input input;
    int r = judge(asked, error);

    if (r < 0 && asked->status == 0)
        conduct_write(asked->keeper, &forget, NULL, NULL);
    list_remove(&asked->link);
    if (!has_balloon)
        return r;
    if (r == 0)
        leases_note_news(asked->vm, BALLOON_NO_NEWS);
    input = conduct_look(asked->vm);
    conduct_run(asked->keeper, asked->vm, &input);
    return r;
}

static void on_written(int status, const struct error *error, void *userdata)
{
    struct lease_asked *asked = userdata;
    struct error reason;
    int r;

    assert(!asked->is_done); /* the journal answers once */
    asked->is_done = true;
    asked->status = status;
    if (status < 0)
        asked->error = *error;
    if (asked->is_asking)
        return;
    if (!leases_are_stopping(asked->keeper)) {
        r = settle(asked, &reason);
        if (r < 0)
            error_prefix(&reason, r, "VM '%s'", asked->lease.vm);
        if (asked->done != NULL)
            asked->done(r, &reason, asked->userdata);
    }
    list_remove(&asked->link); /* its VM goes after it, where nothing is settled any more */
    free(asked);
}

/* Whoever holds no more than before takes nothing: what the guest has left does not matter. */
static void look_past_guest(struct balloon_input *input)
{
    input->running = true;
    input->guest_is_fresh = true;
    input->available = UINT64_MAX;
}

/* A little more than the owner holds, or than is not on the host anyway, can be had of who can take
 * it back by itself. */
static void look_past_words(const struct balloon_control *control, uint64_t held,
                            struct balloon_input *input)
{
    uint64_t absent =
        input->footprint == 0 ? 0 : saturating_subtract(control->baseline, input->footprint);
    uint64_t enough =
        max_of(held, absent) + BALLOON_DOUBT_STEP + balloon_headroom(input->ram, true);

    if (input->deflate_on_oom)
        input->available = max_of(input->available, enough);
}

/* The lease as it would be. */
static int try_out(const struct balloon_control *control, struct lease_asked *asked,
                   struct error *error)
{
    struct balloon_control trial = *control;
    uint64_t held = held_by(control, asked->lease.owner, false);
    int r;

    asked->input.available += held;
    if (asked->lease.bytes <= held)
        look_past_guest(&asked->input);
    else if (asked->doubts)
        look_past_words(control, held, &asked->input);
    release_owner(&trial, asked->lease.owner);
    r = balloon_request(&trial, &asked->lease, &asked->input, error);
    if (r == 0)
        asked->lease = balloon_find_lease(&trial, asked->lease.id)->lease;
    return r;
}

/* Writes it first: what is not in the journal must not be taken. `asked` ends here, or is the
 * caller's. */
static int put(struct lease_asked *asked, struct lease_asked **ret_asked, struct error *error)
{
    struct lease_keeper *keeper = asked->keeper;
    int r;

    list_append(&asked->vm->leases->asked, &asked->link);
    asked->is_asking = true;
    conduct_write(keeper, &(struct balloon_action){.kind = BALLOON_PUT, .lease = asked->lease},
                  on_written, asked);
    asked->is_asking = false;
    if (!asked->is_done) {
        *ret_asked = asked;
        return 0;
    }
    r = settle(asked, error);
    free(asked);
    return r;
}

static int ask_pulse(struct lease_keeper *keeper, struct vm *vm, const struct lease *lease,
                     const struct pulse_limits *limits, struct lease_asked **ret_asked,
                     struct error *error)
{
    struct lease_asked *asked = calloc(1, sizeof(*asked));

    if (asked == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    *asked = (struct lease_asked){
        .keeper = keeper, .vm = vm, .lease = *lease, .is_pulse = true, .limits = *limits};
    return put(asked, ret_asked, error);
}

void lease_asked_call_off(struct lease_asked *asked)
{
    assert(!asked->is_done);
    asked->done = NULL;
    asked->is_called_off = true;
}

/* ---- what is asked ---- */

/* `size` is what the guest is left with, whatever others hold of `baseline`. */
static int check_size(const struct vm *vm, uint64_t size, uint64_t others, uint64_t baseline,
                      struct error *error)
{
    const struct vm_definition *definition = vm->sources.definition;
    uint64_t floor = vm_floor(vm);
    bool is_of_file = definition != NULL && definition->floor == floor;

    if (size + others >= baseline || size + others < size)
        return error_set(error, -EBUSY,
                         "VM '%s' has %s, %s of it held by others: it cannot be left with %s; to "
                         "give memory back, release",
                         vm->name, BYTES_TEXT(baseline), BYTES_TEXT(others), BYTES_TEXT(size));
    if (size < floor)
        return error_set(error, -EBUSY,
                         "VM '%s' keeps at least %s: 'floor' in %s; it cannot be left with %s",
                         vm->name, BYTES_TEXT(floor),
                         is_of_file ? definition->source : "its policy", BYTES_TEXT(size));
    return 0;
}

/* A balloon of which nothing is ours any more may go. */
static void run(struct lease_keeper *keeper, struct vm *vm)
{
    struct balloon_input input = conduct_look(vm);

    if (leases_control(vm) != NULL)
        conduct_run(keeper, vm, &input);
}

/* The VM's balloon, if something may be taken by it. */
static int adopt(struct lease_keeper *keeper, struct vm *vm, struct error *error)
{
    int r = check_vm(vm, error);

    if (r == 0)
        r = check_journal(keeper, error);
    if (r == 0 && leases_adopt(keeper, vm) < 0)
        r = error_set(error, -ENOMEM, "out of memory");
    return r;
}

/* The lease as it would be, and whether it may be. */
static int prepare(struct lease_keeper *keeper, struct vm *vm, const struct lease_wish *wish,
                   struct lease_asked *ret_asked, struct error *error)
{
    const struct lease_moment moment = lease_moment_now();
    const struct balloon_control *control;
    struct lease lease;
    uint64_t others;
    int r = adopt(keeper, vm, error);

    if (r < 0)
        return r;
    control = leases_control(vm);
    others = held_by(control, wish->owner, true);
    r = check_size(vm, wish->size, others, control->baseline, error);
    if (r < 0)
        return r;
    assert(wish->size + others < control->baseline);
    fill_lease(vm, control->baseline - others - wish->size, wish->owner, &lease);
    lease_term_begin(&lease, wish->duration, &moment, keeper->supervisor->host_boot_id);
    *ret_asked =
        (struct lease_asked){.keeper = keeper, .vm = vm, .lease = lease, .doubts = wish->doubts};
    ret_asked->input = conduct_look(vm);
    r = try_out(control, ret_asked, error);
    if (r == 0)
        return 0;
    run(keeper, vm);
    return error_prefix(error, r, "VM '%s'", vm->name);
}

int lease_keeper_set(struct lease_keeper *keeper, struct vm *vm, const struct lease_wish *wish,
                     struct lease_asked **ret_asked, struct error *error)
{
    struct lease_asked *asked = calloc(1, sizeof(*asked));
    int r = asked == NULL ? error_set(error, -ENOMEM, "out of memory")
                          : prepare(keeper, vm, wish, asked, error);

    *ret_asked = NULL;
    if (r < 0) {
        free(asked);
        return r;
    }
    r = put(asked, ret_asked, error);
    if (r == 0)
        return 0;
    run(keeper, vm);
    return error_prefix(error, r, "VM '%s'", vm->name);
}

int lease_keeper_try(struct lease_keeper *keeper, struct vm *vm, const struct lease_wish *wish,
                     struct error *error)
{
    struct lease_asked asked;
    int r = prepare(keeper, vm, wish, &asked, error);

    run(keeper, vm);
    return r;
}

/* Whoever asked for a pulse has just had the guest asked. */
static int check_reading(const struct vm *vm, const struct balloon_input *input,
                         struct error *error)
{
    if (!input->running || input->guest_read + READING_AGE_MAX >= input->now)
        return 0; /* it has words for a guest that stands still */
    return error_set(error, -EBUSY, "how much is free in the guest is not known now: %s",
                     vm_why_unread(vm, input->now));
}

/* How deep a pulse may go. */
static int prepare_pulse(struct lease_keeper *keeper, struct vm *vm,
                         const struct pulse_limits *limits, uint64_t *ret_bytes,
                         struct error *error)
{
    const struct balloon_input input = conduct_look(vm);
    int r = adopt(keeper, vm, error);

    if (r < 0)
        return r;
    r = check_reading(vm, &input, error);
    if (r == 0)
        r = balloon_plan_pulse(leases_control(vm), limits, floor_of(vm), &input, ret_bytes, error);
    if (r == 0)
        return 0;
    run(keeper, vm);
    return error_prefix(error, r, "VM '%s'", vm->name);
}

int lease_keeper_pulse(struct lease_keeper *keeper, struct vm *vm,
                       const struct pulse_limits *limits, struct lease_asked **ret_asked,
                       struct error *error)
{
    const struct lease_moment moment = lease_moment_now();
    const struct balloon_control *control;
    uint64_t bytes = 0;
    struct lease lease;
    int r = prepare_pulse(keeper, vm, limits, &bytes, error);

    *ret_asked = NULL;
    if (r < 0)
        return r;
    control = leases_control(vm);
    fill_lease(vm, bytes, PULSE_OWNER, &lease);
    lease.baseline = control->baseline;
    lease.maximum = control->maximum;
    lease_term_begin(&lease, PULSE_TERM, &moment, keeper->supervisor->host_boot_id);
    r = ask_pulse(keeper, vm, &lease, limits, ret_asked, error);
    if (r == 0)
        return 0;
    run(keeper, vm);
    return error_prefix(error, r, "VM '%s'", vm->name);
}

int lease_keeper_try_pulse(struct lease_keeper *keeper, struct vm *vm,
                           const struct pulse_limits *limits, uint64_t *ret_bytes,
                           struct error *error)
{
    int r = prepare_pulse(keeper, vm, limits, ret_bytes, error);

    run(keeper, vm);
    return r;
}

void lease_keeper_end_pulse(struct lease_keeper *keeper, struct vm *vm)
{
    struct balloon_control *control = leases_control(vm);

    if (control == NULL || !pulse_takes(&control->pulse))
        return;
    balloon_end_pulse(control, PULSE_END_CALLED_OFF, time_boottime());
    run(keeper, vm);
}

void lease_asked_tell(struct lease_asked *asked, lease_set_done done, void *userdata)
{
    assert(!asked->is_done && asked->done == NULL);
    asked->done = done;
    asked->userdata = userdata;
}

static bool is_of(const char *owner, const char *wanted)
{
    return wanted == NULL || strcmp(owner, wanted) == 0;
}

/* Pulses are anybody's to release, with all others. */
static bool holds(const struct balloon_control *control, const char *owner)
{
    for (uint32_t i = 0; i < control->lease_count; i++)
        if (is_of(control->leases[i].lease.owner, owner))
            return true;
    return false;
}

bool lease_may_release(const struct vm *vm, const char *owner)
{
    const struct balloon_control *control = lease_balloon(vm);

    if (control == NULL)
        return false;
    list_for_each (link, &vm->leases->asked)
        if (is_of(list_entry(link, struct lease_asked, link)->lease.owner, owner))
            return true;
    return holds(control, owner);
}

int lease_keeper_release(struct lease_keeper *keeper, struct vm *vm, const char *owner,
                         struct error *error)
{
    if (!lease_may_release(vm, owner))
        return error_set(error, -ENOENT, "VM '%s' has no lease to release", vm->name);
    list_for_each (link, &vm->leases->asked) {
        struct lease_asked *asked = list_entry(link, struct lease_asked, link);

        if (is_of(asked->lease.owner, owner))
            asked->is_called_off = true;
    }
    if (owner == NULL)
        (void)balloon_release(leases_control(vm), 0);
    else
        release_owner(leases_control(vm), owner);
    assert(owner != NULL || balloon_held(lease_balloon(vm)) == 0);
    leases_note_news(vm, BALLOON_NO_NEWS);
    run(keeper, vm);
    return 0;
}
