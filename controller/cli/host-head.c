/* The host itself, as text. */
#include "controller/cli/host-head.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/bar.h"
#include "controller/cli/cli.h"

enum { BAR_WIDTH_MIN = 30, BAR_WIDTH_MAX = 92, LABEL_WIDTH = 8 };

static double percent(uint32_t permyriad)
{
    return (double)permyriad / 100;
}

static void print_pressure(const Host *host)
{
    if (host->pressure_is_known)
        printf(" Tasks waited for memory %.1f %% of the last ten seconds, all of them %.1f %%.",
               percent(host->pressure_some_permyriad), percent(host->pressure_full_permyriad));
}

static void print_swap(const Host *host)
{
    if (host->swap_total != 0)
        printf(" %s of %s of swap are used.",
               BYTES_TEXT(saturating_subtract(host->swap_total, host->swap_free)),
               BYTES_TEXT(host->swap_total));
    if (host->zswap_stored != 0)
        printf(" zswap keeps %s of it in %s.", BYTES_TEXT(host->zswap_stored),
               BYTES_TEXT(host->zswap_pool));
    if (host->ksm_saved != 0)
        printf(" KSM saves %s.", BYTES_TEXT(host->ksm_saved));
}

static void print_nodes(const Host *host)
{
    if (host->n_nodes < 2)
        return;
    fputs("Free by NUMA node:", stdout);
    for (size_t i = 0; i < host->n_nodes; i++)
        printf("%s %u: %s of %s", i == 0 ? "" : ",", host->nodes[i]->id,
               BYTES_TEXT(host->nodes[i]->free), BYTES_TEXT(host->nodes[i]->total));
    puts(".");
}

static void print_arbiter(const Host *host)
{
    if (strcmp(host->arbiter, "on") != 0)
        fputs("The arbiter is off.", stdout);
    else
        printf("The arbiter is on: it takes below %s available, and gives back above %s.",
               BYTES_TEXT(host->low), BYTES_TEXT(host->high));
    if (host->reserved != 0)
        printf(" %s are reserved.", BYTES_TEXT(host->reserved));
    putchar('\n');
}

void host_print_head(const Host *host)
{
    if (host == NULL)
        return;
    if (host->problem[0] != '\0') {
        fputs("The host cannot be read: ", stdout);
        print_text(host->problem);
        putchar('\n');
    }
    if (host->total != 0) {
        printf("%s %s, %s of it available.", host->is_cgroup ? "The host's cgroup has" : "It has",
               BYTES_TEXT(host->total), BYTES_TEXT(host->available));
        print_pressure(host);
        print_swap(host);
        putchar('\n');
    }
    print_nodes(host);
    print_arbiter(host);
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
    printf("host   %s\n\n", buffer);
}
