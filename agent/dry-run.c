/* Two samples, what this kernel lacks, and the engine's report on them. */
#include "agent/dry-run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/actions/features.h"
#include "agent/config/host-policy.h"
#include "agent/engine/report.h"
#include "agent/sensors/sensors.h"
#include "common/base/cleanup.h"

#define MEASURED      (5 * NSEC_PER_SEC) /* as the engine's own latest seconds */
#define LOOK_AHEAD    (3600 * NSEC_PER_SEC)
#define SCAN_PATIENCE (10 * NSEC_PER_SEC)
#define LOWEST_ORDER  5 /* what the engine takes until somebody tells */

/* ---- the policy in force ---- */

static void find_policy(const struct configuration *configuration, struct host_policy *policy,
                        FILE *output)
{
    cleanup_close int directory =
        open(configuration->state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct error error;
    int r = host_policy_load(directory, configuration, policy, &error);

    if (r == 0) {
        (void)fprintf(output,
                      "policy of the host, revision %" PRIu64 ", within this guest's own "
                      "limits\n",
                      policy->policy.revision);
        return;
    }
    if (r != -ENOENT)
        (void)fprintf(output, "the host's policy is left out: %s\n", error.text);
    *policy = (struct host_policy){.policy = configuration->policy};
}

/* ---- what this kernel can do ---- */

/* A feature that an action cannot do without, when none of them is there. */
static const struct {
    enum engine_action_kind action;
    enum feature_id features[2];
    size_t count;
} needs[] = {
    {ENGINE_RECLAIM_CACHE, {FEATURE_MEMORY_RECLAIM, FEATURE_NODE_RECLAIM}, 2},
    {ENGINE_DROP_CACHES, {FEATURE_DROP_CACHES}, 1},
    {ENGINE_COMPACT, {FEATURE_COMPACTION}, 1},
    {ENGINE_LOWER_ORDER, {FEATURE_PAGE_REPORTING_ORDER}, 1},
};

/* As a bit per engine_action_kind. A plain user cannot tell what root may do: nothing then. */
static uint32_t find_impossible(int root, FILE *output)
{
    struct features features;
    uint32_t impossible = 0;

    if (geteuid() != 0) {
        (void)fprintf(output, "not root: what only root may read is unknown, and what only root "
                              "may do is taken to work\n");
        return 0;
    }
    features_detect(&features, root);
    for (size_t i = 0; i < ARRAY_SIZE(needs); i++) {
        size_t missing = 0;
        while (missing < needs[i].count && !features_have(&features, needs[i].features[missing]))
            missing++;
        if (missing < needs[i].count)
            continue;
        impossible |= 1u << needs[i].action;
        (void)fprintf(output, "missing: %s: %s\n", features.list[needs[i].features[0]].name,
                      features.list[needs[i].features[0]].reason);
    }
    if (!features_have(&features, FEATURE_PAGE_REPORTING))
        (void)fprintf(output, "missing: %s: %s\n", features.list[FEATURE_PAGE_REPORTING].name,
                      features.list[FEATURE_PAGE_REPORTING].reason);
    return impossible;
}

/* ---- the samples ---- */

static void sleep_for(nsec_t duration)
{
    struct timespec rest = {.tv_sec = (time_t)(duration / NSEC_PER_SEC),
                            .tv_nsec = (long)(duration % NSEC_PER_SEC)};

    while (nanosleep(&rest, &rest) < 0 && errno == EINTR)
        ;
}

/* Which free blocks are at the host already, where that can be seen at all. */
static void scan(struct sensors *sensors)
{
    nsec_t begin = time_boottime();
    int r = sensors_scan_start(sensors, false);

    while (r == 0 && time_boottime() - begin < SCAN_PATIENCE)
        r = sensors_scan_step(sensors, SENSORS_SCAN_SLICE, time_boottime());
}

static int take_samples(int root, struct memory_sample *first, struct memory_sample *second)
{
    static struct sensors sensors;

    int r = sensors_init(&sensors, root);
    if (r < 0)
        return r;
    r = sensors_read(&sensors, time_boottime(), first);
    if (r == 0) {
        sleep_for(MEASURED);
        scan(&sensors);
        r = sensors_read(&sensors, time_boottime(), second);
    }
    sensors_finish(&sensors);
    return r;
}

int dry_run(int root, const struct configuration *configuration, FILE *output, struct error *error)
{
    static char text[ENGINE_REPORT_MAX];
    struct memory_sample first;
    struct memory_sample second;
    struct host_policy policy;
    struct outlook_question question = {
        .policy = &policy.policy,
        .first = &first,
        .second = &second,
        .lowest_order =
            configuration->sets_lowest_order ? configuration->lowest_order : LOWEST_ORDER,
        .length = LOOK_AHEAD,
    };

    int r = take_samples(root, &first, &second);
    if (r < 0)
        return error_set(error, r, "cannot read the guest's memory below /proc: %s", strerror(-r));
    find_policy(configuration, &policy, output);
    question.impossible = find_impossible(root, output);
    question.wall_time = time_realtime();
    (void)engine_report(&question, text, sizeof(text));
    (void)fputs(text, output);
    return 0;
}
