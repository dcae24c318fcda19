/* Samples of guests: what can be true is taken over whole, what cannot is refused by name. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/guests/guest-memory.h"

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

static struct guest_memory at(nsec_t seconds, uint64_t refaults)
{
    return (struct guest_memory){
        .received = 1, .boottime_ns = seconds * NSEC_PER_SEC, .refault_file = refaults};
}

static void test_refault_rate(void **state)
{
    struct guest_memory before = {0};
    struct guest_memory memory = at(100, 1000);

    guest_memory_count_rates(&before, &memory);
    assert_int_equal(memory.refault_rate, 0); /* there is none before */
    before = memory;
    memory = at(110, 6000);
    guest_memory_count_rates(&before, &memory);
    assert_int_equal(memory.refault_rate, 500);
    /* Samples that come fast are counted together. */
    for (int i = 1; i <= 4; i++) {
        before = memory;
        memory = at(110, 6000 + 25 * (uint64_t)i);
        memory.boottime_ns += (nsec_t)i * NSEC_PER_SEC / 4;
        guest_memory_count_rates(&before, &memory);
        assert_int_equal(memory.refault_rate, i < 4 ? 500 : 100);
    }
    before = memory;
    memory = at(121, UINT64_MAX);
    guest_memory_count_rates(&before, &memory);
    assert_int_equal(memory.refault_rate, (UINT64_MAX - 6100) / 10);
    before = memory;
    memory = at(5, 10); /* another boot */
    guest_memory_count_rates(&before, &memory);
    assert_int_equal(memory.refault_rate, 0);
    before = memory;
    memory = at(7, 30);
    guest_memory_count_rates(&before, &memory);
    assert_int_equal(memory.refault_rate, 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_impossible_samples),
        cmocka_unit_test(test_refault_rate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
