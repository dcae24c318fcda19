/* An idle period that is cut off at any point. */
#include "tests/unit/agent/actions/crash-scenario.h"

#include <signal.h>
#include <unistd.h>

#include "agent/actions/crash.h"
#include "common/base/number.h"
#include "tests/lib/loop.h"

static unsigned points_left; /* 0: none is taken */

void crash_point(void)
{
    if (points_left > 0 && --points_left == 0)
        (void)kill(getpid(), SIGKILL);
}

void crash_after(unsigned point)
{
    points_left = point;
}

int crash_agent_start(struct crash_agent *agent, int root, int state_directory)
{
    int r = settings_init(&agent->settings, root, state_directory, NULL);

    features_detect(&agent->features, root);
    features_lose(&agent->features, FEATURE_MEMORY_RECLAIM_SWAPPINESS, "as on Linux 6.1");
    reporting_init(&agent->reporting, &agent->settings, &agent->features, 10, 9);
    (void)uv_loop_init(&agent->loop);
    (void)actions_init(&agent->actions, &agent->loop, root, &agent->features, &agent->settings);
    return r;
}

static void on_done(const struct action_outcome *outcome, void *userdata)
{
    struct crash_agent *agent = userdata;
    agent->is_done = true;
}

static void run(struct crash_agent *agent, enum action_kind kind)
{
    const struct action_order order = {.kind = kind, .bytes = 1 * MIB};

    agent->is_done = false;
    if (actions_start(&agent->actions, &order, on_done, agent) == 0)
        loop_run_until(&agent->loop, &agent->is_done);
}

/* Everything that changes a setting, in the order of an idle period. */
_Noreturn void crash_scenario(int root, int state_directory, unsigned point)
{
    static struct crash_agent agent;
    uint32_t order;

    crash_after(point);
    if (crash_agent_start(&agent, root, state_directory) < 0)
        _exit(2);
    run(&agent, ACTION_RECLAIM_CACHE);
    run(&agent, ACTION_COMPACT);
    if (reporting_set_order(&agent.reporting, 5, 0, &order) < 0)
        _exit(3);
    run(&agent, ACTION_KICK_REPORTING);
    if (reporting_set_order(&agent.reporting, 0, 0, &order) < 0)
        _exit(4);
    run(&agent, ACTION_KICK_REPORTING);
    if (reporting_restore(&agent.reporting) < 0 || settings_restore_all(&agent.settings) < 0)
        _exit(5);
    _exit(0);
}
