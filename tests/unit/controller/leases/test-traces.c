/* What VMs had before leases, in memory. */
#include "tests/lib/test.h"

#include <stdio.h>

#include "common/base/number.h"
#include "controller/leases/traces.h"

static unsigned puts_count;
static unsigned removals;

static void count_put(void *userdata, const struct lease_trace *trace)
{
    puts_count++;
}

static void count_removal(void *userdata, const struct lease_trace *trace)
{
    removals++;
}

static void begin(struct lease_traces *traces)
{
    puts_count = removals = 0;
    *traces = (struct lease_traces){.journal = {.put = count_put, .remove = count_removal}};
}

static struct lease lease_of(const char *vm, const char *uuid)
{
    struct lease lease = {
        .id = 1, .bytes = 256 * MIB, .baseline = GIB, .maximum = GIB, .pid = 7, .start_time = 8};

    snprintf(lease.vm, sizeof(lease.vm), "%s", vm);
    snprintf(lease.uuid, sizeof(lease.uuid), "%s", uuid);
    return lease;
}

/* A lease is written several times; its trace once. */
static void test_written_where_something_is_new(void **state)
{
    struct lease lease = lease_of("web", "");
    struct lease_traces traces;

    begin(&traces);
    lease_traces_note(&traces, &lease);
    lease_traces_note(&traces, &lease);
    assert_int_equal(puts_count, 1);
    lease.start_time = 9; /* another process */
    lease_traces_note(&traces, &lease);
    assert_int_equal(puts_count, 2);
    assert_int_equal(traces.count, 1);
    assert_int_equal(traces.list[0].start_time, 9);
    lease_traces_finish(&traces);
}

static void test_by_uuid_else_by_name(void **state)
{
    const struct lease with_uuid = lease_of("web", "A0000000-0000-0000-0000-000000000001");
    const struct lease without = lease_of("db", "");
    struct lease_traces traces;

    begin(&traces);
    lease_traces_note(&traces, &with_uuid);
    lease_traces_note(&traces, &without);
    assert_non_null(
        lease_traces_find(&traces, "a0000000-0000-0000-0000-000000000001", "called otherwise"));
    assert_null(lease_traces_find(&traces, "b0000000-0000-0000-0000-000000000002", "web"));
    assert_non_null(lease_traces_find(&traces, "", "web"));
    assert_non_null(lease_traces_find(&traces, "b0000000-0000-0000-0000-000000000002", "db"));
    lease_traces_finish(&traces);
}

static void test_the_oldest_goes(void **state)
{
    struct lease_traces traces;
    char name[32];

    begin(&traces);
    for (int i = 0; i <= LEASE_TRACES_MAX; i++) {
        struct lease lease;

        snprintf(name, sizeof(name), "vm%d", i);
        lease = lease_of(name, "");
        lease_traces_note(&traces, &lease);
    }
    assert_int_equal(traces.count, LEASE_TRACES_MAX);
    assert_int_equal(removals, 1);
    assert_null(lease_traces_find(&traces, "", "vm0"));
    assert_non_null(lease_traces_find(&traces, "", name));
    lease_traces_finish(&traces);
}

static void test_forgotten(void **state)
{
    const struct lease lease = lease_of("web", "");
    struct lease_traces traces;

    begin(&traces);
    lease_traces_note(&traces, &lease);
    lease_traces_forget(&traces, lease_traces_find(&traces, "", "web"));
    assert_int_equal(removals, 1);
    assert_null(lease_traces_find(&traces, "", "web"));
    lease_traces_finish(&traces);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_where_something_is_new),
        cmocka_unit_test(test_by_uuid_else_by_name),
        cmocka_unit_test(test_the_oldest_goes),
        cmocka_unit_test(test_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
