/* Turns of a loop: what it does counts, what it waits does not. */
#include "tests/lib/test.h"

#include "common/base/time.h"
#include "controller/telemetry/turns.h"
#include "tests/lib/loop.h"

#define WORK (20 * NSEC_PER_MSEC)

static void work(uv_timer_t *timer)
{
    nsec_t end = time_monotonic() + WORK;

    while (time_monotonic() < end)
        ;
}

static void test_work_is_counted(void **state)
{
    struct turns turns;
    uv_timer_t timer;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(turns_init(&turns, &loop), 0);
    assert_int_equal(uv_timer_init(&loop, &timer), 0);
    uv_timer_start(&timer, work, 1, 1);
    for (unsigned i = 0; i < 5; i++)
        uv_run(&loop, UV_RUN_ONCE);
    assert_true(histogram_count(&turns.times) >= 3);
    assert_true(turns.times.sum >= 2 * (int64_t)WORK);
    uv_timer_stop(&timer);
    uv_close((uv_handle_t *)&timer, NULL);
    turns_stop(&turns);
    loop_finish(&loop);
}

/* A loop with nothing else to do ends. */
static void test_it_keeps_no_loop(void **state)
{
    struct turns turns;
    uv_loop_t loop;

    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(turns_init(&turns, &loop), 0);
    assert_int_equal(uv_run(&loop, UV_RUN_DEFAULT), 0);
    turns_stop(&turns);
    loop_finish(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_work_is_counted),
        cmocka_unit_test(test_it_keeps_no_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
