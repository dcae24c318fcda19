/* The driver for Cloud Hypervisor against a strict fake of it. */
#include "tests/lib/test.h"

#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/hypervisors/cloud-hypervisor/facts.h"
#include "tests/unit/controller/hypervisors/microvm-fixture.h"

static int set_up(void **state)
{
    return microvm_fixture_set_up(state, &cloud_hypervisor_driver);
}

static void test_facts(void **state)
{
    struct microvm_fixture *f = *state;

    f->cloud.balloon_actual = 24 * MIB;
    f->cloud.vfio_devices = 2;
    f->cloud.socket = microvm_fixture_path();
    f->cloud.device_tree_bytes = 300 * KIB;
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.pid, getpid());
    assert_int_equal(f->facts.run_state, RUN_STATE_RUNNING);
    assert_int_equal(f->facts.ram, GIB);
    assert_int_equal(f->facts.guest_cid, 0); /* 3 is not the host's */
    assert_string_equal(f->facts.hybrid_vsock, microvm_fixture_path());
    assert_int_equal(f->facts.balloon, ANSWER_YES);
    assert_int_equal(f->facts.balloon_actual, 1000 * MIB);
    assert_int_equal(f->facts.balloon_maximum, GIB);
    assert_int_equal(f->facts.free_page_reporting, ANSWER_YES);
    assert_int_equal(f->facts.deflate_on_oom, ANSWER_YES);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_ANONYMOUS);
    assert_int_equal(f->facts.memory.private_bytes, GIB);
    assert_int_equal(f->facts.vfio_devices, 2);
    assert_int_equal(f->facts.statistics_interval, DRIVER_INTERVAL_UNKNOWN);
    assert_int_equal(f->facts.capabilities, DRIVER_CAN_SET_BALLOON); /* no statistics yet */
}

static void test_backing(void **state)
{
    struct microvm_fixture *f = *state;

    f->cloud.is_shared = true;
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_MEMFD);
    assert_int_equal(f->facts.memory.private_bytes, 0);
    f->cloud.has_hugepages = true;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_HUGETLB);
    assert_int_equal(f->facts.backing_page_size, 2 * MIB);
    f->cloud.has_hugepages = false;
    f->cloud.has_zones = true;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_FILE);
    assert_int_equal(f->facts.ram, GIB);
}

static void test_states(void **state)
{
    struct microvm_fixture *f = *state;

    f->cloud.state = NULL;
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.run_state, RUN_STATE_STOPPED);
    assert_int_equal(f->facts.ram, 0);
    assert_int_equal(f->facts.pid, getpid());
    assert_int_equal(f->facts.balloon, ANSWER_UNKNOWN);
    f->cloud.state = "Paused";
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.run_state, RUN_STATE_PAUSED);
    assert_int_equal(f->facts.ram, GIB);
    f->cloud.state = "Shutdown";
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.run_state, RUN_STATE_STOPPED);
}

/* Who listens passed the socket on: whose memory is counted is then not known. */
static void test_another_listens(void **state)
{
    struct microvm_fixture *f = *state;

    f->cloud.pid = getppid();
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.pid, 0);
    assert_string_equal(f->facts.hybrid_vsock, "");
}

static void test_balloon(void **state)
{
    struct microvm_fixture *f = *state;

    microvm_fixture_open_ready(f);
    assert_int_equal(microvm_fixture_set_balloon(f, 700 * MIB + 1), 0);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_DONE);
    assert_int_equal(f->cloud.balloon_size, 324 * MIB - 4096);
    assert_int_equal(microvm_fixture_read_balloon(f), 0);
    assert_int_equal(f->actual, 700 * MIB + 4096);
    /* Where no size is too large, ours is none. */
    assert_int_equal(microvm_fixture_set_balloon(f, 4 * GIB), 0);
    assert_int_equal(f->cloud.balloon_size, 0);
}

static void test_refusals(void **state)
{
    struct microvm_fixture *f = *state;

    microvm_fixture_open_ready(f);
    f->cloud.is_migrating = true;
    assert_int_equal(microvm_fixture_set_balloon(f, 700 * MIB), -EREMOTEIO);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_NOT_DONE);
    assert_non_null(strstr(f->error.text, "currently migrating"));
    f->cloud.is_migrating = false;
    f->cloud.has_balloon = false;
    assert_int_equal(microvm_fixture_set_balloon(f, 700 * MIB), -EREMOTEIO);
    assert_non_null(strstr(f->error.text, "Missing virtio-balloon"));
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.balloon, ANSWER_NO);
    assert_int_equal(f->facts.free_page_reporting, ANSWER_NO);
}

static void test_statistics(void **state)
{
    struct microvm_fixture *f = *state;
    unsigned before;

    f->cloud.has_balloon_stats = true;
    microvm_fixture_open_ready(f);
    assert_true((f->facts.capabilities & DRIVER_CAN_READ_STATISTICS) != 0);
    assert_int_equal(microvm_fixture_read_statistics(f), 0);
    assert_true(f->statistics.updated > 0);
    assert_int_equal(f->statistics.oom_kills, 2);
    assert_int_equal(f->statistics.total, 1000000000);
    assert_int_equal(f->statistics.minor_faults, 504067);
    /* A sample wakes the guest: the facts do without. */
    before = f->cloud.http.requests;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->cloud.http.requests - before, 2);
    assert_true((f->facts.capabilities & DRIVER_CAN_READ_STATISTICS) != 0);
}

static void test_no_statistics(void **state)
{
    struct microvm_fixture *f = *state;
    unsigned before;

    microvm_fixture_open_ready(f);
    assert_int_equal(microvm_fixture_read_statistics(f), -EOPNOTSUPP);
    before = f->cloud.http.requests;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->cloud.http.requests - before, 2); /* 404 is for good */
}

static void test_a_guest_without_statistics(void **state)
{
    struct microvm_fixture *f = *state;

    f->cloud.has_balloon_stats = true;
    f->cloud.guest_has_no_stats = true;
    microvm_fixture_open_ready(f);
    assert_int_equal(microvm_fixture_read_statistics(f), -EOPNOTSUPP);
    f->cloud.guest_has_no_stats = false; /* its driver is up */
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(microvm_fixture_read_statistics(f), 0);
}

static void test_something_else_serves(void **state)
{
    struct microvm_fixture *f = *state;

    assert_int_equal(micro_http_listen(&f->firecracker.http, microvm_fixture_path()), 0);
    microvm_fixture_open(f);
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -EREMOTEIO);
}

static void test_answers_of_any_shape(void **state)
{
    static const char *const texts[] = {
        "null", "[]", "{}", "{\"config\": 1}", "{\"config\": {\"memory\": []}}", "{\"pid\": -1}",
    };
    struct microvm_view view = {0};
    struct error error;
    char text[16];

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *body = json_loads(texts[i], JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        struct microvm_reply reply = {.body = body, .code = 200};

        assert_non_null(body);
        assert_int_equal(cloud_take_ping(&view, &reply, &error), -EPROTO);
        assert_int_equal(cloud_take_info(&view, &reply, &error), -EPROTO);
        assert_int_equal(cloud_take_statistics(&view, &reply, &error), 0);
        assert_int_equal(view.statistics.total, UINT64_MAX);
        cloud_describe(body, text, sizeof(text));
        assert_string_equal(text, "");
        json_decref(body);
    }
}

/* virtio-mem and the balloon are told in one sum: then no size is made up. */
static void test_virtio_mem(void **state)
{
    json_t *body = json_loads("{\"config\": {\"memory\": {\"size\": 1073741824, "
                              "\"hotplug_method\": \"VirtioMem\", \"hotplug_size\": 1073741824, "
                              "\"hotplugged_size\": 536870912}, \"balloon\": {\"size\": 0}}, "
                              "\"state\": \"Running\", \"memory_actual_size\": 1342177280}",
                              JSON_DECODE_INT_AS_REAL, NULL);
    struct microvm_reply reply = {.body = body, .code = 200};
    struct microvm_view view = {0};
    struct error error;
    char text[32];
    json_t *chain = json_pack("[s, s, i]", "one reason", "of a reason that is long", 3);

    assert_int_equal(cloud_take_info(&view, &reply, &error), 0);
    assert_int_equal(view.facts.balloon, ANSWER_YES);
    assert_int_equal(view.facts.balloon_actual, 0);
    assert_int_equal(view.facts.capabilities & DRIVER_CAN_SET_BALLOON, 0);
    json_decref(body);
    cloud_describe(chain, text, sizeof(text));
    assert_string_equal(text, "one reason: of a reason that is");
    json_decref(chain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_backing, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_states, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_another_listens, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_balloon, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_statistics, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_no_statistics, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_guest_without_statistics, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_something_else_serves, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test(test_answers_of_any_shape),
        cmocka_unit_test(test_virtio_mem),
    };
    int r;

    microvm_fixture_begin();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    microvm_fixture_end();
    return r;
}
