/* How often the guest is asked for its statistics is its owner's: vmreclaimd puts back what it
 * found, also after it was killed. */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/component/controller/parallel.h"

#define OURS 10

static void halt_all(struct fixture *f)
{
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;

    request.all = true;
    call(f, "Halt", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

static void start(struct fixture *f)
{
    put_vm(f, "web-1", NULL);
    listen_qmp(f, "web-1.qmp");
    start_daemon(f, NULL);
    connect_api(f);
}

static void test_it_is_put_back_at_the_end(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, f->qmp.statistics.interval == OURS);
    stop_daemon(f, 0);
    wait_for(f, f->qmp.statistics.interval == 0);
}

static void test_it_is_put_back_when_the_vm_is_halted(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, f->qmp.statistics.interval == OURS);
    halt_all(f);
    wait_for(f, f->qmp.statistics.interval == 0);
}

static void test_it_is_put_back_when_the_vm_has_no_file_any_more(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, f->qmp.statistics.interval == OURS);
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    wait_for(f, f->qmp.statistics.interval == 0);
    assert_null(get_vm(f, "web-1"));
}

static void test_it_is_put_back_by_the_next_daemon(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, f->qmp.statistics.interval == OURS);
    crash_daemon(f);
    assert_int_equal(f->qmp.statistics.interval, OURS);
    restart_daemon(f);
    halt_all(f);
    wait_for(f, f->qmp.statistics.interval == 0);
    /* It is forgotten then: what its owner sets now is nobody else's. */
    stop_daemon(f, 0);
    f->qmp.statistics.interval = OURS;
    restart_daemon(f);
    wait_for(f, f->qmp.statistics_queries > 0);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, OURS);
}

/* The same number of another process is another's setting. */
static void test_another_hypervisor_has_its_own(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, f->qmp.statistics.interval == OURS);
    crash_daemon(f);
    put_other_process(f);
    restart_daemon(f);
    halt_all(f);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, OURS);
}

static int notes(const struct fixture *f)
{
    char path[200];
    sqlite3 *store;
    sqlite3_stmt *statement;
    int count;

    snprintf(path, sizeof(path), "%s/state/vmreclaim.db", f->directory);
    assert_int_equal(sqlite3_open(path, &store), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(store, "SELECT count(*) FROM note WHERE kind = 'interval'",
                                        -1, &statement, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    count = sqlite3_column_int(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    assert_int_equal(sqlite3_close(store), SQLITE_OK);
    return count;
}

/* Nobody comes for its note. */
static void test_a_hypervisor_that_ended_meanwhile(void **state)
{
    struct fixture *f = *state;

    start(f);
    wait_for(f, f->qmp.statistics.interval == OURS);
    crash_daemon(f);
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    start_daemon(f, NULL);
    connect_api(f);
    stop_daemon(f, 0);
    assert_int_equal(notes(f), 1);
    put_other_process(f);
    start_daemon(f, NULL);
    connect_api(f);
    stop_daemon(f, 0);
    assert_int_equal(notes(f), 0);
}

static void test_what_somebody_has_set_is_left(void **state)
{
    struct fixture *f = *state;

    f->qmp.statistics.interval = 2;
    start(f);
    wait_for(f, f->qmp.statistics_queries > 1);
    assert_int_equal(f->qmp.statistics.interval, 2);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.statistics.interval, 2);
}

#define interval_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        interval_test(test_it_is_put_back_at_the_end),
        interval_test(test_it_is_put_back_when_the_vm_is_halted),
        interval_test(test_it_is_put_back_when_the_vm_has_no_file_any_more),
        interval_test(test_it_is_put_back_by_the_next_daemon),
        interval_test(test_another_hypervisor_has_its_own),
        interval_test(test_a_hypervisor_that_ended_meanwhile),
        interval_test(test_what_somebody_has_set_is_left),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
