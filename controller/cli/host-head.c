/* The host itself, as text. */
#include "controller/cli/host-head.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/bar.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"

enum { BAR_WIDTH_MIN = 30, BAR_WIDTH_MAX = 92, LABEL_WIDTH = 8 };

static double percent(uint32_t permyriad)
{
    return (double)permyriad / 100;
}

/* Where rows go. */
struct rows {
    host_head_add add;
    void *userdata;
};

static void add_row(const struct rows *rows, const char *name, const char *format, ...)
    printf_like(3, 4);

static void add_row(const struct rows *rows, const char *name, const char *format, ...)
{
    char value[256];
    va_list arguments;

    va_start(arguments, format);
    text_format_list(value, sizeof(value), format, arguments);
    va_end(arguments);
    rows->add(name, value, rows->userdata);
}

static void add_memory(const struct rows *rows, const Host *host)
{
    const char *name = host->is_cgroup ? "cgroup" : "memory";

    if (host->total == 0)
        add_row(rows, name, "not known: %s", host->problem);
    else
        add_row(rows, name, "%s, available %s", BYTES_TEXT(host->total),
                BYTES_TEXT(host->available));
}

static void add_pressure(const struct rows *rows, const Host *host)
{
    if (host->pressure_is_known)
        add_row(rows, "pressure",
                "some task waited for memory %.1f %% of ten seconds, all did %.1f %%",
                percent(host->pressure_some_permyriad), percent(host->pressure_full_permyriad));
}

static void add_swap(const struct rows *rows, const Host *host)
{
    uint64_t used = saturating_subtract(host->swap_total, host->swap_free);

    if (host->swap_total == 0)
        return;
    if (host->zswap_stored != 0)
        add_row(rows, "swap", "%s of %s used; zswap keeps %s of it in %s", BYTES_TEXT(used),
                BYTES_TEXT(host->swap_total), BYTES_TEXT(host->zswap_stored),
                BYTES_TEXT(host->zswap_pool));
    else
        add_row(rows, "swap", "%s of %s used", BYTES_TEXT(used), BYTES_TEXT(host->swap_total));
}

static void add_nodes(const struct rows *rows, const Host *host)
{
    char name[32];

    for (size_t i = 0; host->n_nodes > 1 && i < host->n_nodes; i++) {
        snprintf(name, sizeof(name), "NUMA node %u", host->nodes[i]->id);
        add_row(rows, name, "%s of %s free", BYTES_TEXT(host->nodes[i]->free),
                BYTES_TEXT(host->nodes[i]->total));
    }
}

static void add_bytes(const struct rows *rows, const char *name, uint64_t bytes,
                      const char *meaning)
{
    if (bytes != 0)
        add_row(rows, name, "%s%s", BYTES_TEXT(bytes), meaning);
}

static void add_arbiter(const struct rows *rows, const Host *host)
{
    if (strcmp(host->arbiter, "on") != 0 || host->high == 0)
        add_row(rows, "arbiter", "%s", host->arbiter);
    else
        add_row(rows, "arbiter", "on%s%s: below %s available it takes, until %s",
                host->arbiter_state[0] == '\0' ? "" : ", ", host->arbiter_state,
                BYTES_TEXT(host->low), BYTES_TEXT(host->high));
    add_bytes(rows, "on its way", host->coming, ", asked for and not back yet");
    add_bytes(rows, "takeable", host->takeable, " at most, by all steps together");
    add_bytes(rows, "floors", host->floors_missing, " more than the host has for them");
    add_bytes(rows, "reserved", host->reserved, "");
}

void host_head_rows(const Host *host, host_head_add add, void *userdata)
{
    const struct rows rows = {add, userdata};

    add_memory(&rows, host);
    add_pressure(&rows, host);
    add_swap(&rows, host);
    if (host->ksm_saved != 0)
        add_row(&rows, "KSM", "saves %s", BYTES_TEXT(host->ksm_saved));
    add_nodes(&rows, host);
    add_arbiter(&rows, host);
}

static void add_to_table(const char *name, const char *value, void *userdata)
{
    struct table *table = userdata;

    table_row(table);
    table_cell(table, "%s", name);
    table_cell(table, "%s", value);
}

int host_print_head(const Host *host, const char *vms)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    struct table table;

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    if (host != NULL)
        host_head_rows(host, add_to_table, &table);
    if (vms != NULL)
        add_to_table("VMs", vms, &table);
    return table_finish(&table, NULL);
}

/* Width of the terminal less the label. */
static size_t bar_width(void)
{
    size_t width = max_of(terminal_width(), (size_t)BAR_WIDTH_MIN + LABEL_WIDTH) - LABEL_WIDTH;

    return min_of(width, (size_t)BAR_WIDTH_MAX);
}

void host_parts(uint64_t total, uint64_t available, uint64_t footprint,
                struct bar_part parts[static HOST_PARTS_MAX])
{
    parts[0] = (struct bar_part){'V', footprint};
    parts[1] = (struct bar_part){'o', saturating_subtract(total, available + footprint)};
}

void host_print_bar(const Host *host, uint64_t footprint)
{
    char buffer[BAR_WIDTH_MAX + 1];
    struct bar_part parts[HOST_PARTS_MAX];

    if (host == NULL || host->total == 0)
        return;
    host_parts(host->total, host->available, footprint, parts);
    bar_draw(parts, ARRAY_SIZE(parts), host->total, bar_width(), buffer);
    printf("\nhost   %s\n", buffer);
}
