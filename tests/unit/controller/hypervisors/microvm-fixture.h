/* A session of a driver with a fake of its hypervisor, on the test's loop. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_HYPERVISORS_MICROVM_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_HYPERVISORS_MICROVM_FIXTURE_H

#include "controller/hypervisors/driver.h"
#include "tests/fakes/cloud-hypervisor.h"
#include "tests/fakes/firecracker.h"

struct microvm_fixture {
    uv_loop_t loop;
    const struct driver *driver;
    struct fake_firecracker firecracker;
    struct fake_cloud_hypervisor cloud;
    struct driver_session *session;
    struct driver_facts facts;
    struct driver_statistics statistics;
    bool ready;
    int failed; /* status */
    struct error error;
    unsigned done;
    int status; /* of the last */
    enum driver_outcome outcome;
    uint64_t actual, maximum;
    unsigned events[DRIVER_EVENT_CHANGED + 1];
    bool closes_in_done;
};

/* Once per program: a directory for sockets. */
void microvm_fixture_begin(void);
void microvm_fixture_end(void);

/* The path that both fakes listen at. */
const char *microvm_fixture_path(void);

/* Around each test; `*state` is the fixture. */
int microvm_fixture_set_up(void **state, const struct driver *driver);
int microvm_fixture_tear_down(void **state);

/* Starts to open, without a turn of the loop. */
void microvm_fixture_open(struct microvm_fixture *f);

/* Listens as the driver's fake, opens, and waits until it is ready. */
void microvm_fixture_open_ready(struct microvm_fixture *f);

/* What the driver's call returned. */
int microvm_fixture_start(struct microvm_fixture *f, enum driver_operation operation,
                          uint64_t value);

/* Each starts the operation and waits for its end; its status. */
int microvm_fixture_read_facts(struct microvm_fixture *f);
int microvm_fixture_read_balloon(struct microvm_fixture *f);
int microvm_fixture_read_statistics(struct microvm_fixture *f);
int microvm_fixture_set_balloon(struct microvm_fixture *f, uint64_t bytes);

/* Turns the loop until `condition` holds, and fails when that takes too many turns. */
#define run_until(f, condition)                                                                    \
    do {                                                                                           \
        for (int turns_ = 0; !(condition) && turns_ < 20000; turns_++)                             \
            uv_run(&(f)->loop, UV_RUN_NOWAIT);                                                     \
        assert_true(condition);                                                                    \
    } while (0)

void microvm_fixture_on_done(const struct driver_result *result, void *userdata);

extern const struct driver firecracker_driver;
extern const struct driver cloud_hypervisor_driver;

#endif
