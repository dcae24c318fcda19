/* rivals: other systems' rules for giving a guest's memory back, written from their published
 * sources with their own constants, for the benches ladder and build. Static, for an initramfs.
 * They run until they are killed and say what they do.
 *
 *   rivals wsl    WSL's reclaim thread in its default mode (microsoft/WSL, src/linux/init/util.cpp,
 *                 2026-07): poll 10 s; idle when at most 0.5 % of all CPUs were busy over 2 min and
 *                 over the last 10 s; then once per idle period drop_caches 3 and compact_memory.
 *                 Its host boots the guest with reporting order 5
 *   rivals kata   Kata's mem-agent (kata-containers, src/libs/mem-agent) with its defaults: every
 *                 600 s age each cgroup's generations and evict what was not touched for 3 agings;
 *                 every 600 s compact when free memory fell or fragments grew by 1024 pages; both
 *                 only while memory and I/O stalls are at most 1 %. Needs debugfs and MGLRU
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WSL_POLL        10
#define WSL_WINDOW      12
#define WSL_ORDER       "5"
#define WSL_KERNEL_PART 32
#define KATA_PERIOD     600
#define KATA_AGINGS     3
#define KATA_FRESH_MS   60000
#define KATA_PSI        1 /* percent */
#define KATA_PSI_INSIDE 5
#define KATA_THRESHOLD  1024 /* pages */
#define KATA_ORDER      9
#define KATA_SECONDS    180
#define KATA_GENS       4
#define KATA_MEMCGS     256
#define LRU_GEN         "/sys/kernel/debug/lru_gen"

static double now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void say(const char *what)
{
    printf("%.0f %s\n", now(), what);
    fflush(stdout);
}

static int write_text(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    int r;

    if (file < 0) {
        return -errno;
    }
    r = write(file, text, strlen(text)) < 0 ? -errno : 0;
    close(file);
    return r;
}

/* ---- WSL ---- */

struct cpu {
    uint64_t user;
    uint64_t busy;
    uint64_t total;
};

static struct cpu read_cpu(void)
{
    uint64_t v[8] = {0}; /* user nice system idle iowait irq softirq steal */
    FILE *file = fopen("/proc/stat", "re");
    struct cpu cpu;

    if (file == NULL || fscanf(file,
                               "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                               " %" SCNu64 " %" SCNu64 " %" SCNu64,
                               &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 4) {
        exit(1);
    }
    fclose(file);
    cpu.user = v[0] + v[1];
    cpu.busy = cpu.user + v[2] + v[5] + v[6] + v[7];
    cpu.total = cpu.busy + v[3] + v[4];
    return cpu;
}

/* An emulated CPU is never idle at 0.5 %: its timers alone take some 2 %. Kernel time up to a 32nd
 * part of one CPU does not count here, as it does not for ours. */
static struct cpu activity(const struct cpu *from, const struct cpu *to)
{
    struct cpu cpu = {to->user - from->user, to->busy - from->busy, to->total - from->total};
    uint64_t kernel = cpu.busy - cpu.user;
    uint64_t allowed = cpu.total / WSL_KERNEL_PART;

    cpu.busy = cpu.user + (kernel > allowed ? kernel - allowed : 0);
    return cpu;
}

static void wsl(void)
{
    const struct sched_param parameters = {0};
    struct cpu ring[WSL_WINDOW] = {{0, 0, 0}};
    struct cpu last;
    bool was_idle = false;

    sched_setscheduler(0, SCHED_IDLE, &parameters);
    write_text("/sys/module/page_reporting/parameters/page_reporting_order", WSL_ORDER);
    last = read_cpu();
    for (unsigned polls = 1;; polls++) {
        struct cpu window = {0, 0, 0};
        struct cpu *interval = &ring[polls % WSL_WINDOW];
        struct cpu cpu;
        bool is_idle;

        sleep(WSL_POLL);
        cpu = read_cpu();
        *interval = activity(&last, &cpu);
        last = cpu;
        for (unsigned i = 0; i < WSL_WINDOW; i++) {
            window.busy += ring[i].busy;
            window.total += ring[i].total;
        }
        is_idle = polls >= WSL_WINDOW && window.busy * 1000 <= window.total * 5 &&
                  interval->busy * 1000 <= interval->total * 5;
        if (is_idle && !was_idle) {
            say("drop_caches 3");
            write_text("/proc/sys/vm/drop_caches", "3");
            say("compact_memory");
            write_text("/proc/sys/vm/compact_memory", "1");
            last = read_cpu(); /* its own time must not end the idle period */
        }
        was_idle = is_idle;
    }
}

/* ---- Kata ---- */

/* Microseconds stalled: memory and I/O, added as it does. */
static uint64_t stalled(void)
{
    static const char *const files[] = {"/sys/fs/cgroup/memory.pressure",
                                        "/sys/fs/cgroup/io.pressure", "/proc/pressure/memory",
                                        "/proc/pressure/io"};
    uint64_t sum = 0;

    /* the root cgroup's pressure files are /proc/pressure on this kernel */
    for (unsigned i = access(files[0], R_OK) == 0 ? 0 : 2, n = 0; n < 2; n++, i++) {
        FILE *file = fopen(files[i], "re");
        char line[256];
        const char *total;

        if (file == NULL) {
            continue;
        }
        if (fgets(line, sizeof(line), file) && (total = strstr(line, "total=")) != NULL) {
            sum += strtoull(total + 6, NULL, 10);
        }
        fclose(file);
    }
    return sum;
}

struct psi {
    uint64_t stalled;
    double at;
};

static int psi_percent(struct psi *psi)
{
    struct psi fresh = {stalled(), now()};
    double percent = psi->at == 0 || fresh.at <= psi->at ? 0
                                                         : (double)(fresh.stalled - psi->stalled) *
                                                               100 / ((fresh.at - psi->at) * 1e6);

    *psi = fresh;
    return (int)percent;
}

/* One memcg's generations on its first node: the guests of the benches have one. */
struct generations {
    unsigned memcg;
    unsigned node;
    unsigned count;
    uint64_t oldest;
    uint64_t newest;
    uint64_t newest_age_ms;
    uint64_t oldest_file;
};

/* How often each memcg was aged. */
struct agings {
    unsigned memcg;
    unsigned count;
};

/* One line of the file, of what belongs to `g`. */
static void read_generation(const char *line, struct generations *g)
{
    uint64_t sequence;
    uint64_t age;
    int64_t anon;
    int64_t pages;

    if (sscanf(line, " node %u", &g->node) == 1 ||
        sscanf(line, " %" SCNu64 " %" SCNu64 " %" SCNd64 " %" SCNd64, &sequence, &age, &anon,
               &pages) != 4) {
        return;
    }
    if (g->count++ == 0) {
        g->oldest = sequence;
        g->oldest_file = pages > 0 ? (uint64_t)pages : 0;
    }
    g->newest = sequence;
    g->newest_age_ms = age;
}

/* At most KATA_MEMCGS; returns how many. */
static unsigned read_generations(struct generations all[KATA_MEMCGS])
{
    FILE *file = fopen(LRU_GEN, "re");
    char line[512];
    unsigned count = 0;

    while (file != NULL && fgets(line, sizeof(line), file)) {
        unsigned memcg;

        if (sscanf(line, " memcg %u", &memcg) == 1) {
            if (count == KATA_MEMCGS) {
                break;
            }
            all[count++] = (struct generations){.memcg = memcg};
        } else if (count > 0) {
            read_generation(line, &all[count - 1]);
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return count;
}

static bool find_generations(unsigned memcg, struct generations *ret)
{
    static struct generations all[KATA_MEMCGS];
    unsigned count = read_generations(all);

    for (unsigned i = 0; i < count; i++) {
        if (all[i].memcg == memcg) {
            *ret = all[i];
            return true;
        }
    }
    return false;
}

static void evict(unsigned memcg, struct psi *psi)
{
    struct generations g;
    uint64_t before = UINT64_MAX;
    char text[64];

    while (find_generations(memcg, &g) && g.count == KATA_GENS && g.oldest_file > 0 &&
           g.oldest_file < before && psi_percent(psi) <= KATA_PSI) {
        before = g.oldest_file;
        snprintf(text, sizeof(text), "- %u %u %" PRIu64 " 0 1", g.memcg, g.node, g.oldest);
        if (write_text(LRU_GEN, text) < 0) {
            return;
        }
    }
}

/* The memcg's, a new one of which was never aged. NULL: too many. */
static struct agings *find_agings(unsigned memcg)
{
    static struct agings all[KATA_MEMCGS];
    static unsigned count;
    unsigned i = 0;

    while (i < count && all[i].memcg != memcg) {
        i++;
    }
    if (i == KATA_MEMCGS) {
        return NULL;
    }
    if (i == count) {
        all[count++] = (struct agings){.memcg = memcg};
    }
    return &all[i];
}

static void age(struct psi *psi)
{
    static struct generations all[KATA_MEMCGS];
    unsigned count = read_generations(all);
    unsigned aged = 0;
    char text[64];

    if (psi_percent(psi) > KATA_PSI) {
        say("memcg: skipped, stalls");
        return;
    }
    for (unsigned i = 0; i < count; i++) {
        struct agings *agings = find_agings(all[i].memcg);

        if (agings == NULL || all[i].newest_age_ms < KATA_FRESH_MS) {
            continue;
        }
        snprintf(text, sizeof(text), "+ %u %u %" PRIu64 " 0 1", all[i].memcg, all[i].node,
                 all[i].newest);
        if (write_text(LRU_GEN, text) == 0) {
            agings->count++;
            aged++;
        }
        if (agings->count >= KATA_AGINGS) {
            evict(all[i].memcg, psi);
        }
    }
    snprintf(text, sizeof(text), "memcg: aged %u of %u", aged, count);
    say(text);
}

/* Rows that contain "Movable", orders below KATA_ORDER. A count the kernel prints as ">100000" is
 * skipped, as there. */
static uint64_t movable_fragments(void)
{
    FILE *file = fopen("/proc/pagetypeinfo", "re");
    char line[512];
    uint64_t pages = 0;

    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof(line), file)) {
        char *at = strstr(line, "Movable");
        if (at == NULL) {
            continue;
        }
        at += strlen("Movable");
        for (unsigned order = 0; order < KATA_ORDER; order++) {
            char word[32];
            int length;
            char *end;
            uint64_t count;

            if (sscanf(at, "%31s%n", word, &length) != 1) {
                break;
            }
            at += length;
            count = strtoull(word, &end, 10);
            pages += *end == '\0' ? count << order : 0;
        }
    }
    fclose(file);
    return pages;
}

static uint64_t free_kib(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    char line[128];
    uint64_t kib = 0;

    while (file != NULL && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "MemFree: %" SCNu64, &kib) == 1) {
            break;
        }
    }
    if (file != NULL) {
        fclose(file);
    }
    return kib;
}

static void compact(void)
{
    struct psi psi = {0, 0};
    pid_t pid = fork();

    if (pid == 0) {
        _exit(write_text("/proc/sys/vm/compact_memory", "1") < 0);
    }
    (void)psi_percent(&psi);
    for (unsigned seconds = 0; pid > 0 && waitpid(pid, NULL, WNOHANG) == 0; seconds++) {
        if (seconds >= KATA_SECONDS || psi_percent(&psi) > KATA_PSI_INSIDE) {
            kill(pid, SIGKILL);
        }
        sleep(1);
    }
}

struct fragments {
    uint64_t free_kib;
    uint64_t movable;
};

static void maybe_compact(struct psi *psi, struct fragments *last)
{
    uint64_t free_now = free_kib();

    if (psi_percent(psi) > KATA_PSI) {
        say("compact: skipped, stalls");
        return;
    }
    if (last->free_kib <= free_now + KATA_THRESHOLD * 4 &&
        movable_fragments() <= KATA_THRESHOLD + last->movable) {
        say("compact: nothing new");
        return;
    }
    say("compact_memory");
    compact();
    *last = (struct fragments){free_kib(), movable_fragments()};
}

static void kata(void)
{
    struct psi memcg_psi = {0, 0};
    struct psi compact_psi = {0, 0};
    struct fragments last = {0, 0};

    if (write_text("/sys/kernel/mm/lru_gen/enabled", "7") < 0 || access(LRU_GEN, W_OK) < 0) {
        say("no MGLRU or no debugfs");
        exit(1);
    }
    for (;;) { /* the first run comes at once, as there */
        age(&memcg_psi);
        maybe_compact(&compact_psi, &last);
        sleep(KATA_PERIOD);
    }
}

int main(int argc, char *argv[])
{
    if (argc == 2 && strcmp(argv[1], "wsl") == 0) {
        wsl();
    } else if (argc == 2 && strcmp(argv[1], "kata") == 0) {
        kata();
    }
    fprintf(stderr, "Usage: rivals wsl | kata\n");
    return 2;
}
