/* A store in a directory of its own, and what its tests put in and expect. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_STORE_STORE_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_STORE_STORE_FIXTURE_H

#include "tests/lib/test.h"

#include <stdint.h>

#include "controller/store/queries.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

#define MINUTE ((int64_t)60 * (int64_t)NSEC_PER_SEC)
#define DAY    (24 * 60 * MINUTE)

struct fixture {
    char directory[64];
    char path[96];
    struct store *store;
    struct error error;
};

/* Writes what is visited as one line. */
struct line {
    char text[1024];
};

/* What SQLite did for the statements that ended since work_begin: rows stepped over for want of an
 * index, and instructions of its machine. */
struct work {
    uint64_t scanned;
    uint64_t instructions;
};

/* `work` must outlive the store, or the next work_begin. */
void work_begin(struct fixture *fixture, struct work *work);

int setup(void **state);
int teardown(void **state);
void reopen(struct fixture *fixture);
uint64_t add_policy(struct fixture *fixture, const char *name, const char *text);
int line_policy(const struct policy_revision *revision, void *userdata);
int line_action(Action *action, void *userdata);
int line_waterfall(Waterfall *waterfall, void *userdata);
int count_waterfall(Waterfall *waterfall, void *userdata);
void put_action(struct store *store, const char *id, const char *vm, int64_t time);
void put_many_actions(const struct fixture *fixture, unsigned count);
void put_waterfall(struct store *store, const char *vm, int64_t time, uint64_t footprint);
void expect_actions(struct fixture *fixture, const char *vm, const char *expected);
/* Of a store without a thread: what the journal answers. */
int put_lease(struct fixture *fixture, const struct lease *lease);
int remove_lease(struct fixture *fixture, uint64_t id);
struct lease make_lease(uint64_t id, uint64_t bytes);
void expect_leases(struct fixture *fixture, const char *expected);
/* Reads all waterfalls of the span that `scan` begins with. */
void scan_all(struct fixture *fixture, struct waterfall_scan scan, uint32_t points,
              waterfall_visitor visit, void *userdata);
unsigned count_all(struct fixture *fixture, int64_t since, int64_t until);

#endif
