/* A loop, a peer, and sessions with it whose every callback is written down. */
#ifndef VMRECLAIM_TESTS_COMPONENT_DRIVERS_WORLD_H
#define VMRECLAIM_TESTS_COMPONENT_DRIVERS_WORLD_H

#include "tests/lib/test.h"

#include "common/base/list.h"
#include "controller/hypervisors/hypervisors.h"
#include "tests/component/drivers/peer.h"

#define LONG  (20 * NSEC_PER_SEC)  /* a deadline that does not pass */
#define SHORT (20 * NSEC_PER_MSEC) /* one that does */

struct world {
    uv_loop_t loop;
    uv_timer_t ticker; /* passes deadlines, keeps the loop turning */
    struct peer *peer;
    struct hypervisor_address address;
    struct list probes;
};

/* A session and what came of it. */
struct probe {
    struct list link;
    struct world *world;
    const struct driver *driver;
    struct driver_session *session; /* NULL: closed */
    unsigned ready;
    unsigned failed;
    int status; /* of on_failed */
    struct error error;
    struct driver_facts facts;
    unsigned events[16];
    unsigned open;        /* operations without a completion */
    unsigned after_close; /* callbacks that must not come */
    bool in_call;         /* no completion may run now */
    bool close_on_ready;
    bool close_on_failed;
};

extern const char *const operation_names[DRIVER_OPERATIONS];

/* An operation and how it ended. */
struct operation {
    struct probe *probe;
    enum driver_operation kind;
    unsigned done;
    bool was_in_call;
    bool was_failed; /* on_failed had run before */
    int status;
    enum driver_outcome outcome;
    struct error error;
    struct driver_facts facts;
    struct driver_statistics statistics;
    struct driver_memory_map memory_map;
    uint64_t balloon_actual;
    uint64_t balloon_maximum;
    unsigned unanswered;                       /* commands at the peer before it */
    void (*then)(struct operation *operation); /* called last; NULL: nothing */
    struct operation *other;                   /* for `then` */
};

int world_set_up(void **state);
int world_tear_down(void **state);

/* Starts the peer and a session with it. A peer that cannot play the fault skips the test. */
struct probe *world_open(struct world *world, enum peer_fault fault, nsec_t timeout);

/* ... and waits until it is ready; then the fault begins. */
struct probe *world_open_ready(struct world *world, enum peer_fault fault);

/* ... or skips the test where that operation cannot be had. */
struct probe *world_open_able(struct world *world, enum peer_fault fault,
                              enum driver_operation kind);

/* Another session with the same address. */
struct probe *world_open_again(struct world *world, nsec_t timeout);

void probe_close(struct probe *probe);

/* Whether the driver, and this VM, can do it. */
bool probe_can(const struct probe *probe, enum driver_operation kind);

/* What the driver's call returned. */
int probe_start(struct probe *probe, struct operation *operation, enum driver_operation kind,
                uint64_t value, nsec_t timeout);

/* Starts it and waits for its end. */
void probe_run(struct probe *probe, struct operation *operation, enum driver_operation kind,
               uint64_t value, nsec_t timeout);

/* The one that all drivers have. */
int probe_read(struct probe *probe, struct operation *operation, nsec_t timeout);

void world_turn(struct world *world, unsigned turns);

void skip_because(const char *why);

#define world_run_until(world, condition)                                                          \
    do {                                                                                           \
        for (unsigned turns_ = 0; !(condition) && turns_ < 20000; turns_++)                        \
            uv_run(&(world)->loop, UV_RUN_ONCE);                                                   \
        assert_true(condition);                                                                    \
    } while (0)

#define contract(name) cmocka_unit_test_setup_teardown(name, world_set_up, world_tear_down)

/* The groups of cases. */
int contract_opening(void);
int contract_operations(void);
int contract_endings(void);

#endif
