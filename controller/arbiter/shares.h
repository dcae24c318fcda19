/* Who may hold how much of a budget: min-funding revocation with an idle tax (C. A. Waldspurger,
 * Memory Resource Management in VMware ESX Server, OSDI 2002). Pure, and no allocation.
 *
 * Theory of operation: an owner pays for each byte that it holds; for an idle one it pays
 * k = 1 / (1 - tax) times as much. What it can afford at a price is
 *
 *     size = shares / (price * (f + k * (1 - f)))     with f = min(active / size, 1)
 *
 * within its floor and its ceiling. The price is that at which all sizes together are the budget.
 * f is of the size that comes out, not of the one before, so the result is where an owner whose
 * active bytes stay the same would end after many rounds.
 *
 * A higher priority is served first: up to its ceilings, as far as the floors of all others allow.
 * Within one priority shares decide.
 *
 * An owner that says that all of its memory is active is taxed for none of it: it gets
 * shares / price, and never more. Whoever else is active gets at least what it would get if
 * everybody claimed so.
 *
 * Failure modes: where the budget does not cover the floors, each has its floor, and the result
 * says how much is missing. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_SHARES_H
#define VMRECLAIM_CONTROLLER_ARBITER_SHARES_H

#include <stddef.h>
#include <stdint.h>

#define SHARES_PAGE         ((uint64_t)4096) /* sizes are whole pages */
#define SHARES_TAX          7500u            /* permyriad of an idle page */
#define SHARES_UNTAXED      0u
#define SHARES_MAX          ((uint32_t)1000000) /* of one owner */
#define SHARES_PRIORITY_MAX 9u
#define SHARES_BYTES_MAX    ((uint64_t)1 << 48) /* of one owner; more counts as so much */

/* One owner. Bytes. */
struct share_claim {
    uint32_t shares;   /* 0: it gets its floor; at most SHARES_MAX */
    uint32_t priority; /* at most SHARES_PRIORITY_MAX; higher gives later */
    uint64_t active;   /* what it uses, as it says: a hint */
    uint64_t floor;    /* it never gets less; rounded up to a page */
    uint64_t ceiling;  /* nor more, rounded down; below the floor: the floor counts */
    uint64_t size;     /* out: what it gets, whole pages */
};

struct share_result {
    uint64_t given;   /* sum of all sizes */
    uint64_t missing; /* of the floors, beyond the budget; 0: the budget covers them */
    uint64_t left;    /* of the budget, when everybody is at the ceiling; less than a page counts */
    uint64_t level;   /* shares/price of one share, untaxed: bytes; of the lowest priority that got
                         more than floors; 0: none did */
};

/* Divides the budget: sets the size of each claim. The sizes are exact: their sum is the budget in
 * whole pages, unless floors or ceilings forbid it. `tax` is below PERMYRIAD_ONE. */
void shares_divide(struct share_claim claims[], size_t count, uint64_t budget, uint32_t tax,
                   struct share_result *ret_result);

#endif
