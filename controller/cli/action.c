/* Actions as sentences: what the guest did, what reached the host, and if nothing, why. */
#include "controller/cli/action.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/time.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"
#include "controller/json/json.h"

const char *action_outcome(const ActionResult *guest)
{
    switch ((int)guest->outcome) {
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE:
        return "done";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO:
        return "nothing to do";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT:
        return "stopped at the time limit";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE:
        return "stopped: the guest is short of memory";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY:
        return "stopped: the guest is busy";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_CANCELLED:
        return "cancelled";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED:
        return "the guest's kernel cannot";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY:
        return "forbidden by the guest's policy";
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FAILED:
        return "failed";
    default:
        return "unknown outcome";
    }
}

int action_exit_code(const Action *action)
{
    /* A balloon's: words without a code say why its lease is not what was asked for. */
    if (action->guest == NULL && action->footprint_before != 0 && action->reason[0] != '\0' &&
        action->reason_code[0] == '\0')
        return EXIT_PARTIAL;
    if (action->guest == NULL)
        return EXIT_DONE;
    switch ((int)action->guest->outcome) {
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO:
        return EXIT_DONE;
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_CANCELLED:
        return EXIT_PARTIAL;
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED:
        return EXIT_REFUSED;
    default:
        return EXIT_FAILED;
    }
}

/* "  cache    2.0 GiB -> 130.0 MiB"; nothing when both are the same. */
static void add_change(struct table *table, const char *name, uint64_t before, uint64_t after)
{
    if (before == after)
        return;
    table_row(table);
    table_cell(table, "  %s", name);
    table_bytes(table, true, before);
    table_cell(table, "->");
    table_bytes(table, true, after);
}

/* What the guest and the host had before and after. */
static void print_changes(const Action *action)
{
    static const struct table_column columns[] = {
        {"", 0}, {"", TABLE_RIGHT}, {"", 0}, {"", TABLE_RIGHT}};
    const ActionResult *guest = action->guest;
    struct table table;

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    if (guest != NULL) {
        add_change(&table, "free", guest->free_before, guest->free_after);
        add_change(&table, "cache", guest->cache_before, guest->cache_after);
        add_change(&table, "trapped", guest->trapped_before, guest->trapped_after);
        add_change(&table, "reported", guest->reported_before, guest->reported_after);
    }
    add_change(&table, "footprint", action->footprint_before, action->footprint_after);
    (void)table_finish(&table, NULL);
}

static void print_signed(const char *before, int64_t bytes, const char *after)
{
    char text[32];
    uint64_t size = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

    printf("%s%s%s%s", before, bytes < 0 ? "-" : "", bytes_format_short(size, text, sizeof(text)),
           after);
}

static void print_confidence(const Action *action)
{
    char name[32];

    if (action->confidence == 0 ||
        json_enum_name(&vmreclaim__controller__v1__confidence__descriptor, (int)action->confidence,
                       name, sizeof(name)) == NULL)
        return;
    printf(" (confidence: %s)", name);
}

static void print_host(const Action *action)
{
    if (action->footprint_before == 0)
        return;
    print_signed("returned to the host: ", action->host_returned, "");
    if (action->share_of != 0)
        fputs(", its share of a run of the guest's own actions", stdout);
    if (action->drift != 0)
        print_signed(", drift of ", action->drift, " taken off");
    print_confidence(action);
    putchar('\n');
    if (action->checked_again)
        print_signed("ten minutes later: ", action->host_returned_later, "\n");
}

/* "now: 440.0 MiB of it": what verify measured. */
static void print_now(const ActionResponse *response)
{
    if (response->now_is_known)
        print_signed("as measured now: ", response->host_returned_now, "\n");
}

static void print_reason(const Action *action)
{
    char text[640];

    if (action->reason[0] == '\0')
        return;
    text_format(text, sizeof(text), "%s%s%s%s", action->reason,
                action->reason_code[0] == '\0' ? "" : " [", action->reason_code,
                action->reason_code[0] == '\0' ? "" : "]");
    (void)print_wrapped(action->footprint_before == 0 ? "not measured:" : "why not more:", text);
}

/* "compact web1: done (1.2 s, 0.10 s of guest CPU, action 41c2...)" */
static void print_head(const Action *action)
{
    char text[640];
    char cpu[48] = "";

    if (action->guest != NULL && action->guest->cpu_ns != 0)
        snprintf(cpu, sizeof(cpu), ", %.2f s of guest CPU", (double)action->guest->cpu_ns / 1e9);
    text_format(text, sizeof(text), "%s %s%s%s%s%s (%.1f s%s, action %s)", action->kind, action->vm,
                action->guest == NULL ? "" : ": ",
                action->guest == NULL ? "" : action_outcome(action->guest),
                action->guest == NULL || action->guest->reason[0] == '\0' ? "" : ": ",
                action->guest == NULL ? "" : action->guest->reason,
                (double)action->duration_ns / 1e9, cpu, action->id);
    text_make_safe(text, TEXT_ONE_LINE);
    text_wrap(text, min_of(terminal_width(), (size_t)READABLE_WIDTH), 0);
    print_lines(text);
    putchar('\n');
}

static void print_action(const Action *action)
{
    print_head(action);
    print_changes(action);
    print_host(action);
    print_reason(action);
}

int action_print(const ProtobufCMessage *message, void *userdata)
{
    const ActionResponse *response = (const void *)message;

    if (response->action == NULL)
        return fail(EXIT_FAILED, "the daemon answered without an action");
    print_action(response->action);
    print_now(response);
    return action_exit_code(response->action);
}

static int print_as_json(const ProtobufCMessage *message, void *userdata)
{
    const ActionResponse *response = (const void *)message;

    int r = print_json(message);
    if (r != EXIT_DONE || response->action == NULL)
        return r;
    return action_exit_code(response->action);
}

int action_run_one(struct cli *cli, const char *method, const ProtobufCMessage *request)
{
    return client_fetch(cli, method, request, cli->json ? print_as_json : action_print, NULL);
}
