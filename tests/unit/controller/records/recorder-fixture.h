/* A recorder with the time injected: one VM, web1, whose hypervisor is a made-up /proc of process
 * 42 that holds 500 MiB, and the real store. One at a time. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_RECORDS_RECORDER_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_RECORDS_RECORDER_FIXTURE_H

#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/records/recorder.h"
#include "tests/lib/fixture.h"

#define BEFORE VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE
#define DURING VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING
#define AFTER  VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER
#define LATER  VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_LATER
#define LOW    VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW
#define MEDIUM VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_MEDIUM
#define ID     "0123456789abcdef"

typedef Vmreclaim__Controller__V1__Action Action;

extern struct fixture fixture;
extern struct supervisor supervisor;
extern struct store *store;
extern struct recorder recorder;
extern struct vm *vm;

int recorder_set_up(void **state);
int recorder_tear_down(void **state);
#define with_recorder(test)                                                                        \
    cmocka_unit_test_setup_teardown(test, recorder_set_up, recorder_tear_down)

/* What the hypervisor holds from now on. */
void set_footprint(uint64_t mib);

/* Ends the recorder as the daemon's end does, and starts another on the same store. */
void restart(void);

/* An ordered action as its events tell of it: measured when it begins and ends, and in between. */
void begin_action(const Action *record);
void look_at_action(void);
void end_action(Action *record);
void end_action_without_figures(Action *record);

/* The footprint of the last `seconds`, falling by so much in each. */
void remember(nsec_t now, uint64_t seconds, uint64_t mib, uint64_t fall);

/* A step of the guest's policy that took `seconds`, ended `now`, and freed so much in the guest. */
void tell_step(nsec_t now, uint64_t seconds, uint64_t freed_mib);

/* What a record must have. */
struct expectation {
    bool checked_again;
    int64_t returned;
    int64_t returned_later;
    int phases[8]; /* 0 past the end */
};

void expect(const char *id, struct expectation expectation);

enum { STEPS_MAX = 16 };

/* All records of the VM, the newest first. */
struct all {
    Action actions[STEPS_MAX]; /* plain figures only */
    char reasons[STEPS_MAX][160];
    size_t count;
    int64_t returned; /* by all */
};

struct all read_all(void);

/* The only record is finished, without figures of the host, and says why. */
void expect_unmeasured(const char *why);

#endif
