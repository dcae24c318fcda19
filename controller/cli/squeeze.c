/* vmreclaim squeeze VM... */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/dry-run.h"
#include "controller/cli/interrupt.h"
#include "controller/cli/selector.h"
#include "controller/cli/squeezing.h"

static uint64_t size;
static nsec_t within;
static bool drop;
static bool is_dry;
static bool hold;
static nsec_t hold_time;

static bool as_json;
static bool is_live; /* standard output is a terminal */
static struct squeezed *list;
static size_t count; /* of the VMs that were heard of */
static size_t count_max;

/* ---- what comes ---- */

static struct squeezed *find(const char *vm)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].vm, vm) == 0)
            return &list[i];
    if (count == count_max)
        return &list[count - 1]; /* it has another name now */
    text_copy_line(list[count].vm, sizeof(list[count].vm), vm);
    return &list[count++];
}

static size_t count_ended(void)
{
    size_t ended = 0;

    for (size_t i = 0; i < count; i++)
        ended += list[i].is_over;
    return ended;
}

static void show_progress(const Squeeze *squeeze)
{
    char line[256];

    squeezing_format_line(squeeze, line, sizeof(line));
    if (count_max > 1)
        text_format(line + strlen(line), sizeof(line) - strlen(line), "  (%zu of %zu ready)",
                    count_ended(), count_max);
    text_make_safe(line, TEXT_ONE_LINE);
    printf("\r\033[K%.*s", (int)text_fit(line, strlen(line), terminal_width() - 1), line);
}

static void show_steps(const Squeeze *squeeze, struct squeezed *known)
{
    for (; known->said < squeeze->n_steps && squeeze->steps[known->said]->finished; known->said++)
        squeezing_print_step(squeeze->vm, squeeze->steps[known->said]);
}

static int show(const Squeeze *squeeze, struct squeezed *known)
{
    int r = EXIT_DONE;

    if (!known->is_over && squeeze->end[0] == '\0') {
        if (is_live)
            show_progress(squeeze);
        else
            show_steps(squeeze, known);
        return EXIT_DONE;
    }
    if (!known->is_over) {
        if (is_live)
            fputs("\r\033[K", stdout);
        r = squeezing_print_end(squeeze);
        if (known->is_held)
            squeezing_print_lease(squeeze);
    } else if (known->has_ended && squeeze->held != 0) {
        squeezing_print_back(squeeze);
    }
    return r;
}

static int on_message(const ProtobufCMessage *message, void *userdata)
{
    const Squeeze *squeeze = (const void *)message;
    struct squeezed *known = find(squeeze->vm);
    char interrupt_text[320];
    int r;

    known->is_held = squeezing_is_held(squeeze);
    known->has_ended =
        squeeze->phase == VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_ENDED;
    r = as_json ? print_json(message) : show(squeeze, known);
    if (squeeze->end[0] != '\0') {
        known->is_over = true;
        known->code = squeezing_exit_code(squeeze, size);
    }
    squeezing_format_interrupt(list, count, interrupt_text, sizeof(interrupt_text));
    interrupt_say(interrupt_text);
    return r;
}

/* ---- the command ---- */

/* One code for all VMs; different ones are a part. */
static int code_of_all(void)
{
    int code = count == 0 ? EXIT_FAILED : list[0].code;

    for (size_t i = 1; i < count; i++)
        if (list[i].code != code)
            return EXIT_PARTIAL;
    return code;
}

static void set_request(Vmreclaim__Controller__V1__SqueezeVmsRequest *request)
{
    request->size = size;
    request->time_limit_ns = within;
    request->drop = drop;
    request->hold = hold;
    request->hold_ns = hold_time;
}

static int squeeze(struct cli *cli, const struct selected *selected)
{
    Vmreclaim__Controller__V1__SqueezeVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    struct cli plain = *cli;
    int r;

    count_max = selected->count;
    list = calloc(count_max, sizeof(*list));
    if (list == NULL)
        return fail(EXIT_FAILED, "out of memory");
    request.vms = selected->names;
    request.n_vms = count_max;
    set_request(&request);
    as_json = cli->json;
    is_live = !as_json && isatty(STDOUT_FILENO);
    plain.json = false;
    r = client_stream(&plain, "SqueezeVms", &request.base, on_message, NULL);
    if (r == EXIT_DONE)
        r = code_of_all();
    free(list);
    return r;
}

static int plan_it(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__PlanActionRequest plan =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;
    Vmreclaim__Controller__V1__SqueezeVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;

    set_request(&request);
    plan.squeeze = &request;
    return dry_run(cli, "squeeze", &plan, operands);
}

static int run(struct cli *cli, char **operands)
{
    struct selected selected;
    int r;

    if (hold_time != 0 && !hold)
        return fail(EXIT_USAGE, "squeeze: --for is of --hold: how long the guest is kept small");
    if (is_dry)
        return plan_it(cli, operands);
    r = selector_take(cli, "squeeze", operands, &selected);

    if (r == EXIT_DONE)
        r = squeeze(cli, &selected);
    selected_finish(&selected);
    return r;
}

static const struct command_option options[] = {
    {"to", 0, OPTION_BYTES, "SIZE", "stop when the host holds no more than SIZE", &size, NULL},
    {"within", 0, OPTION_DURATION, "D", "take memory for at most D (default: 5m)", &within, NULL},
    {"drop", 0, OPTION_FLAG, NULL, "drop all clean cache, too, hot or cold", &drop, NULL},
    {"hold", 0, OPTION_FLAG, NULL, "then keep the guest small, and wait until it is not", &hold,
     NULL},
    {"for", 0, OPTION_DURATION, "D", "hold for D (default: until released)", &hold_time, NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_squeeze = {
    .name = "squeeze",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "make VMs as small as they get, before a snapshot or a migration",
    .description =
        "Takes every step that brings memory back, in the right order: cold cache, compaction, a\n"
        "lower reporting order for a while; where free pages are not reported, a pulse. Each is\n"
        "an action with a record. Shows what each returned and how small the VM is now. The\n"
        "guest's settings are put back. An interrupt ends it after the step under way. --hold\n"
        "keeps the guest small with its balloon, under a lease, and says when it is back to size.",
    .example = "vmreclaim squeeze web1 --within 1m",
    .see_also = "reclaim, compact, reporting and pulse, the steps; release; explain",
    .options = options,
    .timeout = NSEC_INFINITY,
    .trace = "vmreclaim actions",
    .run = run,
};
