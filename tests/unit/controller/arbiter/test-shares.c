/* A budget divided by shares: exact to the page. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/arbiter/shares.h"
#include "tests/sim/random.h"

#define OWNERS 4
#define MANY   40

static struct share_claim claims[OWNERS];
static struct share_result result;

/* Each wants all it can get, and uses all of it. */
static int set_up(void **state)
{
    for (size_t i = 0; i < OWNERS; i++)
        claims[i] = (struct share_claim){.shares = 1000, .active = 8 * GIB, .ceiling = 8 * GIB};
    return 0;
}

static void divide(uint64_t budget)
{
    shares_divide(claims, OWNERS, budget, SHARES_TAX, &result);
}

static void assert_sizes(uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
    assert_int_equal(claims[0].size, a);
    assert_int_equal(claims[1].size, b);
    assert_int_equal(claims[2].size, c);
    assert_int_equal(claims[3].size, d);
}

static void test_by_shares(void **state)
{
    claims[1].shares = 2000;
    claims[2].shares = 4000;
    claims[3].shares = 3000;
    divide(10 * GIB);
    assert_sizes(1 * GIB, 2 * GIB, 4 * GIB, 3 * GIB);
    assert_int_equal(result.given, 10 * GIB);
    assert_int_equal(result.missing, 0);
    assert_int_equal(result.left, 0);
    assert_in_range(result.level, 1 * GIB / 1000 - 4, 1 * GIB / 1000 + 4);
}

/* An idle page costs four times as much as one that is used. */
static void test_the_tax(void **state)
{
    claims[1].active = 0;
    claims[2].ceiling = claims[3].ceiling = 0;
    divide(5 * GIB);
    assert_sizes(4 * GIB, 1 * GIB, 0, 0);
    claims[1].active = 1 * GIB; /* and a quarter of the three that it could pay for beyond */
    divide(6 * GIB - 256 * MIB);
    assert_sizes(4 * GIB, 1 * GIB + 768 * MIB, 0, 0);
    shares_divide(claims, OWNERS, 5 * GIB, SHARES_UNTAXED, &result);
    assert_sizes(2 * GIB + 512 * MIB, 2 * GIB + 512 * MIB, 0, 0);
}

static void test_floors_and_ceilings(void **state)
{
    claims[0].floor = 3 * GIB;
    claims[1].ceiling = 512 * MIB;
    divide(6 * GIB);
    assert_sizes(3 * GIB, 512 * MIB, 1 * GIB + 256 * MIB, 1 * GIB + 256 * MIB);
    claims[1].floor = 1 * GIB; /* above its ceiling: it counts */
    divide(6 * GIB);
    assert_sizes(3 * GIB, 1 * GIB, 1 * GIB, 1 * GIB);
    claims[0].floor = 3 * GIB - 1; /* whole pages: floors up, ceilings down */
    claims[1].floor = 0;
    claims[1].ceiling = 512 * MIB + 4095;
    divide(6 * GIB);
    assert_sizes(3 * GIB, 512 * MIB, 1 * GIB + 256 * MIB, 1 * GIB + 256 * MIB);
}

static void test_a_budget_below_the_floors(void **state)
{
    for (size_t i = 0; i < OWNERS; i++)
        claims[i].floor = (i + 1) * GIB;
    divide(9 * GIB);
    assert_sizes(1 * GIB, 2 * GIB, 3 * GIB, 4 * GIB);
    assert_int_equal(result.missing, 1 * GIB);
    assert_int_equal(result.given, 10 * GIB);
    assert_int_equal(result.level, 0);
}

static void test_more_than_all_want(void **state)
{
    divide(40 * GIB);
    assert_sizes(8 * GIB, 8 * GIB, 8 * GIB, 8 * GIB);
    assert_int_equal(result.left, 8 * GIB);
}

/* The lowest gives all above its floor before the next one gives anything. */
static void test_priorities(void **state)
{
    claims[0].priority = SHARES_PRIORITY_MAX;
    claims[1].priority = claims[2].priority = 5;
    claims[2].shares = 3000;
    claims[3].floor = 1 * GIB;
    claims[0].ceiling = 2 * GIB;
    divide(7 * GIB);
    assert_sizes(2 * GIB, 1 * GIB, 3 * GIB, 1 * GIB);
    divide(19 * GIB);
    assert_sizes(2 * GIB, 8 * GIB, 8 * GIB, 1 * GIB);
    divide(20 * GIB);
    assert_sizes(2 * GIB, 8 * GIB, 8 * GIB, 2 * GIB);
}

static void test_without_shares(void **state)
{
    claims[0].shares = 0;
    claims[0].floor = 1 * GIB;
    divide(7 * GIB);
    assert_sizes(1 * GIB, 2 * GIB, 2 * GIB, 2 * GIB);
}

/* Pages that cannot be divided go to the first, one each. */
static void test_the_last_pages(void **state)
{
    divide(6 * SHARES_PAGE + 4095);
    assert_sizes(2 * SHARES_PAGE, 2 * SHARES_PAGE, SHARES_PAGE, SHARES_PAGE);
    divide(0);
    assert_sizes(0, 0, 0, 0);
    assert_int_equal(result.missing, 0);
}

static void test_extremes(void **state)
{
    claims[0].shares = SHARES_MAX;
    claims[1].shares = 1;
    claims[1].ceiling = claims[1].active = UINT64_MAX;
    claims[2].ceiling = claims[3].ceiling = 0;
    divide(UINT64_MAX);
    assert_int_equal(claims[1].size, SHARES_BYTES_MAX);
    divide(8 * GIB + 64 * KIB);
    assert_int_equal(claims[0].size + claims[1].size, 8 * GIB + 64 * KIB);
    assert_int_equal(claims[1].size,
                     64 * KIB); /* a millionth is two pages; the rest nobody wants */
    divide(4 * GIB);
    assert_int_equal(claims[1].size, SHARES_PAGE); /* a millionth, and one page at most */
}

/* ---- for any claims ---- */

static struct share_claim any[MANY];

static uint64_t sum_of(uint64_t (*part)(const struct share_claim *), size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += part(&any[i]);
    return sum;
}

static uint64_t part_size(const struct share_claim *claim)
{
    return claim->size;
}

static uint64_t part_floor(const struct share_claim *claim)
{
    return (claim->floor + SHARES_PAGE - 1) / SHARES_PAGE * SHARES_PAGE;
}

static uint64_t part_ceiling(const struct share_claim *claim)
{
    return max_of(claim->ceiling / SHARES_PAGE * SHARES_PAGE, part_floor(claim));
}

static void make_any(struct random *random, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t ram = GIB + random_below(random, 64 * GIB);

        any[i] = (struct share_claim){
            .shares = 1 + (uint32_t)random_below(random, 10000),
            .active = random_below(random, ram),
            .floor = random_below(random, ram / 4),
            .ceiling = random_below(random, ram),
        };
    }
}

/* shares / (size * (f + k * (1 - f))), with f of the size; the size a page aside by `pages`. */
static double price_of(const struct share_claim *claim, int pages)
{
    double size = (double)claim->size + pages * (double)SHARES_PAGE;
    double f = size <= (double)claim->active ? 1 : (double)claim->active / size;

    return claim->shares / (size * (f + 4 * (1 - f)));
}

/* Whoever is neither at its floor nor at its ceiling pays the same price, but for two pages. */
static void check_price(size_t count)
{
    double lowest = 0;
    double highest = 1e300;

    for (size_t i = 0; i < count; i++) {
        if (any[i].size == part_floor(&any[i]) || any[i].size == part_ceiling(&any[i]))
            continue;
        lowest = max_of(lowest, price_of(&any[i], 2));
        highest = min_of(highest, price_of(&any[i], -2));
    }
    assert_true(lowest <= highest);
}

static void test_any_claims(void **state)
{
    struct random random;

    random_init(&random, 1);
    for (int round = 0; round < 2000; round++) {
        size_t count = 1 + random_below(&random, MANY);
        uint64_t budget;

        make_any(&random, count);
        budget = random_below(&random, sum_of(part_ceiling, count) * 5 / 4 + 1);
        shares_divide(any, count, budget, SHARES_TAX, &result);
        for (size_t i = 0; i < count; i++)
            assert_in_range(any[i].size, part_floor(&any[i]), part_ceiling(&any[i]));
        assert_int_equal(sum_of(part_size, count), result.given);
        assert_int_equal(result.given - result.missing + result.left,
                         budget / SHARES_PAGE * SHARES_PAGE);
        assert_true(result.missing == 0 || result.given == sum_of(part_floor, count));
        assert_true(result.left == 0 || result.given == sum_of(part_ceiling, count));
        if (result.missing == 0)
            check_price(count);
    }
}

/* ---- who lies ---- */

/* Says that it is all used: it gets what it can pay for, as if nothing of it were taxed. The others
 * get what they use, as far as that is their own share when everybody says so. */
static void test_a_liar(void **state)
{
    struct random random;

    random_init(&random, 2);
    for (int round = 0; round < 500; round++) {
        uint64_t untaxed[MANY];
        uint64_t budget;

        make_any(&random, MANY);
        budget = sum_of(part_ceiling, MANY) / 2;
        shares_divide(any, MANY, budget, SHARES_UNTAXED, &result);
        for (size_t i = 0; i < MANY; i++)
            untaxed[i] = any[i].size;
        any[0].active = UINT64_MAX;
        shares_divide(any, MANY, budget, SHARES_TAX, &result);
        assert_true(result.missing > 0 || any[0].size <= part_floor(&any[0]) ||
                    any[0].size <= result.level * any[0].shares + 2 * SHARES_PAGE + any[0].shares);
        for (size_t i = 1; i < MANY; i++)
            assert_true(any[i].size + SHARES_PAGE >= min_of(any[i].active, untaxed[i]));
    }
}

/* It says that nothing of it is used: it only loses. */
static void test_a_liar_that_is_idle(void **state)
{
    struct random random;

    random_init(&random, 3);
    for (int round = 0; round < 500; round++) {
        uint64_t honest;

        make_any(&random, MANY);
        shares_divide(any, MANY, 300 * GIB, SHARES_TAX, &result);
        honest = any[0].size;
        any[0].active = 0;
        shares_divide(any, MANY, 300 * GIB, SHARES_TAX, &result);
        assert_true(any[0].size <= honest + SHARES_PAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_by_shares, set_up),
        cmocka_unit_test_setup(test_the_tax, set_up),
        cmocka_unit_test_setup(test_floors_and_ceilings, set_up),
        cmocka_unit_test_setup(test_a_budget_below_the_floors, set_up),
        cmocka_unit_test_setup(test_more_than_all_want, set_up),
        cmocka_unit_test_setup(test_priorities, set_up),
        cmocka_unit_test_setup(test_without_shares, set_up),
        cmocka_unit_test_setup(test_the_last_pages, set_up),
        cmocka_unit_test_setup(test_extremes, set_up),
        cmocka_unit_test(test_any_claims),
        cmocka_unit_test(test_a_liar),
        cmocka_unit_test(test_a_liar_that_is_idle),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
