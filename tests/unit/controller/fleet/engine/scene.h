/* Scenes with a rollout over the fleet in memory: one coordinator, or two. What is expected and is
 * not so fails the test. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_FLEET_ENGINE_SCENE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_FLEET_ENGINE_SCENE_H

#include "tests/sim/fleet-model.h"

#define HOSTS       20
#define SCENE_WAVES 3

struct scene {
    struct fleet_model model;
    struct fleet_coordinator first, second;
    struct fleet_coordinator *coordinators[2];
    unsigned count; /* of those that are there */
};

extern struct scene scene;

/* A fleet with a draft: waves of 10, 50 and 100 %, soaks of 120 s and 60 s. */
void scene_begin_with(unsigned hosts);
void scene_begin(void);
void scene_end(void);

void scene_run(unsigned seconds);

/* Until it is in the state, for an hour at most. */
void scene_run_until(RolloutState state);

/* It is started after a minute. */
void scene_start(void);
void scene_order(enum rollout_verb verb);
void scene_select_hosts(const char *hosts, const char *canary);

/* OOM kills in each guest of these hosts. */
void scene_kill_in(unsigned first, unsigned end, uint64_t kills);

RolloutState scene_state_now(char reason[256]);
void scene_expect(RolloutState state);
void scene_expect_reason(const char *part);

#endif
