/* The host itself, as text. */
#include "controller/cli/host-head.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/bar.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"

enum { BAR_WIDTH_MIN = 30, BAR_WIDTH_MAX = 92, LABEL_WIDTH = 8 };

static double percent(uint32_t permyriad)
{
    return (double)permyriad / 100;
}

static void add_memory(struct table *table, const Host *host)
{
    table_row(table);
    table_cell(table, "%s", host->is_cgroup ? "cgroup" : "memory");
    if (host->total == 0)
        table_cell(table, "not known: %s", host->problem);
    else
        table_cell(table, "%s, available %s", BYTES_TEXT(host->total), BYTES_TEXT(host->available));
}

static void add_pressure(struct table *table, const Host *host)
{
    if (!host->pressure_is_known)
        return;
    table_row(table);
    table_cell(table, "pressure");
    table_cell(table, "some task waited for memory %.1f %% of ten seconds, all did %.1f %%",
               percent(host->pressure_some_permyriad), percent(host->pressure_full_permyriad));
}

static void add_swap(struct table *table, const Host *host)
{
    uint64_t used = saturating_subtract(host->swap_total, host->swap_free);

    if (host->swap_total == 0)
        return;
    table_row(table);
    table_cell(table, "swap");
    if (host->zswap_stored != 0)
        table_cell(table, "%s of %s used; zswap keeps %s of it in %s", BYTES_TEXT(used),
                   BYTES_TEXT(host->swap_total), BYTES_TEXT(host->zswap_stored),
                   BYTES_TEXT(host->zswap_pool));
    else
        table_cell(table, "%s of %s used", BYTES_TEXT(used), BYTES_TEXT(host->swap_total));
}

static void add_ksm(struct table *table, const Host *host)
{
    if (host->ksm_saved == 0)
        return;
    table_row(table);
    table_cell(table, "KSM");
    table_cell(table, "saves %s", BYTES_TEXT(host->ksm_saved));
}

static void add_nodes(struct table *table, const Host *host)
{
    for (size_t i = 0; host->n_nodes > 1 && i < host->n_nodes; i++) {
        table_row(table);
        table_cell(table, "NUMA node %u", host->nodes[i]->id);
        table_cell(table, "%s of %s free", BYTES_TEXT(host->nodes[i]->free),
                   BYTES_TEXT(host->nodes[i]->total));
    }
}

static void add_bytes(struct table *table, const char *name, uint64_t bytes, const char *meaning)
{
    if (bytes == 0)
        return;
    table_row(table);
    table_cell(table, "%s", name);
    table_cell(table, "%s%s", BYTES_TEXT(bytes), meaning);
}

static void add_arbiter(struct table *table, const Host *host)
{
    table_row(table);
    table_cell(table, "arbiter");
    if (strcmp(host->arbiter, "on") != 0 || host->high == 0)
        table_cell(table, "%s", host->arbiter);
    else
        table_cell(table, "on%s%s: below %s available it takes, until %s",
                   host->arbiter_state[0] == '\0' ? "" : ", ", host->arbiter_state,
                   BYTES_TEXT(host->low), BYTES_TEXT(host->high));
    add_bytes(table, "on its way", host->coming, ", asked for and not back yet");
    add_bytes(table, "takeable", host->takeable, " at most, by all steps together");
    add_bytes(table, "floors", host->floors_missing, " more than the host has for them");
    add_bytes(table, "reserved", host->reserved, "");
}

int host_print_head(const Host *host, const char *vms)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    struct table table;

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    if (host != NULL) {
        add_memory(&table, host);
        add_pressure(&table, host);
        add_swap(&table, host);
        add_ksm(&table, host);
        add_nodes(&table, host);
        add_arbiter(&table, host);
    }
    if (vms != NULL) {
        table_row(&table);
        table_cell(&table, "VMs");
        table_cell(&table, "%s", vms);
    }
    return table_finish(&table, NULL);
}

/* Width of the terminal less the label. */
static size_t bar_width(void)
{
    size_t width = max_of(terminal_width(), (size_t)BAR_WIDTH_MIN + LABEL_WIDTH) - LABEL_WIDTH;

    return min_of(width, (size_t)BAR_WIDTH_MAX);
}

void host_print_bar(const Host *host, uint64_t footprint)
{
    char buffer[BAR_WIDTH_MAX + 1];
    struct bar_part parts[] = {{'V', footprint}, {'o', 0}};

    if (host == NULL || host->total == 0)
        return;
    parts[1].bytes = saturating_subtract(host->total, host->available + footprint);
    bar_draw(parts, ARRAY_SIZE(parts), host->total, bar_width(), buffer);
    printf("\nhost   %s\n", buffer);
}
