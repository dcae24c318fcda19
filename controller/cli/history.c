/* vmreclaim history VM: the waterfall over time, one bar per line, with the actions between. */
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/bar.h"
#include "controller/cli/list.h"
#include "controller/cli/messages.h"
#include "controller/cli/waterfall.h"
#include "controller/cli/when.h"

enum { CHART_WIDTH_MIN = 24, CHART_WIDTH_MAX = 96, BESIDE_CHART = 38, LINES_MAX = 4096 };

/* Bars are as wide as the terminal leaves beside time and size. */
static size_t chart_width(void)
{
    size_t width = terminal_width();

    width = saturating_subtract(width, BESIDE_CHART);
    width = max_of(width, (size_t)CHART_WIDTH_MIN);
    return min_of(width, (size_t)CHART_WIDTH_MAX);
}

static nsec_t since = 24 * 3600 * NSEC_PER_SEC;
static uint64_t lines = 24;

static void print_point(const Waterfall *w)
{
    struct bar_part parts[WATERFALL_PARTS_MAX];
    size_t count = waterfall_held_parts(w, parts);
    char bar[CHART_WIDTH_MAX + 1];
    char time[32];
    char size[32];

    bar_draw(parts, count, waterfall_whole(w), chart_width(), bar);
    printf("%s  %s  %9s\n", when_format(w->time_ns, time, sizeof(time)), bar,
           waterfall_host_is_known(w) ? bytes_format_short(w->footprint, size, sizeof(size)) : "-");
}

static void print_action(const Action *action)
{
    char time[32];
    char size[32];
    bool grew = action->host_returned < 0;
    uint64_t bytes = grew ? 0 - (uint64_t)action->host_returned : (uint64_t)action->host_returned;

    printf("%s    > ", when_format(action->started_ns, time, sizeof(time)));
    print_text(action->kind);
    fputs(" by ", stdout);
    print_text(action->asked_by);
    if (!action->finished)
        fputs(": running", stdout);
    else if (action->footprint_before == 0)
        fputs(": not measured", stdout);
    else
        printf(": host got %s%s", grew ? "-" : "", bytes_format_short(bytes, size, sizeof(size)));
    if (action->reason_code[0] != '\0') {
        fputs(", ", stdout);
        print_text(action->reason_code);
    }
    putchar('\n');
}

/* Above the first bar; what failed has none. */
static void print_legend(void)
{
    puts("U in use  k unmanaged  C cache  T trapped  p per-CPU  f reportable\n"
         "? unexplained  # no agent to say what for  . not on the host");
}

/* Of all messages of the answer. */
struct shown {
    bool any;
    bool left_out; /* older actions */
};

/* Points and actions of one message are ascending; they are merged by time. */
static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetHistoryResponse *part = (const void *)message;
    struct shown *shown = userdata;
    size_t action = 0;

    shown->left_out = shown->left_out || part->actions_left_out;
    if (!shown->any && (part->n_points > 0 || part->n_actions > 0))
        print_legend();
    shown->any = shown->any || part->n_points > 0 || part->n_actions > 0;
    for (size_t point = 0; point < part->n_points; point++) {
        while (action < part->n_actions &&
               part->actions[action]->started_ns < part->points[point]->time_ns)
            print_action(part->actions[action++]);
        print_point(part->points[point]);
    }
    while (action < part->n_actions)
        print_action(part->actions[action++]);
    return EXIT_DONE;
}

static const struct list_column columns[] = {
    {"time", "TIME", LIST_TIME, 0, "time_ns", NULL, "when it was measured"},
    {"footprint", "FOOTPRINT", LIST_BYTES, 0, "footprint", NULL, "what the host held for it"},
    {"swapped", "SWAPPED", LIST_BYTES, LIST_BY_KEY, "swapped", NULL, "in the host's swap"},
    {"memory", "MEMORY", LIST_BYTES, LIST_BY_KEY, "vm_ram", NULL, "what it was given"},
    {"in-use", "IN USE", LIST_BYTES, 0, "in_use", NULL, "by its processes and kernel"},
    {"cache", "CACHE", LIST_BYTES, 0, "cache", NULL, "that the guest could give up"},
    {"trapped", "TRAPPED", LIST_BYTES, 0, "trapped", NULL, "free, in pieces too small to return"},
    {"per-cpu", "PER-CPU", LIST_BYTES, LIST_WIDE, "percpu", NULL, "free, parked in per-CPU lists"},
    {"reportable", "REPORTABLE", LIST_BYTES, LIST_WIDE, "reportable", NULL,
     "free, and not reported yet"},
    {"reported", "REPORTED", LIST_BYTES, 0, "reported", NULL, "free and returned"},
    {"balloon", "BALLOON", LIST_BYTES, LIST_WIDE, "balloon", NULL, "taken from the guest by it"},
    {"remainder", "REMAINDER", LIST_BYTES, LIST_WIDE, "remainder", NULL,
     "what the parts do not explain"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

static const struct list list = {
    .rows = "points", .columns = columns, .empty = "Nothing was recorded in this time."};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__GetHistoryRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_REQUEST__INIT;
    struct shown shown = {0};

    if (lines == 0 || lines > LINES_MAX)
        return fail(EXIT_USAGE, "history: --lines: between 1 and %d", LINES_MAX);
    request.vm = operands[0];
    request.since_ns = time_realtime_before(time_realtime(), since);
    request.points = (uint32_t)lines;
    request.actions = (uint32_t)lines;
    if (!list_flows())
        return list_run_stream(cli, &list, "GetHistory", &request.base);
    int r = client_stream(cli, "GetHistory", &request.base, print, &shown);
    if (r == EXIT_DONE && !shown.any && !cli->json)
        puts("Nothing was recorded in this time.");
    if (r == EXIT_DONE && shown.left_out && !cli->json)
        puts("Older actions are left out; ask for a shorter time, or for more lines.");
    return r;
}

static const struct command_option options[] = {
    {"since", 0, OPTION_DURATION, "D", "how far back (default 1d)", &since, NULL},
    {"lines", 'n', OPTION_NUMBER, "N", "at most N bars, and the newest N actions (default 24)",
     &lines, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_history = {
    .name = "history",
    .operands = "VM",
    .operand_count = 1,
    .list = &list,
    .summary = "where a VM's memory was, over time, and what was done",
    .description =
        "Draws one bar per moment: what of the VM's memory the host held, by part, as wide as the\n"
        "VM. Actions stand between the bars they came between. Every minute is kept for a day,\n"
        "every ten minutes for two weeks, every hour for a year. With -o wide, or with columns or\n"
        "an order, a table of the figures instead.",
    .example = "vmreclaim history web1 --since 2h",
    .see_also = "actions; explain, for now",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
