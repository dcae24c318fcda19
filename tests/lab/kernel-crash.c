/* kernel-crash: the agent is killed at every crash point while it works on the kernel of the guest
 * it runs in, with swap on; the next start must put each kernel setting back. Its child is killed
 * too, in the middle of its work. Prints a line per failure and the number of points. Run by the
 * script `kernels`. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/actions/paths.h"
#include "common/base/util.h"
#include "common/proc/page-reporting.h"
#include "tests/lib/loop.h"
#include "tests/unit/agent/actions/crash-scenario.h"

static const char *const paths[] = {SWAPPINESS_PATH, PERCPU_FRACTION_PATH,
                                    PAGE_REPORTING_ORDER_PATH};
static char originals[ARRAY_SIZE(paths)][SETTING_VALUE_SIZE];
static int root;
static int state_directory;
static unsigned failed;
static unsigned changed; /* points at which a setting was found changed */

static bool is_original(const struct settings *settings, size_t i)
{
    char value[SETTING_VALUE_SIZE];

    return settings_read(settings, paths[i], value, sizeof(value)) == 0 &&
           strcmp(value, originals[i]) == 0;
}

static void expect_originals(const struct settings *settings, const char *when, unsigned point)
{
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        if (is_original(settings, i))
            continue;
        printf("FAIL /%s after %s %u\n", paths[i], when, point);
        failed++;
    }
}

/* True: the scenario came to its end. */
static bool crash_at(unsigned point)
{
    static struct crash_agent agent;
    const struct settings now = {.root = root};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0)
        crash_scenario(root, state_directory, point);
    (void)waitpid(pid, &status, 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        changed += !is_original(&now, i);
    if (crash_agent_start(&agent, root, state_directory) < 0) {
        printf("FAIL the start after point %u\n", point);
        failed++;
    }
    expect_originals(&agent.settings, "point", point);
    (void)uv_loop_close(&agent.loop);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void on_done(const struct action_outcome *outcome, void *userdata)
{
    *(bool *)userdata = true;
}

/* The child dies `milliseconds` after it began. */
static void kill_child_after(unsigned milliseconds)
{
    static struct crash_agent agent;
    const struct action_order order = {.kind = ACTION_COMPACT};
    bool is_done = false;

    if (crash_agent_start(&agent, root, state_directory) < 0 ||
        actions_start(&agent.actions, &order, on_done, &is_done) < 0) {
        printf("FAIL no compaction\n");
        failed++;
        return;
    }
    (void)usleep(milliseconds * 1000);
    (void)kill(agent.actions.child.pid, SIGKILL);
    loop_run_until(&agent.loop, &is_done);
    expect_originals(&agent.settings, "the child's milliseconds", milliseconds);
    (void)uv_loop_close(&agent.loop);
}

int main(void)
{
    unsigned point = 1;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    state_directory = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
        const struct settings now = {.root = root};
        if (settings_read(&now, paths[i], originals[i], sizeof(originals[i])) < 0) {
            printf("FAIL /%s cannot be read\n", paths[i]);
            return 1;
        }
    }
    while (!crash_at(point) && point < CRASH_POINTS_MAX)
        point++;
    for (unsigned milliseconds = 0; milliseconds < 20; milliseconds += 4)
        kill_child_after(milliseconds);
    printf("kernel-crash: %u points, %u settings found changed, %u failed\n", point - 1, changed,
           failed);
    return failed == 0 && point > 30 && changed > 0 ? 0 : 1;
}
