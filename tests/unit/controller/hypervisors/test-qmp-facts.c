/* What is read from answers of a QEMU, of any shape and with any size. */
#include "tests/lib/test.h"

#include <jansson.h>

#include "common/base/number.h"
#include "controller/hypervisors/qemu/qmp-facts.h"

static void test_memory_that_is_not_told(void **state)
{
    struct qmp_backend backends[] = {
        {.type = "memory-backend-memfd", .size = GIB, .shared = ANSWER_YES, .hugetlb = ANSWER_YES},
        {.type = "memory-backend-ram", .size = 2 * GIB, .shared = ANSWER_UNKNOWN},
    };
    struct driver_facts facts = {0};

    /* A backend's huge pages are not the next one's, and half the sizes are none. */
    qmp_memory(backends, 2, &facts);
    assert_int_equal(facts.backing, MEMORY_BACKING_ANONYMOUS);
    assert_int_equal(facts.memory.shared_count, 0);
    facts = (struct driver_facts){0};
    qmp_memory(backends, 1, &facts);
    assert_int_equal(facts.backing, MEMORY_BACKING_HUGETLB);
    assert_int_equal(facts.memory.shared[0], GIB);
    facts = (struct driver_facts){0};
    qmp_memory(backends, 0, &facts);
    assert_int_equal(facts.backing, MEMORY_BACKING_UNKNOWN);
}

static void test_answers_of_any_shape(void **state)
{
    json_t *array = json_array();
    struct driver_statistics statistics;
    char type[16];

    assert_true(qmp_number(NULL, "x") == UINT64_MAX);
    assert_true(qmp_number(array, "x") == UINT64_MAX);
    assert_int_equal(qmp_run_state(array), RUN_STATE_UNKNOWN);
    assert_false(qmp_is_migrating(NULL));
    qmp_statistics(array, &statistics);
    assert_true(statistics.total == UINT64_MAX);
    assert_int_equal(statistics.updated, 0);
    assert_string_equal(qmp_child_type(array, type, sizeof(type)), "");
    json_decref(array);
}

static enum answer guest_reports(const char *status)
{
    json_t *value = json_loads(status, 0, NULL);
    enum answer reports = qmp_guest_reports(value);

    json_decref(value);
    return reports;
}

/* As QEMU 7.2 prints it. */
static void test_whether_the_guest_reports(void **state)
{
    assert_int_equal(guest_reports("{\"status\": {\"statuses\": "
                                   "[\"VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready\"]}, "
                                   "\"guest-features\": {\"dev-features\": "
                                   "[\"VIRTIO_BALLOON_F_REPORTING: Page reporting VQ enabled\"]}}"),
                     ANSWER_YES);
    assert_int_equal(guest_reports("{\"status\": {\"statuses\": "
                                   "[\"VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready\"]}, "
                                   "\"guest-features\": {\"dev-features\": "
                                   "[\"VIRTIO_BALLOON_F_REPORTING_X: other\", 7]}}"),
                     ANSWER_NO);
    /* no driver yet, or nothing that can be read */
    assert_int_equal(guest_reports("{\"status\": {\"statuses\": []}, \"guest-features\": "
                                   "{\"dev-features\": []}}"),
                     ANSWER_UNKNOWN);
    assert_int_equal(guest_reports("{\"status\": {\"statuses\": "
                                   "[\"VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready\"]}}"),
                     ANSWER_UNKNOWN);
    assert_int_equal(guest_reports("[]"), ANSWER_UNKNOWN);
}

/* No machine has such memory: it is not known then. */
static void test_sizes_that_no_machine_has(void **state)
{
    json_t *answer = json_pack("{s:f, s:f, s:f, s:I}", "a", 0x1p62, "b", 0x1p51, "c", -1.0, "d",
                               (json_int_t)1 << 50);

    assert_true(qmp_number(answer, "a") == UINT64_C(1) << 62);
    assert_true(qmp_size(answer, "a") == UINT64_MAX);
    assert_true(qmp_size(answer, "b") == UINT64_MAX);
    assert_true(qmp_size(answer, "c") == UINT64_MAX);
    assert_true(qmp_size(answer, "e") == UINT64_MAX);
    assert_true(qmp_size(answer, "d") == UINT64_C(1) << 50);
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_that_is_not_told),
        cmocka_unit_test(test_answers_of_any_shape),
        cmocka_unit_test(test_whether_the_guest_reports),
        cmocka_unit_test(test_sizes_that_no_machine_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
