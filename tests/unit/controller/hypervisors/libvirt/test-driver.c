/* The driver as it is used, against libvirt's own test driver, which runs in this process: what is
 * found, told, asked and set. */
#include "tests/lib/test.h"

#include <errno.h>
#include <libvirt/libvirt.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/hypervisors/driver.h"

#define URI      "test:///default"
#define UUID     "6695eb01-f6a4-8304-79aa-97f2502e193f" /* of the domain that it has */
#define TIMEOUT  (5 * NSEC_PER_SEC)
#define PATIENCE (20 * NSEC_PER_SEC) /* then the test has failed */

extern const struct driver libvirt_driver;

struct fixture {
    uv_loop_t loop;
    uv_timer_t timer; /* so that the loop turns */
    virConnectPtr connection;
    virDomainPtr domain;
    struct driver_discovery *discovery;
    struct driver_session *session;
    /* what was told */
    unsigned vms;
    unsigned gone;
    unsigned listed;
    struct driver_vm vm;
    bool is_ready;
    unsigned vms_when_ready;
    int failed;
    char why[512];
    struct driver_facts facts;
    unsigned events[DRIVER_EVENT_CHANGED + 1];
    unsigned done;
    int status;
    struct driver_result result;
    struct driver_statistics statistics;
};

/* ---- what is told ---- */

static void on_vm(const struct driver_vm *vm, void *userdata)
{
    struct fixture *fixture = userdata;

    if (strcmp(vm->uuid, UUID) != 0)
        return;
    fixture->vms++;
    fixture->vm = *vm;
}

static void on_vm_gone(const char *where, void *userdata)
{
    struct fixture *fixture = userdata;

    if (strcmp(where, URI "#" UUID) == 0)
        fixture->gone++;
}

static void on_listed(void *userdata)
{
    ((struct fixture *)userdata)->listed++;
}

static void on_discovery_failed(int status, const struct error *error, void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->failed = status;
    snprintf(fixture->why, sizeof(fixture->why), "%s", error->text);
}

static const struct driver_discovery_callbacks discovery_callbacks = {on_vm, on_vm_gone, on_listed,
                                                                      on_discovery_failed};

static void on_ready(const struct driver_facts *facts, void *userdata)
{
    struct fixture *fixture = userdata;

    assert_false(fixture->is_ready);
    fixture->is_ready = true;
    fixture->vms_when_ready = fixture->vms;
    fixture->facts = *facts;
}

static void on_event(enum driver_event event, void *userdata)
{
    ((struct fixture *)userdata)->events[event]++;
}

static const struct driver_callbacks callbacks = {on_ready, on_event, on_discovery_failed};

static void on_done(const struct driver_result *result, void *userdata)
{
    struct fixture *fixture = userdata;

    assert_true((result->status < 0) == (result->error != NULL));
    fixture->done++;
    fixture->status = result->status;
    fixture->result = *result;
    if (result->facts != NULL)
        fixture->facts = *result->facts;
    if (result->statistics != NULL)
        fixture->statistics = *result->statistics;
}

static int start(struct fixture *fixture, enum driver_operation operation, uint64_t value)
{
    return libvirt_driver.start(fixture->session, operation, value, TIMEOUT, on_done, fixture);
}

/* ---- the loop ---- */

static void on_timer(uv_timer_t *timer)
{
}

#define run_until(fixture, condition)                                                              \
    do {                                                                                           \
        nsec_t end_ = time_monotonic() + PATIENCE;                                                 \
        while (!(condition)) {                                                                     \
            if (time_monotonic() > end_)                                                           \
                fail_msg("waited in vain for %s; %s", #condition, (fixture)->why);                 \
            uv_run(&(fixture)->loop, UV_RUN_ONCE);                                                 \
        }                                                                                          \
    } while (0)

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    uv_timer_init(&fixture->loop, &fixture->timer);
    uv_timer_start(&fixture->timer, on_timer, 10, 10);
    *state = fixture;
    return 0;
}

static void connect_by_ourselves(struct fixture *fixture)
{
    fixture->connection = virConnectOpen(URI);
    assert_non_null(fixture->connection);
    fixture->domain = virDomainLookupByUUIDString(fixture->connection, UUID);
    assert_non_null(fixture->domain);
}

static void discover(struct fixture *fixture)
{
    assert_int_equal(libvirt_driver.discover(&fixture->loop, URI, TIMEOUT, &discovery_callbacks,
                                             fixture, &fixture->discovery),
                     0);
}

static void open_session(struct fixture *fixture, const char *where)
{
    assert_int_equal(
        libvirt_driver.open(&fixture->loop, where, TIMEOUT, &callbacks, fixture, &fixture->session),
        0);
    assert_false(fixture->is_ready);
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    libvirt_driver.close(fixture->session);
    libvirt_driver.discover_close(fixture->discovery);
    uv_close((uv_handle_t *)&fixture->timer, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    if (fixture->domain != NULL)
        virDomainFree(fixture->domain);
    if (fixture->connection != NULL)
        virConnectClose(fixture->connection);
    free(fixture);
    return 0;
}

/* ---- tests ---- */

static void test_domains_are_found(void **state)
{
    struct fixture *fixture = *state;

    discover(fixture);
    assert_int_equal(fixture->listed, 0);
    run_until(fixture, fixture->listed == 1);
    assert_true(fixture->vms >= 1);
    assert_string_equal(fixture->vm.name, "test");
    assert_string_equal(fixture->vm.where, URI "#" UUID);
    assert_int_equal(fixture->vm.pid, 0);
}

/* What only its XML tells comes when that is read, and before anybody acts on the facts. */
static void test_finder_hears_of_titles(void **state)
{
    struct fixture *fixture = *state;

    connect_by_ourselves(fixture);
    assert_int_equal(virDomainSetMetadata(fixture->domain, VIR_DOMAIN_METADATA_TITLE, "A title",
                                          NULL, NULL, VIR_DOMAIN_AFFECT_LIVE),
                     0);
    discover(fixture);
    run_until(fixture, fixture->listed == 1);
    assert_string_equal(fixture->vm.title, "");
    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready);
    assert_int_equal(fixture->vms_when_ready, 2);
    assert_string_equal(fixture->vm.title, "A title");
}

static void test_facts(void **state)
{
    struct fixture *fixture = *state;

    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready);
    assert_string_equal(fixture->facts.name, "test");
    assert_string_equal(fixture->facts.uuid, UUID);
    assert_int_equal(fixture->facts.ram, 8 * GIB);
    assert_int_equal(fixture->facts.run_state, RUN_STATE_RUNNING);
    assert_true(libvirt_driver.heard(fixture->session) != 0);
}

static void test_domain_that_does_not_run(void **state)
{
    struct fixture *fixture = *state;

    open_session(fixture, URI "#00000000-0000-0000-0000-000000000001");
    run_until(fixture, fixture->failed != 0);
    assert_int_equal(fixture->failed, -ENOENT);
    assert_non_null(strstr(fixture->why, "does not run"));
    assert_int_equal(start(fixture, DRIVER_READ_FACTS, 0), -ENOTCONN);
}

static void test_events(void **state)
{
    struct fixture *fixture = *state;

    connect_by_ourselves(fixture);
    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready);
    assert_int_equal(virDomainSuspend(fixture->domain), 0);
    run_until(fixture, fixture->events[DRIVER_EVENT_PAUSED] == 1);
    assert_int_equal(start(fixture, DRIVER_READ_FACTS, 0), 0);
    run_until(fixture, fixture->done == 1);
    assert_int_equal(fixture->facts.run_state, RUN_STATE_PAUSED);
    assert_int_equal(virDomainResume(fixture->domain), 0);
    run_until(fixture, fixture->events[DRIVER_EVENT_RESUMED] == 1);
    assert_int_equal(virDomainSetMetadata(fixture->domain, VIR_DOMAIN_METADATA_TITLE, "The test",
                                          NULL, NULL, VIR_DOMAIN_AFFECT_LIVE),
                     0);
    run_until(fixture, fixture->events[DRIVER_EVENT_CHANGED] >= 1);
    assert_int_equal(start(fixture, DRIVER_READ_FACTS, 0), 0);
    run_until(fixture, fixture->done == 2);
    assert_string_equal(fixture->facts.title, "The test");
}

/* It ends, and comes back: the session fails once, the finder tells both. */
static void test_domain_goes_and_comes(void **state)
{
    struct fixture *fixture = *state;

    connect_by_ourselves(fixture);
    discover(fixture);
    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready && fixture->listed == 1);
    assert_int_equal(virDomainDestroy(fixture->domain), 0);
    run_until(fixture, fixture->gone == 1 && fixture->failed != 0);
    assert_int_equal(fixture->failed, -ESRCH);
    fixture->vms = 0;
    assert_int_equal(virDomainCreate(fixture->domain), 0);
    run_until(fixture, fixture->vms == 1);
    libvirt_driver.close(fixture->session);
    fixture->is_ready = false;
    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready);
}

static void test_statistics_and_balloon_need_a_device(void **state)
{
    struct fixture *fixture = *state;

    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready);
    if (fixture->facts.balloon == ANSWER_YES) {
        assert_int_equal(start(fixture, DRIVER_SET_BALLOON, 4 * GIB), 0);
        run_until(fixture, fixture->done == 1);
        assert_int_equal(fixture->status, 0);
        assert_int_equal(fixture->result.outcome, DRIVER_OUTCOME_DONE);
        assert_int_equal(start(fixture, DRIVER_SET_BALLOON, 0), -ERANGE);
        return;
    }
    assert_int_equal(start(fixture, DRIVER_READ_STATISTICS, 0), -ENODEV);
    assert_int_equal(start(fixture, DRIVER_SET_BALLOON, 4 * GIB), -EOPNOTSUPP);
}

static void test_close_ends_what_is_under_way(void **state)
{
    struct fixture *fixture = *state;

    open_session(fixture, URI "#" UUID);
    run_until(fixture, fixture->is_ready);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(start(fixture, DRIVER_READ_FACTS, 0), 0);
    assert_int_equal(fixture->done, 0);
    libvirt_driver.close(fixture->session);
    fixture->session = NULL;
    assert_int_equal(fixture->done, 3);
    assert_int_equal(fixture->status, -ECANCELED);
}

static void test_daemon_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(libvirt_driver.discover(
                         &fixture->loop, "qemu+unix:///system?socket=/nowhere/libvirt-sock",
                         NSEC_PER_SEC / 10, &discovery_callbacks, fixture, &fixture->discovery),
                     0);
    run_until(fixture, fixture->failed != 0);
    assert_int_equal(fixture->failed, -ECONNREFUSED);
    assert_int_equal(fixture->listed, 0);
}

/* Each VM has a session: what is due at the daemon is not looked for once per session. */
static void test_ticks_leave_it_to_the_timer(void **state)
{
    struct fixture *fixture = *state;

    open_session(fixture, URI "#" UUID);
    libvirt_driver.tick(fixture->session, time_monotonic() + 2 * TIMEOUT);
    assert_int_equal(fixture->failed, 0);
    run_until(fixture, fixture->is_ready);
}

static void test_addresses(void **state)
{
    struct error error;
    char name[64];

    assert_int_equal(libvirt_driver.check("qemu:///system#" UUID, &error), 0);
    assert_int_equal(libvirt_driver.check("qemu:///system", &error), -EINVAL);
    assert_int_equal(libvirt_driver.check("qemu:///system#web-1", &error), -EINVAL);
    assert_int_equal(libvirt_driver.check("qemu+ssh://elsewhere/system#" UUID, &error), -EINVAL);
    assert_int_equal(libvirt_driver.check_place("qemu:///session", &error), 0);
    assert_int_equal(libvirt_driver.check_place("qemu+unix:///session?socket=/run/x", &error), 0);
    assert_int_equal(libvirt_driver.check_place("qemu://elsewhere/system", &error), -EINVAL);
    libvirt_driver.suggest_name(URI "#" UUID, name, sizeof(name));
    assert_string_equal(name, "domain-6695eb01");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_domains_are_found),
        TEST(test_finder_hears_of_titles),
        TEST(test_facts),
        TEST(test_domain_that_does_not_run),
        TEST(test_events),
        TEST(test_domain_goes_and_comes),
        TEST(test_statistics_and_balloon_need_a_device),
        TEST(test_close_ends_what_is_under_way),
        TEST(test_daemon_that_is_not_there),
        TEST(test_ticks_leave_it_to_the_timer),
        TEST(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
