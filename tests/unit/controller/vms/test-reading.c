/* What balloon statistics may be acted on, and which source counts. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/vms/reading.h"

#define NONE UINT64_MAX

struct figures {
    int64_t updated;
    uint64_t total;
    uint64_t free;
    uint64_t available;
};

static struct driver_statistics statistics_of(const struct figures *figures)
{
    return (struct driver_statistics){.updated = figures->updated,
                                      .total = figures->total,
                                      .free = figures->free,
                                      .available = figures->available};
}

static void test_what_is_believed(void **state)
{
    static const struct {
        struct figures figures;
        nsec_t age; /* seconds */
        uint32_t interval;
        bool is_timeless;
        enum statistics_trust trust;
    } cases[] = {
        {{1700, GIB, GIB / 2, GIB / 2}, 0, 1, false, STATISTICS_HOLD},
        {{1700, GIB, GIB / 2, GIB / 2}, 2, 1, false, STATISTICS_HOLD},
        {{1700, GIB, GIB / 2, GIB / 2}, 4, 1, false, STATISTICS_OLD},
        {{1700, GIB, GIB / 2, GIB / 2}, 20, 10, false, STATISTICS_HOLD},
        {{1700, GIB, GIB / 2, GIB / 2}, 22, 10, false, STATISTICS_OLD},
        /* nobody asks the guest: libvirt without a period has one sample for ever */
        {{1700, GIB, GIB / 2, GIB / 2}, 1, 0, false, STATISTICS_HOLD},
        {{1700, GIB, GIB / 2, GIB / 2}, 3, 0, false, STATISTICS_OFF},
        {{1700, GIB, GIB / 2, GIB / 2}, 1, DRIVER_INTERVAL_UNKNOWN, false, STATISTICS_HOLD},
        {{1700, GIB, GIB / 2, GIB / 2}, 3, DRIVER_INTERVAL_UNKNOWN, false, STATISTICS_OFF},
        /* Firecracker */
        {{1700, GIB, GIB / 2, GIB / 2}, 0, 1, true, STATISTICS_TIMELESS},
        {{0, NONE, NONE, NONE}, 0, 1, false, STATISTICS_NEVER},
        {{-1, GIB, GIB / 2, GIB / 2}, 0, 1, false, STATISTICS_NEVER},
        /* Windows without BalloonService */
        {{1700, NONE, NONE, NONE}, 0, 1, false, STATISTICS_FROZEN},
        {{1700, NONE, NONE, NONE}, 600, 1, false, STATISTICS_FROZEN},
        {{1700, GIB, NONE, GIB / 2}, 0, 1, false, STATISTICS_MISSING},
        {{1700, GIB, GIB / 2, NONE}, 0, 1, false, STATISTICS_MISSING},
        {{1700, NONE, GIB / 2, GIB / 2}, 0, 1, false, STATISTICS_MISSING},
        {{1700, 0, 0, 0}, 0, 1, false, STATISTICS_MISSING},
        {{1700, GIB, GIB + 1, GIB / 2}, 0, 1, false, STATISTICS_IMPOSSIBLE},
        {{1700, GIB, GIB / 2, GIB + 1}, 0, 1, false, STATISTICS_IMPOSSIBLE},
        {{1700, GIB, GIB, GIB}, 0, 1, false, STATISTICS_HOLD},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct driver_statistics statistics = statistics_of(&cases[i].figures);
        enum statistics_trust trust = statistics_judge(&statistics, cases[i].age * NSEC_PER_SEC,
                                                       cases[i].interval, !cases[i].is_timeless);

        if (trust != cases[i].trust)
            fail_msg("case %zu is %d", i, (int)trust);
    }
}

static void test_every_refusal_has_words(void **state)
{
    assert_null(statistics_trust_text(STATISTICS_HOLD));
    for (int trust = STATISTICS_HOLD + 1; trust < STATISTICS_TRUST_COUNT; trust++) {
        const char *text = statistics_trust_text((enum statistics_trust)trust);

        assert_non_null(text);
        assert_true(strlen(text) > 0 && strlen(text) <= 80);
    }
}

/* ---- two sources ---- */

static struct vm *vm;
static char an_agent;

static int set_up(void **state)
{
    int r = vm_create("web", VM_SOURCE_FILE, &vm);

    if (r < 0)
        return r;
    vm->hypervisor.facts.capabilities = DRIVER_CAN_SET_STATISTICS_INTERVAL;
    vm->hypervisor.facts.statistics_interval = 10;
    vm->statistics.last = statistics_of(&(struct figures){1700, 4 * GIB, 2 * GIB, 3 * GIB});
    vm->statistics.told = 1000 * NSEC_PER_SEC;
    vm->statistics.seen = 1001 * NSEC_PER_SEC;
    return 0;
}

static int tear_down(void **state)
{
    vm->links.agent = NULL;
    vm_destroy(vm);
    return 0;
}

static void have_agent(nsec_t received)
{
    vm->links.agent = (struct agent_link *)&an_agent;
    vm->measured.guest.received = received;
    vm->measured.guest.latency = NSEC_PER_SEC;
    vm->measured.guest.total = 4 * GIB;
    vm->measured.guest.free = GIB;
    vm->measured.guest.available = GIB;
}

static struct guest_reading read_at(nsec_t seconds)
{
    struct guest_reading reading;

    vm_read_guest(vm, seconds * NSEC_PER_SEC, &reading);
    return reading;
}

static void test_a_guest_without_an_agent(void **state)
{
    struct guest_reading reading = read_at(1001);

    assert_int_equal(reading.source, READING_STATISTICS);
    assert_true(reading.read == 1000 * NSEC_PER_SEC);
    assert_true(reading.total == 4 * GIB && reading.free == 2 * GIB);
    assert_true(reading.available == 3 * GIB);
    assert_int_equal(read_at(1026).source, READING_STATISTICS); /* and is as old as `read` says */
    assert_int_equal(read_at(1027).source, READING_NONE);
    vm->statistics.seen = 1022 * NSEC_PER_SEC;
    reading = read_at(1022);
    assert_int_equal(reading.source, READING_NONE);
    assert_string_equal(reading.problem, statistics_trust_text(STATISTICS_OLD));
}

static void test_the_newer_source_counts(void **state)
{
    have_agent(1002 * NSEC_PER_SEC);
    assert_int_equal(read_at(1003).source, READING_AGENT);
    assert_true(read_at(1003).read == 1001 * NSEC_PER_SEC); /* at the earliest */
    vm->statistics.told = 1002 * NSEC_PER_SEC;
    assert_int_equal(read_at(1003).source, READING_STATISTICS);
    /* What does not hold does not hide an agent. */
    vm->statistics.last.free = NONE;
    assert_int_equal(read_at(1003).source, READING_AGENT);
    vm->links.agent = NULL;
    assert_int_equal(read_at(1003).source, READING_NONE);
}

#define reading_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_believed),
        cmocka_unit_test(test_every_refusal_has_words),
        reading_test(test_a_guest_without_an_agent),
        reading_test(test_the_newer_source_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
