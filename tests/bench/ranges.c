/* ranges OUTPUT: the CPU time of a pass over kpageflags, per 16 GiB of guest, and of its
 * longest slice, which is what holds the loop. Over made-up guests of 16 GiB in a file (the cost of
 * this program and of pread), and over this machine's own /proc/kpageflags where it may be read
 * (with the kernel's cost too; scaled to 16 GiB). Writes OUTPUT as JSON. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/sensors/sensors.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/pages.h"
#include "tests/lib/fixture.h"

#define GUEST_SIZE (16 * GIB)
#define RUNS       9
#define SLICE_MAX  2.0 /* milliseconds */
/* Of the slices, at most this many may be longer: a host that takes the CPU away shows as CPU time
 * here. */
#define OVER_PERCENT_MAX 2.0

struct figures {
    double milliseconds; /* of the cheapest pass, per 16 GiB: a busy machine only adds */
    double longest;      /* slice of all passes, milliseconds */
    uint64_t free_bytes; /* found */
    unsigned slices;
    unsigned over; /* of them longer than SLICE_MAX */
};

static uint64_t ram_size(const struct ram_map *map)
{
    uint64_t size = 0;

    for (size_t i = 0; i < map->count; i++)
        size += map->ranges[i].end - map->ranges[i].start;
    return size;
}

/* CPU time: others on the machine must not count. */
static double cpu_milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int one_pass(int root, const struct ranges_options *options, struct figures *figures,
                    double *ret_milliseconds)
{
    struct ranges_scan scan;
    double begun = cpu_milliseconds();
    double size;
    int r;

    r = ranges_scan_init(&scan, root, options);
    if (r < 0)
        return r;
    do {
        double slice = cpu_milliseconds();
        r = ranges_scan_step(&scan, SENSORS_SCAN_SLICE);
        slice = cpu_milliseconds() - slice;
        figures->longest = max_of(figures->longest, slice);
        figures->over += slice > SLICE_MAX;
        figures->slices++;
    } while (r == 0);
    size = (double)ram_size(&scan.map);
    *ret_milliseconds = (cpu_milliseconds() - begun) * (double)GUEST_SIZE / size;
    figures->free_bytes = scan.result.reported + scan.result.reportable;
    ranges_scan_finish(&scan);
    return r < 0 ? r : 0;
}

static int measure(int root, bool exact, struct figures *ret_figures)
{
    struct ranges_options options = {.page_size = page_size_read(root),
                                     .max_order = 10,
                                     .reporting_order = 9,
                                     .lowest_order = 9,
                                     .exact = exact};
    struct figures figures = {0};

    options.pageblock_order = pageblock_order_read(root, options.page_size, options.max_order);
    for (size_t i = 0; i < RUNS; i++) {
        double milliseconds;
        int r = one_pass(root, &options, &figures, &milliseconds);
        if (r < 0)
            return r;
        if (i == 0 || milliseconds < figures.milliseconds)
            figures.milliseconds = milliseconds;
    }
    *ret_figures = figures;
    return 0;
}

/* Every 4 MiB block: free and reported, or every second page in use, or in use. */
static void write_guest(struct fixture *fixture, unsigned percent_free, unsigned percent_mixed)
{
    size_t pages = GUEST_SIZE / 4096;
    size_t free_blocks = 0;
    uint64_t *flags = malloc(pages * sizeof(flags[0]));
    char text[96];

    if (flags == NULL)
        abort();
    for (size_t i = 0; i < pages; i++) {
        size_t block = i / 1024 * 37 % 100;
        free_blocks += block < percent_free && i % 1024 == 0;
        if (block < percent_free)
            flags[i] = KPAGEFLAGS_BUDDY | (i % 1024 == 0 ? KPAGEFLAGS_UPTODATE : 0);
        else
            flags[i] =
                block < percent_free + percent_mixed && i % 2 == 0 ? KPAGEFLAGS_BUDDY : 0x868;
    }
    fixture_write_bytes(fixture, "proc/kpageflags", flags, pages * sizeof(flags[0]));
    free(flags);
    snprintf(text, sizeof(text), "00000000-%" PRIx64 " : System RAM\n", GUEST_SIZE - 1);
    fixture_write(fixture, "proc/iomem", text);
    snprintf(text, sizeof(text), "Node 0, zone   Normal 0 0 0 0 0 0 0 0 0 0 %zu\n", free_blocks);
    fixture_write(fixture, "proc/buddyinfo", text);
    fixture_write(fixture, "proc/pagetypeinfo", "Page block order: 9\n");
}

static int report(FILE *output, const char *name, int root, bool is_last)
{
    struct figures quick;
    struct figures exact;
    double over;

    int r = measure(root, false, &quick);
    if (r == 0)
        r = measure(root, true, &exact);
    if (r < 0) {
        fprintf(stderr, "ranges: %s: %s\n", name, strerror(-r));
        return r;
    }
    over = 100.0 * (quick.over + exact.over) / (quick.slices + exact.slices);
    printf("%-12s %10.2f %10.2f %12.2f %12.1f\n", name, quick.milliseconds, exact.milliseconds,
           max_of(quick.longest, exact.longest), (double)exact.free_bytes / (double)MIB);
    fprintf(output,
            "\"%s_quick_ms_per_16gib\":%.3f,\"%s_exact_ms_per_16gib\":%.3f,"
            "\"%s_longest_slice_ms\":%.3f,\"%s_slices_over_2_ms_percent\":%.3f%s",
            name, quick.milliseconds, name, exact.milliseconds, name,
            max_of(quick.longest, exact.longest), name, over, is_last ? "" : ",");
    return over <= OVER_PERCENT_MAX ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        unsigned free;
        unsigned mixed;
    } guests[] = {{"full", 0, 0}, {"fragmented", 20, 60}, {"half", 50, 10}, {"empty", 100, 0}};
    int machine = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    FILE *output;
    int kpageflags;
    int status = 0;

    if (argc != 2 || (output = fopen(argv[1], "w")) == NULL) {
        fprintf(stderr, "usage: ranges OUTPUT\n");
        return 2;
    }
    fprintf(output, "{\"metrics\":{");
    printf("%-12s %10s %10s %12s %12s\n", "guest", "quick ms", "exact ms", "slice max ms",
           "free MiB");
    kpageflags = kpageflags_open(machine);
    if (kpageflags >= 0)
        close(kpageflags);
    for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
        struct fixture fixture;

        fixture_init(&fixture);
        write_guest(&fixture, guests[i].free, guests[i].mixed);
        status |= report(output, guests[i].name, fixture.root,
                         kpageflags < 0 && i + 1 == ARRAY_SIZE(guests)) != 0;
        fixture_finish(&fixture);
    }
    if (kpageflags >= 0)
        status |= report(output, "machine", machine, true) != 0;
    fprintf(output, "}}\n");
    close(machine);
    return fclose(output) == 0 ? status : 1;
}
