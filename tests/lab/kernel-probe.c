/* kernel-probe: the agent's sensors and actions against the kernel of the guest it runs in. Prints
 * a line per check and ends with the number of failed ones. It takes and frees memory, and leaves
 * every setting as it was. Run by the script `kernels`.
 *
 * kernel-probe survey: says which features there are and how each action went, for the script
 * `missing-features`, which knows what must come out.
 *
 * kernel-probe measure: what passes over an empty, a fragmented and a full guest cost, for the
 * bench `ranges`. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/actions/actions.h"
#include "agent/actions/reporting.h"
#include "agent/sensors/sensors.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/meminfo.h"

#define SIZE      (400 * MIB)
#define TRIES     20
#define LARGE_MAX 8192
#define LEFT_FREE (48 * MIB) /* of what a full guest had available */

static struct sensors sensors;
static struct features features;
static struct settings settings;
static struct reporting reporting;
static struct actions actions;
static struct action_outcome outcome;
static uv_loop_t loop;
static int root;
static unsigned failed;

static void check(bool ok, const char *what, uint64_t is, uint64_t other)
{
    printf("%s %s (%" PRIu64 ", %" PRIu64 ")\n", ok ? "ok  " : "FAIL", what, is, other);
    failed += !ok;
}

static void die(const char *what)
{
    printf("FAIL %s: %s\n", what, strerror(errno));
    exit(100);
}

/* Free blocks as a pass found them: how many of each order, and those of a pageblock or more one by
 * one. */
struct blocks {
    uint64_t counts[BUDDY_ORDER_COUNT_MAX];
    size_t large_count;
    struct ranges_free_block large[LARGE_MAX];
};

static void add_block(uint64_t pfn, uint32_t order, bool reported, void *userdata)
{
    struct blocks *blocks = userdata;

    blocks->counts[order]++;
    if (order >= sensors.pageblock_order && blocks->large_count < LARGE_MAX)
        blocks->large[blocks->large_count++] =
            (struct ranges_free_block){.pfn = pfn, .order = order, .reported = reported};
}

struct pass_time {
    nsec_t whole;
    nsec_t longest; /* slice */
};

static struct ranges_result scan(uint32_t reporting_order, uint32_t lowest_order, bool exact,
                                 struct blocks *blocks, struct pass_time *ret_time)
{
    struct ranges_options options;
    struct pass_time time = {0};
    struct ranges_scan pass;
    int r;

    memset(blocks, 0, sizeof(*blocks));
    sensors_ranges_options(&sensors, &options);
    options.reporting_order = reporting_order;
    options.lowest_order = lowest_order;
    options.exact = exact;
    options.block = add_block;
    options.userdata = blocks;
    if (ranges_scan_init(&pass, root, &options) < 0)
        die("kpageflags");
    do {
        nsec_t begun = time_monotonic();
        r = ranges_scan_step(&pass, SENSORS_SCAN_SLICE);
        begun = time_monotonic() - begun;
        time.whole += begun;
        time.longest = max_of(time.longest, begun);
    } while (r == 0);
    ranges_scan_finish(&pass);
    if (r < 0)
        die("kpageflags");
    *ret_time = time;
    return pass.result;
}

/* Blocks of a pageblock or more that are in one list and not, or not alike, in the other. */
static uint64_t different(const struct blocks *one, const struct blocks *other)
{
    uint64_t count = 0;
    size_t i = 0;
    size_t j = 0;

    while (i < one->large_count || j < other->large_count) {
        const struct ranges_free_block *a = &one->large[i];
        const struct ranges_free_block *b = &other->large[j];

        if (j == other->large_count || (i < one->large_count && a->pfn < b->pfn)) {
            count++;
            i++;
        } else if (i == one->large_count || b->pfn < a->pfn) {
            count++;
            j++;
        } else {
            count += a->order != b->order || a->reported != b->reported;
            i++;
            j++;
        }
    }
    return count;
}

/* The guest stands still between two full scans, and two readings of buddyinfo, that are the same
 * (a reporting pass changes only marks, so buddyinfo alone does not tell). Then the full scan must
 * have found the blocks of buddyinfo, order by order, and a pass by stride in between the same
 * large blocks in the same places and states. */
static void check_ranges(const char *what)
{
    for (unsigned i = 0; i < TRIES; i++) {
        static struct buddyinfo before;
        static struct buddyinfo after;
        static struct blocks all;
        static struct blocks stride;
        static struct blocks again;
        struct pass_time unused;
        uint64_t differences = 0;

        (void)buddyinfo_read(root, &before);
        (void)scan(0, 0, true, &all, &unused);
        (void)scan(sensors.pageblock_order, sensors.pageblock_order, true, &stride, &unused);
        (void)scan(0, 0, true, &again, &unused);
        (void)buddyinfo_read(root, &after);
        if (memcmp(before.free_blocks, after.free_blocks, sizeof(before.free_blocks)) != 0 ||
            different(&all, &again) != 0) {
            (void)sleep(1); /* a reporting pass comes every 2 s */
            continue;
        }
        for (uint32_t order = 0; order < before.order_count; order++)
            differences += all.counts[order] > before.free_blocks[order]
                               ? all.counts[order] - before.free_blocks[order]
                               : before.free_blocks[order] - all.counts[order];
        differences += different(&all, &stride);
        check(differences == 0, what, differences, all.large_count);
        return;
    }
    check(false, "the guest never stood still", 0, 0);
}

static struct memory_sample sample(void)
{
    struct memory_sample now;

    if (sensors_scan_start(&sensors, true) < 0)
        die("scan");
    while (sensors_scan_step(&sensors, NSEC_PER_SEC, time_boottime()) == 0)
        ;
    if (sensors_read(&sensors, time_boottime(), &now) < 0)
        die("sensors");
    return now;
}

static void on_done(const struct action_outcome *ended, void *userdata)
{
    outcome = *ended;
}

static void run(struct action_order order)
{
    memset(&outcome, 0, sizeof(outcome));
    if (actions_start(&actions, &order, on_done, NULL) < 0)
        outcome.end = ACTION_NOT_SUPPORTED;
    uv_run(&loop, UV_RUN_DEFAULT);
}

/* A process that has freed one page of each pair, at random. */
static pid_t fragment(void)
{
    int ends[2];
    char byte;
    pid_t pid;

    if (pipe(ends) < 0)
        die("pipe");
    pid = fork();
    if (pid == 0) {
        char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        uint64_t random = 1;

        (void)madvise(memory, SIZE, MADV_NOHUGEPAGE);
        for (uint64_t at = 0; at < SIZE; at += 4096)
            memory[at] = 1;
        for (uint64_t at = 0; at < SIZE; at += 8192) {
            random = random * 6364136223846793005u + 1442695040888963407u;
            (void)madvise(memory + at + (random >> 63) * 4096, 4096, MADV_DONTNEED);
        }
        (void)!write(ends[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        die("fragment");
    close(ends[0]);
    return pid;
}

/* A process that has taken nearly all there was. */
static pid_t fill(void)
{
    struct meminfo meminfo;
    int ends[2];
    char byte;
    pid_t pid;

    if (meminfo_read(root, &meminfo) < 0 || pipe(ends) < 0)
        die("fill");
    pid = fork();
    if (pid == 0) {
        uint64_t bytes = saturating_subtract(meminfo.available, LEFT_FREE);
        char *memory =
            mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        for (uint64_t at = 0; memory != MAP_FAILED && at < bytes; at += 4096)
            memory[at] = 1;
        (void)!write(ends[1], "x", 1);
        (void)pause();
        _exit(0);
    }
    close(ends[1]);
    if (read(ends[0], &byte, 1) != 1)
        die("fill");
    close(ends[0]);
    return pid;
}

static void end(pid_t pid)
{
    (void)kill(pid, SIGKILL);
    (void)waitpid(pid, NULL, 0);
}

/* More than so much, or all that the watermarks let go: where the machine is slow, earlier passes
 * may have taken it already. */
static bool await_reported(uint64_t more_than)
{
    for (unsigned i = 0; i < 15; i++) {
        struct memory_sample now = sample();
        if (now.reported > more_than || (more_than > 0 && now.reportable <= now.held_back + MIB))
            return true;
        (void)sleep(1); /* the kernel's own pass starts after 2 s */
    }
    return false;
}

static void check_compaction(void)
{
    struct memory_sample before = sample();
    struct memory_sample after;

    run((struct action_order){.kind = ACTION_COMPACT, .time_limit = 60 * NSEC_PER_SEC});
    after = sample();
    check(outcome.end == ACTION_DONE, "compaction ends", outcome.end, outcome.duration);
    check(after.trapped < before.trapped / 2, "compaction frees half of what is trapped",
          before.trapped, after.trapped);
    check(outcome.pages_moved > 0, "pages moved are counted", outcome.pages_moved, outcome.cpu);
}

static void check_kick(void)
{
    struct memory_sample before = sample();
    struct memory_sample after;

    run((struct action_order){.kind = ACTION_KICK_REPORTING, .time_limit = 20 * NSEC_PER_SEC});
    after = sample();
    check(outcome.end == ACTION_DONE && outcome.reason[0] == '\0', "a kick ends", outcome.end, 0);
    check(after.percpu < max_of(before.percpu / 4, 4 * MIB), "a kick drains the lists of all CPUs",
          before.percpu, after.percpu);
    check(await_reported(before.reported), "a kick starts a pass", before.reported, 0);
}

static void check_order(void)
{
    uint32_t found = reporting_order(&reporting);
    uint64_t before = sample().reported;
    uint32_t order = 99;
    int r = reporting_set_order(&reporting, 0, 0, &order);

    check(r == 0 && reporting_order(&reporting) == 0, "the order is lowered", found, order);
    run((struct action_order){.kind = ACTION_KICK_REPORTING, .time_limit = 20 * NSEC_PER_SEC});
    check(await_reported(before + 1 * MIB), "smaller blocks are reported", before, 0);
    check(reporting_restore(&reporting) == 0 && reporting_order(&reporting) == found,
          "the order is put back", found, 0);
}

/* With the guest's disk, which stays open: its pages would go when it is closed. */
static void fill_cache(void)
{
    static char buffer[1 << 20];
    static int disk = -1;

    if (disk < 0)
        disk = open("/dev/vda", O_RDONLY | O_CLOEXEC);
    if (disk < 0)
        die("/dev/vda");
    while (read(disk, buffer, sizeof(buffer)) > 0)
        ;
}

static void check_reclaim(void)
{
    struct memory_sample before;
    struct memory_sample after;

    fill_cache();
    before = sample();
    check(before.cache > 150 * MIB, "the cache is seen", before.cache, 0);
    run((struct action_order){
        .kind = ACTION_RECLAIM_CACHE, .bytes = 64 * MIB, .time_limit = 20 * NSEC_PER_SEC});
    check(outcome.end == ACTION_DONE && outcome.reason[0] == '\0', "reclaim ends", outcome.end, 0);
    after = sample();
    check(before.cache - after.cache >= 48 * MIB, "reclaim takes what was asked", before.cache,
          after.cache);
    check(before.cache - after.cache <= 80 * MIB, "and not much more", before.cache, after.cache);
    run((struct action_order){.kind = ACTION_DROP_CACHES, .drop_slab = true});
    check(sample().cache < 32 * MIB, "dropping takes the rest", sample().cache, 0);
}

static void act(const char *name, struct action_order order)
{
    uint64_t cache = sample().cache;

    order.time_limit = 60 * NSEC_PER_SEC;
    run(order);
    printf("action %s: %s%s%s; cache %" PRIu64 " -> %" PRIu64 " MiB\n", name,
           action_end_name(outcome.end), outcome.reason[0] != '\0' ? ", " : "", outcome.reason,
           cache / MIB, sample().cache / MIB);
}

static void survey(void)
{
    struct memory_sample now;
    uint32_t order = 99;
    int r;

    for (size_t i = 0; i < FEATURE_COUNT; i++)
        printf("feature %s: %s%s\n", features.list[i].name,
               features.list[i].available ? "there" : "missing, ", features.list[i].reason);
    fill_cache();
    act("reclaim", (struct action_order){.kind = ACTION_RECLAIM_CACHE, .bytes = 64 * MIB});
    act("compact", (struct action_order){.kind = ACTION_COMPACT});
    act("kick", (struct action_order){.kind = ACTION_KICK_REPORTING});
    r = reporting_set_order(&reporting, 5, 0, &order);
    printf("action order: %s\n", r == 0 && order == 5 ? "done" : strerror(-r));
    (void)reporting_restore(&reporting);
    if (features.list[FEATURE_PAGE_REPORTING].available)
        (void)await_reported(0);
    now = sample();
    printf("sample: pressure %s, reported %s\n", now.activity.psi_is_known ? "known" : "unknown",
           now.reported > 0 ? "some" : "none");
    printf("settings left changed: %zu\n", settings.count);
}

/* Where the guest's clock counts instructions (QEMU's -icount shift=0), nanoseconds are those. */
static void measure_state(const char *name)
{
    static struct blocks blocks;
    uint32_t order = sensors.pageblock_order;
    struct pass_time quick;
    struct pass_time stride;
    struct pass_time every;

    nsec_t longest;

    (void)scan(order, order, false, &blocks, &quick);
    (void)scan(order, order, true, &blocks, &stride);
    (void)scan(0, 0, true, &blocks, &every);
    longest = max_of(quick.longest, stride.longest);
    longest = max_of(longest, every.longest);
    printf("guest %s total %" PRIu64 " quick %" PRIu64 " exact %" PRIu64 " every-page %" PRIu64
           " longest-slice %" PRIu64 "\n",
           name, sample().total, quick.whole, stride.whole, every.whole, longest);
}

static void measure(void)
{
    pid_t pid;

    (void)await_reported(256 * MIB);
    measure_state("empty");
    pid = fragment();
    measure_state("fragmented");
    end(pid);
    pid = fill();
    measure_state("full");
    end(pid);
}

int main(int argc, char *argv[])
{
    int state;
    pid_t pid;

    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    state = open("/run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || state < 0 || sensors_init(&sensors, root) < 0 || uv_loop_init(&loop) < 0 ||
        settings_init(&settings, root, state, NULL) < 0)
        die("start");
    features_detect(&features, root);
    reporting_init(&reporting, &settings, &features, sensors.max_order, sensors.pageblock_order);
    (void)actions_init(&actions, &loop, root, &features, &settings);
    if (argc == 2 && strcmp(argv[1], "survey") == 0) {
        survey();
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "measure") == 0) {
        measure();
        return 0;
    }

    for (size_t i = 0; i < FEATURE_COUNT; i++)
        if (!features.list[i].available)
            printf("missing %s: %s\n", features.list[i].name, features.list[i].reason);
    check(await_reported(256 * MIB), "reporting works", sample().reported, 0);
    check_ranges("blocks of an empty guest");
    pid = fragment();
    check_ranges("blocks of a fragmented guest");
    check_compaction();
    check_kick();
    check_ranges("blocks after compaction");
    check_order();
    check_ranges("blocks with small marks");
    end(pid);
    pid = fill();
    check_ranges("blocks of a full guest");
    end(pid);
    check_reclaim();
    check(settings.count == 0, "no setting is left changed", settings.count, 0);
    printf("kernel-probe: %u failed\n", failed);
    return failed == 0 ? 0 : 1;
}
