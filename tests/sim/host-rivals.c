/* Rules of others. */
#include "tests/sim/host-rivals.h"

#include <math.h>

/* ---- oVirt's MOM ---- */

#define MOM_PRESSURE      0.20
#define MOM_CRITICAL      0.05
#define MOM_GUEST_FREE    0.20
#define MOM_LARGEST_STEP  0.05
#define MOM_SMALLEST_STEP 0.0025

void mom_take(struct mom_history *history, double value)
{
    history->values[history->count++ % MOM_SAMPLES] = value;
}

double mom_mean(const struct mom_history *history)
{
    unsigned count = history->count < MOM_SAMPLES ? history->count : MOM_SAMPLES;
    double sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += history->values[i];
    return count == 0 ? 0 : sum / count;
}

static double mom_least(const struct mom_guest *guest, double free_part)
{
    double used = guest->size_mean - guest->free_mean;

    return fmax(guest->minimum, used + free_part * guest->size);
}

static double mom_shrink(double host_free, const struct mom_guest *guest)
{
    double free_part = host_free <= MOM_CRITICAL
                           ? host_free - 0.05 /* less than it uses: it is to swap */
                           : MOM_GUEST_FREE * (host_free / MOM_PRESSURE);
    double size = fmax(guest->size * (1 - MOM_LARGEST_STEP), mom_least(guest, free_part));

    return size <= guest->size ? size : 0;
}

static double mom_grow(const struct mom_guest *guest)
{
    double size = fmax(guest->size * (1 + MOM_LARGEST_STEP), mom_least(guest, MOM_GUEST_FREE));

    return guest->size < guest->maximum ? fmin(size, guest->maximum) : 0;
}

double mom_decide(double host_free, const struct mom_guest *guest)
{
    double size = host_free < MOM_PRESSURE ? mom_shrink(host_free, guest) : mom_grow(guest);

    return size != 0 && fabs(size - guest->size) > MOM_SMALLEST_STEP * guest->size ? size : 0;
}

/* ---- Proxmox VE ---- */

#define PROXMOX_LEAST_GOAL (10.0 * 1024 * 1024)
#define PROXMOX_ENOUGH     0.25 /* of the minimum is free */

enum { PROXMOX_MAX = 1024 }; /* guests */

struct proxmox_round {
    struct proxmox_guest *guests;
    unsigned count;
    const bool *listed;
    bool done[PROXMOX_MAX];
    double step;
    double bytes; /* asked for in the beginning */
};

static double proxmox_is_at(const struct proxmox_guest *guest)
{
    return guest->target != 0 ? guest->target : guest->size;
}

static bool proxmox_counts(const struct proxmox_round *round, unsigned i)
{
    return round->listed[i] && !round->done[i];
}

static double proxmox_desired(const struct proxmox_guest *guest, double per_share,
                              bool *ret_is_clamped)
{
    double desired = guest->minimum + trunc(per_share * guest->shares);
    double clamped = fmax(fmin(desired, guest->maximum), guest->minimum);

    *ret_is_clamped = clamped != desired;
    return clamped;
}

/* One guest's step. Returns false when it has none in this direction. */
static bool proxmox_move(struct proxmox_guest *guest, double desired, double step, bool grows,
                         double *ret_change)
{
    double before = proxmox_is_at(guest);
    double next;

    if (grows && desired > guest->size)
        next = fmin(guest->size + step, desired);
    else if (desired < guest->size)
        next = fmax(guest->size - step, desired);
    else
        return false;
    guest->target = next;
    *ret_change = next - before;
    return true;
}

/* Returns the bytes that were moved; `ret_again`: another pass may move more. */
static double proxmox_pass(struct proxmox_round *round, double rest, bool *ret_again)
{
    double held = 0, shares = 0, changes = 0;
    bool repeats = false, moved = false;

    for (unsigned i = 0; i < round->count; i++) {
        if (!proxmox_counts(round, i))
            continue;
        held += proxmox_is_at(&round->guests[i]) - round->guests[i].minimum;
        shares += round->guests[i].shares;
    }
    for (unsigned i = 0; i < round->count; i++) {
        struct proxmox_guest *guest = &round->guests[i];
        bool is_clamped;
        double desired, change;

        if (!proxmox_counts(round, i))
            continue;
        desired = proxmox_desired(guest, (held + rest) / shares, &is_clamped);
        repeats = repeats || is_clamped;
        if (!proxmox_move(guest, desired, round->step, round->bytes > 0, &change)) {
            round->done[i] = true;
            continue;
        }
        if (change == 0)
            continue;
        changes += change;
        repeats = true;
        moved = true;
    }
    *ret_again = repeats && moved;
    return changes;
}

/* Returns what could not be done. */
static double proxmox_change(struct proxmox_guest *guests, unsigned count, const bool *listed,
                             double bytes, double step)
{
    struct proxmox_round round = {
        .guests = guests, .count = count, .listed = listed, .step = step, .bytes = bytes};
    double rest = bytes;
    bool again = true;

    while (rest != 0 && again)
        rest -= proxmox_pass(&round, rest, &again);
    return rest;
}

static bool proxmox_may_move(const struct proxmox_guest *guest)
{
    return guest->size != 0 && guest->minimum != 0 && !guest->is_migrating && guest->shares != 0;
}

static bool proxmox_has_enough(const struct proxmox_guest *guest)
{
    return guest->free != 0 && guest->free > guest->minimum * PROXMOX_ENOUGH &&
           guest->size >= guest->minimum;
}

void proxmox_decide(struct proxmox_guest *guests, unsigned count, double goal, double step)
{
    bool all[PROXMOX_MAX] = {false}, first[PROXMOX_MAX] = {false};
    double rest;

    count = count < PROXMOX_MAX ? count : PROXMOX_MAX;
    for (unsigned i = 0; i < count; i++) {
        guests[i].target = 0;
        all[i] = proxmox_may_move(&guests[i]);
        first[i] = all[i] && proxmox_has_enough(&guests[i]) == (goal < 0);
    }
    if (fabs(goal) <= PROXMOX_LEAST_GOAL)
        return;
    rest = proxmox_change(guests, count, first, goal, step);
    if (goal > 0 ? rest >= goal : rest <= goal) /* no progress: from all of them */
        (void)proxmox_change(guests, count, all, rest, step);
}
