/* An agent that changes every setting it may change, and is killed at a chosen crash point; for
 * tests that see what the next start puts back. The actions' sources are built with crash_point()
 * in them beside it. */
#ifndef VMRECLAIM_TESTS_UNIT_AGENT_ACTIONS_CRASH_SCENARIO_H
#define VMRECLAIM_TESTS_UNIT_AGENT_ACTIONS_CRASH_SCENARIO_H

#include <stdbool.h>

#include "agent/actions/actions.h"
#include "agent/actions/reporting.h"

#define CRASH_POINTS_MAX 200

struct crash_agent {
    uv_loop_t loop;
    struct features features;
    struct settings settings;
    struct reporting reporting;
    struct actions actions;
    bool is_done;
};

/* Starts as the agent does, which puts back what an earlier one left. -errno of settings_init(). */
int crash_agent_start(struct crash_agent *agent, int root, int state_directory);

/* Kills this process at the `point`th crash point from now on; 0: nowhere. */
void crash_after(unsigned point);

/* An idle period, and the end; in a process of its own. It exits with 0 when `point` is past the
 * last one, else is killed. */
_Noreturn void crash_scenario(int root, int state_directory, unsigned point);

#endif
