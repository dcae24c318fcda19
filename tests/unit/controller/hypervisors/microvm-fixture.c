/* Sessions of the drivers for microVMs. */
#include "tests/lib/test.h"

#include "tests/unit/controller/hypervisors/microvm-fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/loop.h"

static char directory[] = "/tmp/vmreclaim-test-microvm-XXXXXX";
static char path[64];

void microvm_fixture_begin(void)
{
    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(directory) == NULL)
        abort();
    snprintf(path, sizeof(path), "%s/api.sock", directory);
}

void microvm_fixture_end(void)
{
    (void)unlink(path);
    (void)rmdir(directory);
}

const char *microvm_fixture_path(void)
{
    return path;
}

static void on_ready(const struct driver_facts *facts, void *userdata)
{
    struct microvm_fixture *f = userdata;

    assert_false(f->ready);
    f->ready = true;
    f->facts = *facts;
}

static void on_event(enum driver_event event, void *userdata)
{
    struct microvm_fixture *f = userdata;

    f->events[event]++;
}

static void close_session(struct microvm_fixture *f)
{
    struct driver_session *session = f->session;

    f->session = NULL;
    f->driver->close(session);
}

static void on_failed(int status, const struct error *error, void *userdata)
{
    struct microvm_fixture *f = userdata;

    assert_int_equal(f->failed, 0);
    f->failed = status;
    f->error = *error;
    close_session(f);
}

static const struct driver_callbacks callbacks = {on_ready, on_event, on_failed};

void microvm_fixture_on_done(const struct driver_result *result, void *userdata)
{
    struct microvm_fixture *f = userdata;

    assert_true((result->status < 0) == (result->error != NULL));
    f->done++;
    f->status = result->status;
    f->outcome = result->outcome;
    f->actual = result->balloon_actual;
    f->maximum = result->balloon_maximum;
    if (result->error != NULL)
        f->error = *result->error;
    if (result->statistics != NULL)
        f->statistics = *result->statistics;
    if (result->facts != NULL)
        f->facts = *result->facts;
    if (f->closes_in_done && f->session != NULL)
        close_session(f);
}

int microvm_fixture_set_up(void **state, const struct driver *driver)
{
    struct microvm_fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    (void)unlink(path);
    f->driver = driver;
    assert_int_equal(uv_loop_init(&f->loop), 0);
    fake_firecracker_init(&f->firecracker, &f->loop);
    fake_cloud_hypervisor_init(&f->cloud, &f->loop);
    *state = f;
    return 0;
}

int microvm_fixture_tear_down(void **state)
{
    struct microvm_fixture *f = *state;

    if (f->session != NULL)
        close_session(f);
    micro_http_close(&f->firecracker.http);
    micro_http_close(&f->cloud.http);
    loop_finish(&f->loop);
    free(f);
    return 0;
}

void microvm_fixture_open(struct microvm_fixture *f)
{
    assert_int_equal(f->driver->open(&f->loop, path, 10 * NSEC_PER_SEC, &callbacks, f, &f->session),
                     0);
}

void microvm_fixture_open_ready(struct microvm_fixture *f)
{
    struct micro_http *http =
        f->driver == &firecracker_driver ? &f->firecracker.http : &f->cloud.http;

    assert_int_equal(micro_http_listen(http, path), 0);
    microvm_fixture_open(f);
    run_until(f, f->ready);
}

int microvm_fixture_start(struct microvm_fixture *f, enum driver_operation operation,
                          uint64_t value)
{
    return f->driver->start(f->session, operation, value, NSEC_PER_SEC, microvm_fixture_on_done, f);
}

static int run(struct microvm_fixture *f, enum driver_operation operation, uint64_t value)
{
    unsigned before = f->done;
    int started = microvm_fixture_start(f, operation, value);

    if (started < 0)
        return started;
    run_until(f, f->done != before);
    return f->status;
}

int microvm_fixture_read_facts(struct microvm_fixture *f)
{
    return run(f, DRIVER_READ_FACTS, 0);
}

int microvm_fixture_read_balloon(struct microvm_fixture *f)
{
    return run(f, DRIVER_READ_BALLOON, 0);
}

int microvm_fixture_read_statistics(struct microvm_fixture *f)
{
    return run(f, DRIVER_READ_STATISTICS, 0);
}

int microvm_fixture_set_balloon(struct microvm_fixture *f, uint64_t bytes)
{
    return run(f, DRIVER_SET_BALLOON, bytes);
}
