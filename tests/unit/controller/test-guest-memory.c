/* Samples of guests: what can be true is taken over whole, what cannot is refused by name. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/agents/guest_memory.h"

static uint64_t blocks[] = {1, 2, 3};

static Vmreclaim__Agent__V1__MemorySample sample_of(uint64_t total)
{
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;

    sample.sequence = 7;
    sample.total = total;
    sample.free = total / 2;
    sample.reported = total / 4;
    sample.cache = total / 8;
    sample.reported_is_known = 1;
    sample.free_blocks = blocks;
    sample.n_free_blocks = 3;
    return sample;
}

static void test_round_trip(void **state)
{
    Vmreclaim__Agent__V1__MemorySample sample = sample_of(GIB);
    Vmreclaim__Agent__V1__MemorySample back;
    struct guest_memory memory;
    uint8_t packed[2][512];
    size_t length;

    (void)state;
    assert_int_equal(guest_memory_from_message(&sample, GIB, 42, 5, &memory, NULL), 0);
    assert_int_equal(memory.received, 42);
    assert_int_equal(memory.latency, 5);
    guest_memory_to_message(&memory, &back);
    length = vmreclaim__agent__v1__memory_sample__pack(&sample, packed[0]);
    assert_int_equal(vmreclaim__agent__v1__memory_sample__pack(&back, packed[1]), length);
    assert_memory_equal(packed[0], packed[1], length);
}

static void refuse(const Vmreclaim__Agent__V1__MemorySample *sample, uint64_t ram,
                   const char *field)
{
    struct guest_memory memory = {.received = 1};
    struct error error = {""};

    assert_int_equal(guest_memory_from_message(sample, ram, 2, 0, &memory, &error), -ERANGE);
    assert_int_equal(memory.received, 1);
    assert_non_null(strstr(error.text, field));
}

static void test_impossible_samples(void **state)
{
    Vmreclaim__Agent__V1__MemorySample sample = sample_of(GIB);

    (void)state;
    refuse(&sample, GIB - 1, "total");
    sample.total = 0;
    refuse(&sample, 0, "total");
    sample.total = UINT64_MAX;
    refuse(&sample, 0, "total");
    sample = sample_of(GIB);
    sample.cache = GIB + 1;
    refuse(&sample, 0, "cache");
    sample = sample_of(GIB);
    sample.trapped_unmovable = UINT64_MAX;
    refuse(&sample, 0, "trapped_unmovable");
    sample = sample_of(GIB);
    sample.n_free_blocks = GUEST_ORDER_COUNT_MAX + 1;
    refuse(&sample, 0, "free_blocks");
    sample = sample_of(GIB);
    sample.reporting_order = GUEST_ORDER_COUNT_MAX;
    refuse(&sample, 0, "reporting_order");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_impossible_samples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
