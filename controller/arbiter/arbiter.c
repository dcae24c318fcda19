/* What the arbiter decides. */
#include "controller/arbiter/arbiter.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/util.h"
#include "controller/arbiter/memory.h"
#include "controller/arbiter/round.h"

#define PLENTY_TIME (10 * NSEC_PER_SEC) /* the host must have more than it needs for so long */
#define PSI_SHORT   2000u               /* permyriad: it is short sooner ... */
#define PSI_FULL    1000u               /* ... and critical sooner */

/* ---- the object ---- */

void arbiter_init(struct arbiter *arbiter)
{
    *arbiter = (struct arbiter){.state = ARBITER_RESTING};
}

void arbiter_finish(struct arbiter *arbiter)
{
    free(arbiter->claims);
    free(arbiter->wants);
    free(arbiter->ranks);
    *arbiter = (struct arbiter){.state = ARBITER_RESTING};
}

/* What was made before a failure is kept, and larger than `room` says. */
static int make_room(struct arbiter *arbiter, size_t count)
{
    struct share_claim *claims;
    struct arbiter_want *wants;
    struct arbiter_rank *ranks;

    if (count <= arbiter->room)
        return 0;
    claims = reallocarray(arbiter->claims, count, sizeof(*claims));
    if (claims == NULL)
        return -ENOMEM;
    arbiter->claims = claims;
    wants = reallocarray(arbiter->wants, count, sizeof(*wants));
    if (wants == NULL)
        return -ENOMEM;
    arbiter->wants = wants;
    ranks = reallocarray(arbiter->ranks, count, sizeof(*ranks));
    if (ranks == NULL)
        return -ENOMEM;
    arbiter->ranks = ranks;
    arbiter->room = count;
    return 0;
}

/* ---- what is counted ---- */

struct arbiter_view arbiter_look(const struct arbiter_host *host, const struct arbiter_vm vms[],
                                 size_t count)
{
    struct arbiter_view view = {.available = host->available, .promised = host->reserved};

    for (size_t i = 0; i < count; i++) {
        uint64_t gains[ARBITER_STEP_COUNT];

        arbiter_gains(&vms[i], gains);
        view.coming += memory_coming(&vms[i], host->now);
        view.promised += memory_promised(&vms[i], host->now);
        for (int step = ARBITER_RECLAIM; step < ARBITER_LEASE; step++)
            gains[ARBITER_LEASE] = max_of(gains[ARBITER_LEASE], gains[step]);
        view.takeable += gains[ARBITER_LEASE];
    }
    view.counted = saturating_subtract(view.available + view.coming, view.promised);
    return view;
}

/* ---- states ---- */

/* Bit n: the state may follow. */
static const unsigned followers[ARBITER_STATE_COUNT] = {
    [ARBITER_RESTING] = 1u << ARBITER_TAKING | 1u << ARBITER_CRITICAL | 1u << ARBITER_GIVING,
    [ARBITER_TAKING] = 1u << ARBITER_RESTING | 1u << ARBITER_CRITICAL,
    [ARBITER_CRITICAL] = 1u << ARBITER_TAKING | 1u << ARBITER_RESTING,
    [ARBITER_GIVING] = 1u << ARBITER_RESTING | 1u << ARBITER_TAKING | 1u << ARBITER_CRITICAL,
};

static void move(struct arbiter *arbiter, enum arbiter_state next, nsec_t now)
{
    if (next == arbiter->state)
        return;
    assert((followers[arbiter->state] >> next & 1) != 0);
    arbiter->state = next;
    arbiter->since = now;
}

/* A host that stalls is short before its free memory says so. */
static struct arbiter_host marks_of_now(const struct arbiter_host *host)
{
    struct arbiter_host now = *host;

    if (host->psi_full >= PSI_FULL)
        now.critical = host->low;
    if (host->psi_full >= PSI_FULL || host->psi_some >= PSI_SHORT)
        now.low = host->high;
    return now;
}

/* Without the room above the high watermark a lease would come and go. */
static bool has_plenty(struct arbiter *arbiter, const struct arbiter_host *host, uint64_t counted)
{
    if (counted < host->high + (host->high - host->low) / 2 || host->psi_full >= PSI_FULL) {
        arbiter->plenty = 0;
        return false;
    }
    if (arbiter->plenty == 0)
        arbiter->plenty = host->now;
    return host->now - arbiter->plenty >= PLENTY_TIME;
}

static bool has_leases(const struct arbiter_vm vms[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (vms[i].lease > 0)
            return true;
    return false;
}

/* It is short until what was asked for is there. */
static enum arbiter_state next_state(const struct arbiter_round *round,
                                     const struct arbiter_host *host, bool has_plenty)
{
    uint64_t counted = round->view.counted;
    uint64_t there = saturating_subtract(round->view.available, round->view.promised);

    if (round->view.available < round->host->critical)
        return ARBITER_CRITICAL;
    switch (round->arbiter->state) {
    case ARBITER_TAKING:
    case ARBITER_CRITICAL:
        return there >= host->high ? ARBITER_RESTING : ARBITER_TAKING;
    case ARBITER_GIVING:
        if (counted >= host->high)
            return ARBITER_GIVING;
        break;
    default:
        break;
    }
    if (counted < round->host->low)
        return ARBITER_TAKING;
    return has_plenty && has_leases(round->vms, round->count) ? ARBITER_GIVING : ARBITER_RESTING;
}

static uint64_t mark_of(enum arbiter_state state, const struct arbiter_host *host)
{
    switch (state) {
    case ARBITER_CRITICAL:
        return host->critical;
    case ARBITER_RESTING:
        return host->low;
    default:
        return host->high;
    }
}

/* ---- the step ---- */

/* What each may hold, for whoever is short and for a plan: at rest the host keeps what it has. */
static void divide(struct arbiter_round *round)
{
    uint64_t counted = round->view.counted;
    uint64_t excess = round->deficit;

    if (round->arbiter->state == ARBITER_RESTING)
        excess = saturating_subtract(round->host->low, counted);
    round_divide_fairly(round, excess, saturating_subtract(counted, round->host->high));
    round_divide(round, excess, saturating_subtract(counted, round->host->high));
}

static void decide(struct arbiter_round *round)
{
    enum arbiter_state state = round->arbiter->state;

    round_look(round);
    divide(round);
    round_give_needed(round);
    if (state == ARBITER_TAKING || state == ARBITER_CRITICAL)
        round_take(round);
    if (state == ARBITER_GIVING)
        round_give_plenty(round);
    else
        round_give_hungry(round);
    round_renew(round);
    round_explain(round);
}

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + SHARES_PAGE - 1) / SHARES_PAGE * SHARES_PAGE;
}

/* What is on its way is not waited for where the host stays critical: whoever was asked is not
 * asked twice. */
static uint64_t deficit_of(const struct arbiter_round *round, const struct arbiter_host *host)
{
    uint64_t counted = round->view.counted;

    if (round->is_urgent && host->now - round->arbiter->since >= ROUND_HASTE_AFTER)
        counted = saturating_subtract(round->view.available, round->view.promised);
    return saturating_subtract(host->high, counted);
}

int arbiter_step(struct arbiter *arbiter, const struct arbiter_host *host, struct arbiter_vm vms[],
                 size_t count, struct arbiter_request requests[], size_t *ret_count)
{
    const struct arbiter_host marks = marks_of_now(host);
    struct arbiter_round round = {
        .arbiter = arbiter, .host = &marks, .vms = vms, .count = count, .requests = requests};
    int r = make_room(arbiter, count);

    if (r < 0)
        return r;
    assert(host->critical < host->low && host->low < host->high);
    for (size_t i = 0; i < count; i++)
        memory_look(&vms[i], host->now);
    round.view = arbiter_look(host, vms, count);
    move(arbiter, next_state(&round, host, has_plenty(arbiter, host, round.view.counted)),
         host->now);
    round.mark = mark_of(arbiter->state, &marks);
    round.is_urgent = arbiter->state == ARBITER_CRITICAL;
    round.deficit = whole_pages(deficit_of(&round, host));
    decide(&round);
    *ret_count = round.request_count;
    return 0;
}
