/* Leases of simulated guests. */
#include "tests/sim/host-leases.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/term.h"

#define ACTS_PER_STEP 32 /* as conduct.c */

struct balloon_input host_leases_look(const struct host_guest *guest, uint64_t now)
{
    double available = host_guest_free(guest) + host_guest_cache(guest);
    bool is_fresh = guest->has_agent && now >= guest->agent_back;

    if (guest->lie == HOST_LIES_IDLE)
        available = host_guest_size(guest) * 0.95;
    else if (guest->lie == HOST_LIES_BUSY)
        available = 0;
    return (struct balloon_input){
        .now = now * NSEC_PER_SEC,
        .ready = true,
        .running = true,
        .ram = (uint64_t)llround(guest->ram),
        .actual = (uint64_t)llround(host_guest_size(guest)),
        .maximum = (uint64_t)llround(guest->ram),
        .deflate_on_oom = guest->deflates_on_oom,
        .guest_is_fresh = is_fresh,
        .guest_read = is_fresh ? now * NSEC_PER_SEC : 0,
        .guest_total = (uint64_t)llround(host_guest_size(guest)),
        .guest_free = (uint64_t)llround(host_guest_free(guest)),
        .available = (uint64_t)llround(available),
        .footprint = (uint64_t)llround(host_guest_footprint(guest)),
    };
}

static void name_boot(const struct host_guest *guest, char text[37])
{
    snprintf(text, 37, "boot-%" PRIu64, guest->restarted);
}

/* ---- the journal and the hypervisor ---- */

/* False: the daemon dies before the act. It dies after it when that is its last. */
static bool may_act(struct host_daemon *daemon)
{
    if (daemon->is_dead)
        return false;
    daemon->acts++;
    if (daemon->dies_at == 0 || daemon->acts < daemon->dies_at)
        return true;
    daemon->is_dead = true;
    return daemon->acts % 2 == 0;
}

static struct lease *journaled(struct host_leases *leases, uint64_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(leases->journal); i++)
        if (leases->journal[i].id == id)
            return &leases->journal[i];
    return NULL;
}

static void put(struct host_leases *leases, struct host_daemon *daemon, const struct lease *lease)
{
    struct lease *place = journaled(leases, lease->id);

    if (place == NULL)
        place = journaled(leases, 0);
    assert(place != NULL);
    if (may_act(daemon))
        *place = *lease;
}

static void forget(struct host_leases *leases, struct host_daemon *daemon, uint64_t id)
{
    struct lease *place = journaled(leases, id);

    if (may_act(daemon) && place != NULL)
        *place = (struct lease){0};
}

unsigned host_leases_journaled(const struct host_leases *leases)
{
    unsigned count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(leases->journal); i++)
        count += leases->journal[i].id != 0;
    return count;
}

/* What is taken is in the journal, whatever happens next. */
static void check_command(struct host_leases *leases, uint64_t target)
{
    uint64_t owed = 0;

    for (size_t i = 0; i < ARRAY_SIZE(leases->journal); i++)
        owed += leases->journal[i].id != 0 ? leases->journal[i].bytes : 0;
    assert(target + owed + MIB >= leases->control.baseline);
}

static void act(struct host_leases *leases, struct host_daemon *daemon, struct host_guest *guest,
                const struct balloon_action *action, nsec_t now)
{
    switch (action->kind) {
    case BALLOON_PUT:
        put(leases, daemon, &action->lease);
        break;
    case BALLOON_FORGET:
        forget(leases, daemon, action->lease.id);
        break;
    case BALLOON_TELL:
        check_command(leases, action->target);
        if (may_act(daemon))
            guest->target = (double)action->target;
        break;
    case BALLOON_NOTHING:
        break;
    }
    if (!daemon->is_dead)
        balloon_done(&leases->control, action, 0, now);
}

/* ---- once a second ---- */

static void note_past(struct host_leases *leases, nsec_t now)
{
    for (uint32_t i = 0; i < leases->control.lease_count; i++) {
        const struct lease *lease = &leases->control.leases[i].lease;

        if (lease->state != LEASE_RELEASING && lease_is_over(lease, now))
            leases->past++;
    }
}

bool host_leases_need_raise(const struct host_leases *leases)
{
    return leases->is_adopted && !leases->control.telling &&
           balloon_wanted(&leases->control) > leases->control.target;
}

/* As its agent says, once it is heard. */
static bool is_other_boot(const struct host_leases *leases, const struct host_guest *guest,
                          const struct balloon_input *input)
{
    char boot_id[sizeof(leases->control.leases[0].lease.boot_id)];

    name_boot(guest, boot_id);
    for (uint32_t i = 0; input->guest_is_fresh && i < leases->control.lease_count; i++)
        if (strcmp(leases->control.leases[i].lease.boot_id, boot_id) != 0)
            return true;
    return false;
}

void host_leases_run(struct host_leases *leases, struct host_daemon *daemon,
                     struct host_guest *guest, uint64_t now, bool may_raise)
{
    struct balloon_input input = host_leases_look(guest, now);

    if (!leases->is_adopted || daemon->is_dead)
        return;
    input.hold_raise = !may_raise;
    input.pressure = input.guest_is_fresh && guest->waited >= HOST_PRESSURE;
    input.voided = leases->is_voided || is_other_boot(leases, guest, &input);
    leases->is_voided = false;
    for (unsigned i = 0; i < ACTS_PER_STEP && !daemon->is_dead; i++) {
        struct balloon_action action = balloon_step(&leases->control, &input);

        input.pressure = false;
        input.voided = false;
        if (action.kind == BALLOON_NOTHING)
            break;
        act(leases, daemon, guest, &action, input.now);
    }
    if (daemon->is_dead)
        return;
    note_past(leases, input.now);
    while (balloon_take_news(&leases->control) != BALLOON_NO_NEWS)
        ;
    if (balloon_is_over(&leases->control))
        leases->is_adopted = false;
}

void host_leases_void(struct host_leases *leases)
{
    leases->is_voided = leases->is_adopted;
}

/* ---- asking ---- */

void host_leases_release(struct host_leases *leases)
{
    if (leases->is_adopted)
        (void)balloon_release(&leases->control, 0);
}

/* The lease as it would be; what its owner holds already counts as available. */
static int try_out(struct balloon_control *trial, struct lease *lease, struct balloon_input *input)
{
    int r;

    if (lease->bytes <= balloon_held(trial)) { /* it takes nothing */
        input->guest_is_fresh = true;
        input->available = UINT64_MAX / 2;
    }
    input->available += balloon_held(trial);
    (void)balloon_release(trial, 0);
    r = balloon_request(trial, lease, input, NULL);
    if (r == 0)
        *lease = balloon_find_lease(trial, lease->id)->lease;
    return r;
}

int host_leases_set(struct host_leases *leases, struct host_daemon *daemon,
                    struct host_guest *guest, uint64_t now, uint64_t size, nsec_t term)
{
    const struct lease_moment moment = {now * NSEC_PER_SEC, (int64_t)(now * NSEC_PER_SEC)};
    struct balloon_input input = host_leases_look(guest, now);
    struct lease lease = {.id = daemon->next_lease + 1, .owner = "arbiter"};
    struct balloon_control trial;
    int r;

    if (!guest->has_balloon)
        return -ENODEV;
    if (!leases->is_adopted)
        balloon_adopt(&leases->control, input.actual, input.maximum);
    leases->is_adopted = true;
    if (size >= leases->control.baseline || (double)size < guest->floor)
        return -EBUSY;
    lease.bytes = leases->control.baseline - size;
    lease.floor = (uint64_t)guest->floor;
    name_boot(guest, lease.boot_id);
    lease_term_begin(&lease, term, &moment, "boot");
    trial = leases->control;
    r = try_out(&trial, &lease, &input);
    if (r < 0)
        return r;
    daemon->next_lease++;
    put(leases, daemon, &lease);
    if (daemon->is_dead)
        return 0;
    leases->control = trial;
    balloon_find_lease(&leases->control, lease.id)->written = true;
    return 0;
}

/* ---- after a restart of the daemon ---- */

void host_leases_resume(struct host_leases *leases, const struct host_guest *guest, uint64_t now)
{
    const struct lease_moment moment = {now * NSEC_PER_SEC, (int64_t)(now * NSEC_PER_SEC)};
    const struct balloon_input input = host_leases_look(guest, now);
    int r;

    leases->is_adopted = host_leases_journaled(leases) > 0;
    leases->is_voided = false;
    balloon_adopt(&leases->control, input.actual, input.maximum);
    for (size_t i = 0; i < ARRAY_SIZE(leases->journal); i++) {
        struct lease lease = leases->journal[i];

        if (lease.id == 0)
            continue;
        lease_term_resume(&lease, &moment, "boot");
        r = balloon_resume(&leases->control, &lease, true);
        assert(r == 0);
    }
}

uint64_t host_leases_held(const struct host_leases *leases)
{
    return leases->is_adopted ? balloon_held(&leases->control) : 0;
}

nsec_t host_leases_end(const struct host_leases *leases)
{
    nsec_t end = 0;

    for (uint32_t i = 0; leases->is_adopted && i < leases->control.lease_count; i++)
        if (balloon_counts(&leases->control.leases[i]))
            end = max_of(end, leases->control.leases[i].lease.due);
    return end;
}
