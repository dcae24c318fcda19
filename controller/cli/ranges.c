/* vmreclaim ranges VM */
#include <inttypes.h>
#include <stdio.h>

#include "common/base/number.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"
#include "controller/json/json.h"

typedef Vmreclaim__Agent__V1__Range Range;

struct totals {
    bool any;
    uint64_t reported;
    uint64_t reportable;
};

/* Above the first row; what failed has none. */
static void print_header(struct totals *totals)
{
    if (!totals->any)
        printf("%-14s  %-14s  %10s  %s\n", "START", "END", "SIZE", "STATE");
    totals->any = true;
}

/* Rows appear as they arrive, so a plain format instead of a table. */
static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListRangesResponse *response = (const void *)message;
    struct totals *totals = userdata;

    print_header(totals);
    for (size_t i = 0; i < response->n_ranges; i++) {
        const Range *range = response->ranges[i];
        char size[32];
        char state[32];
        bool reported = range->state == VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTED;
        if (json_enum_name(&vmreclaim__agent__v1__range_state__descriptor, (int)range->state, state,
                           sizeof(state)) == NULL)
            snprintf(state, sizeof(state), "unknown");
        *(reported ? &totals->reported : &totals->reportable) += range->length;
        printf("0x%012" PRIx64 "  0x%012" PRIx64 "  %10s  %s\n", range->start,
               range->start + range->length, bytes_format_short(range->length, size, sizeof(size)),
               state);
    }
    return EXIT_DONE;
}

/* ---- as a list ---- */

static void get_start(const struct list_row *row, struct list_value *value)
{
    list_text(value, "0x%012" PRIx64, ((const Range *)row->message)->start);
}

static void get_end(const struct list_row *row, struct list_value *value)
{
    const Range *range = (const Range *)row->message;

    list_text(value, "0x%012" PRIx64, range->start + range->length);
}

static const struct list_column columns[] = {
    {"start", "START", LIST_TEXT, 0, NULL, get_start, "its first address in the guest"},
    {"end", "END", LIST_TEXT, 0, NULL, get_end, "the one behind its last"},
    {"size", "SIZE", LIST_BYTES, LIST_SUM, "length", NULL, "of the range"},
    {"state", "STATE", LIST_TEXT, 0, "state", NULL, "reported or reportable"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "ranges", .columns = columns, .total = "ranges", .empty = "Nothing is free."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ListRangesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_RANGES_REQUEST__INIT;
    struct totals totals = {0};
    char reported[32];
    char reportable[32];

    request.vm = operands[0];
    if (!list_flows())
        return list_run_stream(cli, &list, "ListRanges", &request.base);
    int r = client_stream(cli, "ListRanges", &request.base, print, &totals);
    if (r != EXIT_DONE || cli->json)
        return r;
    print_header(&totals);
    printf("reported %s, reportable %s\n",
           bytes_format_short(totals.reported, reported, sizeof(reported)),
           bytes_format_short(totals.reportable, reportable, sizeof(reportable)));
    return r;
}

const struct command command_ranges = {
    .name = "ranges",
    .operands = "VM",
    .operand_count = 1,
    .list = &list,
    .summary = "which guest-physical memory is free or returned",
    .description =
        "Lists the guest-physical ranges, in whole pageblocks, that are free: `reported` ones are\n"
        "returned to the host, `reportable` ones wait for the kernel's next reporting pass. Free\n"
        "memory in smaller pieces is not listed. With --json, one document per line.",
    .example = "vmreclaim ranges web1",
    .see_also = "explain",
    .timeout = 60 * NSEC_PER_SEC,
    .run = run,
};
