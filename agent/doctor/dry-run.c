/* Two samples, what this kernel lacks, and the engine's report on them. */
#include "agent/doctor/dry-run.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/actions/plan.h"
#include "agent/config/host-policy.h"
#include "agent/engine/report.h"
#include "agent/sensors/sensors.h"
#include "common/base/cleanup.h"

#define MEASURED      (5 * NSEC_PER_SEC) /* as the engine's own latest seconds */
#define LOOK_AHEAD    (3600 * NSEC_PER_SEC)
#define SCAN_PATIENCE (10 * NSEC_PER_SEC)
#define LOWEST_ORDER  5 /* what the engine takes until a controller says more */

/* ---- the policy in force ---- */

static void find_policy(const struct configuration *configuration, struct host_policy *policy,
                        FILE *output)
{
    cleanup_close int directory =
        open(configuration->state_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct error error;
    int r = host_policy_load(directory, configuration, policy, &error);

    if (r == 0) {
        fprintf(output,
                "policy of the host, revision %" PRIu64 ", within this guest's own "
                "limits\n",
                policy->policy.revision);
        return;
    }
    if (r != -ENOENT)
        fprintf(output, "the host's policy is left out: %s\n", error.text);
    *policy = (struct host_policy){.policy = configuration->policy};
}

/* ---- what this kernel can do ---- */

static void print_missing(const struct features *features, enum feature_id id, FILE *output)
{
    const struct feature *feature = &features->list[id];

    fprintf(output, "missing: %s: %s\n", feature->name, feature->reason);
}

/* As a bit per action_kind. A plain user cannot know what root may do: then there is none. */
static uint32_t find_impossible(int root, FILE *output)
{
    struct features features;
    enum feature_id missing;
    uint32_t impossible = 0;

    if (geteuid() != 0) {
        fprintf(output, "not root: what only root may read is unknown, and what only root "
                        "may do is taken to work\n");
        return 0;
    }
    features_detect(&features, root);
    for (enum action_kind kind = ACTION_NONE + 1; kind < ACTION_KIND_COUNT; kind++)
        if (!plan_is_possible(&features, kind, &missing)) {
            impossible |= 1u << kind;
            print_missing(&features, missing, output);
        }
    if (!features_have(&features, FEATURE_PAGE_REPORTING))
        print_missing(&features, FEATURE_PAGE_REPORTING, output);
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
    fputs(text, output);
    return 0;
}
