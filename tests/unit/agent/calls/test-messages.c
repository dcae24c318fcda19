/* The agent's structures as messages: every value of the agent has one on the wire. */
#include "tests/lib/test.h"

#include <string.h>

#include "agent/calls/messages.h"
#include "common/base/number.h"

static void test_every_kind_and_end_is_on_the_wire(void **state)
{
    Vmreclaim__Agent__V1__ActionResult message;
    struct job job = {.kind = ACTION_COMPACT};

    for (job.kind = ACTION_NONE + 1; job.kind < ACTION_KIND_COUNT; job.kind++) {
        message_from_job(&job, &message);
        assert_int_not_equal(message.kind, 0);
    }
    job.kind = ACTION_DROP_CACHES;
    message_from_job(&job, &message);
    assert_int_equal(message.kind, VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE);
    for (job.result = ACTION_DONE; job.result < ACTION_END_COUNT; job.result++) {
        message_from_job(&job, &message);
        assert_int_not_equal(message.outcome, 0);
        assert_true(strlen(action_end_name(job.result)) > 3);
    }
}

static void test_every_reason_is_a_state(void **state)
{
    for (unsigned i = 0; i < ENGINE_REASON_COUNT; i++) {
        struct engine_decision decision = {.reason = (enum engine_reason)i};
        Vmreclaim__Agent__V1__EngineState message;

        message_from_decision(&decision, 0, &message);
        assert_true(strlen(message.state) > 3);
    }
}

/* Who reads "idle" may take memory from the guest. */
static void test_a_guest_at_work_is_not_idle(void **state)
{
    struct engine_decision decision = {.reason = ENGINE_NOTHING_TO_GAIN};
    Vmreclaim__Agent__V1__EngineState message;

    message_from_decision(&decision, 0, &message);
    assert_string_equal(message.state, "trickle");
    decision.is_idle = true;
    message_from_decision(&decision, 0, &message);
    assert_string_equal(message.state, "idle");
}

/* File pages in use have no name of their own; what is left over is "other", never less than 0. */
static void test_what_no_field_names(void **state)
{
    struct memory_sample sample = {.in_use = 100 * MIB,
                                   .used.anon = 60 * MIB,
                                   .cached.active_file = 30 * MIB,
                                   .cache = 10 * MIB};
    Vmreclaim__Agent__V1__MemorySample message;

    message_from_sample(&sample, NULL, &message);
    assert_int_equal(message.vmalloc_and_other, 20 * MIB);
    assert_false(message.trapped_kinds_are_known);
    sample.used.anon = GIB;
    message_from_sample(&sample, NULL, &message);
    assert_int_equal(message.vmalloc_and_other, 0);
}

static void test_an_absent_order_is_no_number(void **state)
{
    struct memory_sample sample = {.reporting_order = ORDER_COUNT_MAX};
    Vmreclaim__Agent__V1__MemorySample message;

    message_from_sample(&sample, NULL, &message);
    assert_false(message.reporting_order_is_known);
    sample.reporting_order = 9;
    message_from_sample(&sample, NULL, &message);
    assert_true(message.reporting_order_is_known);
    assert_int_equal(message.reporting_order, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_and_end_is_on_the_wire),
        cmocka_unit_test(test_every_reason_is_a_state),
        cmocka_unit_test(test_a_guest_at_work_is_not_idle),
        cmocka_unit_test(test_what_no_field_names),
        cmocka_unit_test(test_an_absent_order_is_no_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
