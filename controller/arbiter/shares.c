/* Dividing a budget by shares. */
#include "controller/arbiter/shares.h"

#include <assert.h>
#include <stdbool.h>

#include "common/base/number.h"
#include "common/base/util.h"

/* A level is what one share pays for: 1/price, in pages with so many bits behind the point. */
#define POINT 22

/* ---- one owner ---- */

static uint64_t pages_down(uint64_t bytes)
{
    return min_of(bytes, SHARES_BYTES_MAX) / SHARES_PAGE;
}

static uint64_t pages_up(uint64_t bytes)
{
    return (min_of(bytes, SHARES_BYTES_MAX) + SHARES_PAGE - 1) / SHARES_PAGE;
}

static uint64_t floor_of(const struct share_claim *claim)
{
    return pages_up(claim->floor);
}

static uint64_t ceiling_of(const struct share_claim *claim)
{
    return pages_down(claim->ceiling);
}

/* What it can pay for, in pages, if nothing were taxed. */
static uint64_t paid_for(const struct share_claim *claim, uint64_t level)
{
    if (claim->shares == 0)
        return 0;
    if (level > UINT64_MAX / claim->shares)
        return UINT64_MAX >> POINT;
    return (level * claim->shares) >> POINT;
}

/* What it gets at the level, in pages: an idle page costs 1 / (1 - tax) pages. */
static uint64_t size_at(const struct share_claim *claim, uint64_t level, uint32_t tax)
{
    uint64_t active = pages_up(claim->active);
    uint64_t pages = paid_for(claim, level);

    if (pages > active) {
        uint64_t idle = min_of(pages - active, UINT64_MAX / PERMYRIAD_ONE);

        pages = active + idle * (PERMYRIAD_ONE - tax) / PERMYRIAD_ONE;
    }
    pages = min_of(pages, ceiling_of(claim));
    return max_of(pages, floor_of(claim));
}

/* ---- those of one priority ---- */

struct rank {
    struct share_claim *claims;
    size_t count;
    uint32_t priority;
    uint32_t tax;
};

static bool is_in(const struct rank *rank, const struct share_claim *claim)
{
    return claim->priority == rank->priority;
}

static uint64_t sum_at(const struct rank *rank, uint64_t level)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < rank->count; i++)
        if (is_in(rank, &rank->claims[i]))
            sum += size_at(&rank->claims[i], level, rank->tax);
    return sum;
}

/* The highest level whose sizes fit into `pages`, which cover the floors. */
static uint64_t find_level(const struct rank *rank, uint64_t pages)
{
    uint64_t fits = 0;
    uint64_t exceeds = UINT64_MAX;

    if (sum_at(rank, exceeds) <= pages)
        return exceeds;
    while (exceeds - fits > 1) {
        uint64_t level = fits + (exceeds - fits) / 2;

        if (sum_at(rank, level) <= pages)
            fits = level;
        else
            exceeds = level;
    }
    return fits;
}

/* Returns what it took of `pages`. The last pages go to those who are next to get one. */
static uint64_t divide_rank(const struct rank *rank, uint64_t pages, uint64_t *ret_level)
{
    uint64_t level = find_level(rank, pages);
    uint64_t left = pages - sum_at(rank, level);

    for (size_t i = 0; i < rank->count; i++) {
        struct share_claim *claim = &rank->claims[i];
        uint64_t size;

        if (!is_in(rank, claim))
            continue;
        size = size_at(claim, level, rank->tax);
        if (left > 0 && level != UINT64_MAX) {
            uint64_t more = min_of(size_at(claim, level + 1, rank->tax) - size, left);

            size += more;
            left -= more;
        }
        claim->size = size * SHARES_PAGE;
    }
    *ret_level = level;
    return pages - left;
}

/* ---- all ---- */

static uint64_t floors_of(const struct share_claim claims[], size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += floor_of(&claims[i]);
    return sum;
}

static void give_floors(struct share_claim claims[], size_t count)
{
    for (size_t i = 0; i < count; i++)
        claims[i].size = floor_of(&claims[i]) * SHARES_PAGE;
}

static uint64_t level_in_bytes(uint64_t level)
{
    uint64_t pages = level >> POINT;
    uint64_t part = level & (((uint64_t)1 << POINT) - 1);

    return min_of(pages * SHARES_PAGE + (part * SHARES_PAGE >> POINT), SHARES_BYTES_MAX);
}

/* From the highest priority down; what is beyond the floors of all is for whoever comes first. */
static uint64_t divide_ranks(struct rank *rank, uint64_t beyond, uint64_t *ret_level)
{
    bool was_served = false;

    for (uint32_t priority = SHARES_PRIORITY_MAX + 1; priority-- > 0;) {
        uint64_t floors;
        uint64_t taken;
        uint64_t level;

        rank->priority = priority;
        floors = sum_at(rank, 0);
        taken = divide_rank(rank, floors + beyond, &level) - floors;
        if (taken > 0 || !was_served)
            *ret_level = level_in_bytes(level);
        was_served = was_served || taken > 0;
        beyond -= taken;
    }
    return beyond;
}

static void check_claims(const struct share_claim claims[], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert(claims[i].shares <= SHARES_MAX);
        assert(claims[i].priority <= SHARES_PRIORITY_MAX);
    }
}

void shares_divide(struct share_claim claims[], size_t count, uint64_t budget, uint32_t tax,
                   struct share_result *ret_result)
{
    struct rank rank = {.claims = claims, .count = count, .tax = tax};
    uint64_t pages = budget / SHARES_PAGE;
    uint64_t floors = floors_of(claims, count);
    uint64_t level = 0;
    uint64_t left = 0;

    assert(tax < PERMYRIAD_ONE);
    check_claims(claims, count);
    if (floors >= pages)
        give_floors(claims, count);
    else
        left = divide_ranks(&rank, pages - floors, &level);
    *ret_result = (struct share_result){
        .given = (max_of(pages, floors) - left) * SHARES_PAGE,
        .missing = saturating_subtract(floors, pages) * SHARES_PAGE,
        .left = left * SHARES_PAGE,
        .level = level,
    };
}
