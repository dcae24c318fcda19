/* The waterfall as two bars and a table. The upper bar is the guest's memory by part, the lower one
 * what the host holds of it. Both are as wide as the VM's memory. */
#include "controller/cli/waterfall.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "controller/cli/bar.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"

enum { BAR_WIDTH_MIN = 30, BAR_WIDTH_MAX = 92, LABEL_WIDTH = 8 };

/* Width of the terminal less the label. */
static size_t bar_width(void)
{
    size_t width = max_of(terminal_width(), (size_t)BAR_WIDTH_MIN + LABEL_WIDTH) - LABEL_WIDTH;

    return min_of(width, (size_t)BAR_WIDTH_MAX);
}

bool waterfall_host_is_known(const Waterfall *w)
{
    return w->host_is_known || w->footprint != 0;
}

/* The guest's parts, where nobody knows the VM's memory. */
uint64_t waterfall_whole(const Waterfall *w)
{
    if (w->vm_ram != 0)
        return w->vm_ram;
    return w->in_use + w->cache + w->trapped + w->percpu + w->reportable + w->reported;
}

static void print_bars(const Waterfall *w)
{
    char buffer[BAR_WIDTH_MAX + 1];
    const struct bar_part guest[] = {
        {'U', w->in_use}, {'k', w->unmanaged},  {'C', w->cache},    {'T', w->trapped},
        {'p', w->percpu}, {'f', w->reportable}, {'r', w->reported}, {'b', w->balloon},
    };
    const struct bar_part host[] = {{'#', w->footprint}, {'s', w->swapped}};
    uint64_t whole = waterfall_whole(w);

    if (w->guest_is_known) {
        bar_draw(guest, ARRAY_SIZE(guest), whole, bar_width(), buffer);
        printf("guest  %s\n", buffer);
    }
    if (waterfall_host_is_known(w)) {
        bar_draw(host, ARRAY_SIZE(host), whole, bar_width(), buffer);
        printf("host   %s\n", buffer);
    }
    putchar('\n');
}

/* Takes what is not on the host out of the parts, from the last on. A guest's untouched memory is
 * in its largest free blocks, what has left the host was free, and what is in use is on it. */
static void take_absent(struct bar_part *parts, size_t count, uint64_t absent)
{
    while (count-- > 0 && absent > 0) {
        uint64_t taken = min_of(parts[count].bytes, absent);

        parts[count].bytes -= taken;
        absent -= taken;
    }
}

size_t waterfall_held_parts(const Waterfall *w, struct bar_part parts[static WATERFALL_PARTS_MAX])
{
    const struct bar_part known[WATERFALL_PARTS_MAX] = {
        {'U', w->in_use},
        {'k', w->unmanaged},
        {'C', w->cache},
        {'T', w->trapped},
        {'p', w->percpu},
        {'f', w->reportable},
        {'?', w->remainder > 0 ? (uint64_t)w->remainder : 0},
    };

    if (!w->guest_is_known) {
        parts[0] = (struct bar_part){'#', w->footprint};
        return 1;
    }
    memcpy(parts, known, sizeof(known));
    take_absent(parts, WATERFALL_PARTS_MAX, w->remainder < 0 ? 0 - (uint64_t)w->remainder : 0);
    return WATERFALL_PARTS_MAX;
}

struct part_row {
    const char *letter;
    const char *name;
    uint64_t bytes;
    const char *meaning;
    bool is_unknown;
};

static void add_row(struct table *table, const struct part_row *row)
{
    if (row->bytes == 0 && !row->is_unknown)
        return;
    table_row(table);
    table_cell(table, "%s", row->letter);
    table_cell(table, "%s", row->name);
    table_bytes(table, !row->is_unknown, row->bytes);
    table_cell(table, "%s", row->meaning);
}

/* File pages that the guest could not give up now. */
static uint64_t file_in_use(const MemorySample *guest)
{
    uint64_t file = guest->active_file + guest->inactive_file + guest->slab_reclaimable;

    return saturating_subtract(file, guest->cache);
}

static void add_guest_rows(struct table *table, const Waterfall *w)
{
    static const MemorySample none = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;
    const MemorySample *guest = w->guest == NULL ? &none : w->guest;
    const struct part_row rows[] = {
        {"U", "in use", w->in_use, "processes and kernel of the guest", false},
        {"", "  anonymous", guest->anon, "of processes", false},
        {"", "  shmem, tmpfs", guest->shmem, "goes when its files are deleted", false},
        {"", "  file pages", file_in_use(guest), "mapped, or not written yet", false},
        {"", "  huge page pool", guest->hugetlb, "reserved, used or not", false},
        {"", "  slab", guest->slab_unreclaimable, "of the kernel", false},
        {"", "  kernel", guest->kernel, "stacks and page tables", false},
        {"", "  zram", guest->zram, "compressed swap", false},
        {"", "  ZFS ARC", guest->zfs_arc, "cache that the kernel does not count as such", false},
        {"", "  other", guest->vmalloc_and_other, "no part explains it", false},
        {"k", "unmanaged", w->unmanaged, "kernel image and page structures, holes", false},
        {"C", "cache", w->cache, "the guest could give it up now", false},
        {"T", "trapped", w->trapped, "free, in pieces too small to report", false},
        {"p", "per-CPU", w->percpu, "free, parked in per-CPU lists", false},
        {"f", "reportable", w->reportable, "free, not yet reported", false},
        {"", "  held back", w->held_back, "of it, kept by the zone's watermark", false},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        add_row(table, &rows[i]);
}

static bool is_noise(const Waterfall *w, uint64_t size)
{
    return size <= max_of(32 * MIB, w->footprint / 100 * 3);
}

/* What a remainder of this size means. */
static const char *remainder_meaning(const Waterfall *w, uint64_t size)
{
    if (is_noise(w, size))
        return "what measuring two sides can miss";
    if (w->remainder > 0)
        return "on the host, though no part of the guest needs it";
    if (w->swapped >= size / 2)
        return "of the above, in the host's swap";
    return "of the above, not on the host";
}

/* Of that. More than its memory less the highest footprint a guest cannot have left untouched. */
static void add_absent(struct table *table, const Vm *vm, uint64_t size)
{
    const Waterfall *w = vm->waterfall;
    uint64_t touched = vm->host == NULL ? 0 : vm->host->touched;
    uint64_t never = min_of(size, saturating_subtract(w->vm_ram, touched));
    const struct part_row rows[] = {
        {"", "  never touched", never, "at most", false},
        {"", "  left the host", size - never, "at least: was there, not used since", false},
    };

    if (touched == 0 || w->vm_ram == 0 || w->remainder >= 0 || w->swapped >= size / 2 ||
        is_noise(w, size))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        add_row(table, &rows[i]);
}

static void add_remainder(struct table *table, const Vm *vm)
{
    const Waterfall *w = vm->waterfall;
    char text[32];
    uint64_t size = w->remainder < 0 ? 0 - (uint64_t)w->remainder : (uint64_t)w->remainder;

    if (!waterfall_host_is_known(w) || w->vm_ram == 0)
        return;
    table_row(table);
    table_cell(table, "%s", "");
    table_cell(table, "%s", "remainder");
    table_cell(table, "%s%s", w->remainder < 0 ? "-" : "",
               bytes_format_short(size, text, sizeof(text)));
    table_cell(table, "%s", remainder_meaning(w, size));
    add_absent(table, vm, size);
}

/* Why nothing is known of the hypervisor and its process. */
static const char *unknown_host(const Vm *vm)
{
    return strcmp(vm->driver_state, "ready") == 0 ? "not known: its process cannot be read"
                                                  : vm->driver_state;
}

int waterfall_print(const Vm *vm)
{
    const Waterfall *w = vm->waterfall;
    bool is_known = waterfall_host_is_known(w);
    static const struct table_column columns[] = {
        {"", 0}, {"PART", 0}, {"SIZE", TABLE_RIGHT}, {"", TABLE_WRAP}};
    const struct part_row host[] = {
        {"#", "footprint", w->footprint,
         !is_known           ? unknown_host(vm)
         : w->guest_is_known ? "what the host holds: the sum of the above"
                             : "what the host holds for this VM",
         !is_known},
        {"r", "reported", w->guest_is_known ? w->reported : 0,
         w->reported_is_known ? "free and given back: not on the host"
                              : "not known: the guest's kernel shows no marks",
         w->guest_is_known && !w->reported_is_known && w->reported == 0},
        {"b", "balloon", w->balloon,
         w->balloon_is_known ? "taken from the guest" : unknown_host(vm),
         !w->balloon_is_known && w->balloon == 0},
        {"s", "swapped", w->swapped, "of the VM, in the host's swap", false},
        {"", "VM memory", w->vm_ram, w->vm_ram != 0 ? "the whole bar" : unknown_host(vm),
         w->vm_ram == 0},
    };
    struct table table;

    print_bars(w);
    table_init(&table, columns, ARRAY_SIZE(columns));
    if (w->guest_is_known) {
        add_guest_rows(&table, w);
        add_remainder(&table, vm);
    }
    for (size_t i = 0; i < ARRAY_SIZE(host); i++)
        add_row(&table, &host[i]);
    return table_finish(&table, "No sample yet.");
}

static void print_field(const char *before, const char *text)
{
    if (text[0] == '\0')
        return;
    fputs(before, stdout);
    print_text(text);
}

/* How old the figures are, where that is not what a person takes them for. */
static void print_ages(const Vm *vm)
{
    const Waterfall *w = vm->waterfall;
    nsec_t age = time_realtime_between(w->time_ns, time_realtime());

    if (w->time_ns != 0 && age >= NSEC_PER_SEC)
        printf(" Measured %.0f s ago.", (double)age / 1e9);
    if (w->guest_is_known && w->skew_ns >= NSEC_PER_SEC)
        printf(" What the guest says is %.0f s older.", (double)w->skew_ns / 1e9);
    if (!w->guest_is_known && vm->last_sample_ns != 0)
        printf(" The guest's last sample is %.0f s old and not shown.",
               (double)time_realtime_between(vm->last_sample_ns, time_realtime()) / 1e9);
}

void waterfall_print_head(const Vm *vm)
{
    char footprint[32];
    char ram[32];

    print_text(vm->name);
    print_field(" · ", vm->state);
    print_field(" · policy ", vm->policy);
    if (vm->policy_revision != 0)
        printf(" (revision %" PRIu64 ")", vm->policy_revision);
    print_field(" · ", vm->engine_state);
    putchar('\n');
    if (vm->alarm[0] != '\0') {
        print_field("STARVED: ", vm->alarm);
        putchar('\n');
    }
    if (vm->waterfall == NULL)
        return;
    if (!waterfall_host_is_known(vm->waterfall))
        print_field("What the host holds for it is not known:\n", unknown_host(vm));
    else if (vm->waterfall->vm_ram == 0)
        printf("The host holds %s for it; what memory it has is not known.",
               bytes_format_short(vm->waterfall->footprint, footprint, sizeof(footprint)));
    else
        printf("The host holds %s for it, of %s.",
               bytes_format_short(vm->waterfall->footprint, footprint, sizeof(footprint)),
               bytes_format_short(vm->waterfall->vm_ram, ram, sizeof(ram)));
    print_ages(vm);
    printf("\n\n");
}
