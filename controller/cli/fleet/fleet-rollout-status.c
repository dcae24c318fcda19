/* vmreclaim fleet rollout status */
#include <stdio.h>

#include "controller/cli/fleet/fleet.h"
#include "controller/cli/list.h"
#include "controller/cli/when.h"

static void get_state(const struct list_row *row, struct list_value *value)
{
    const Rollout *rollout = (const Rollout *)row->message;

    list_text(value, "%s", fleet_state_name(rollout->state));
    if (rollout->state == VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_PAUSED)
        value->color = COLOR_WARNING;
    else if (rollout->state == VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_REVERTING ||
             rollout->state == VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_REVERTED)
        value->color = COLOR_BAD;
}

static void get_wave(const struct list_row *row, struct list_value *value)
{
    const Rollout *rollout = (const Rollout *)row->message;

    fleet_wave_name(rollout, rollout->wave, value->text, sizeof(value->text));
    value->is_known = true;
}

static const struct list_column columns[] = {
    {"id", "ID", LIST_TEXT, LIST_NAME, "id", NULL, "for pause, resume, abort and rollback"},
    {"policy", "POLICY", LIST_TEXT, LIST_SHORTEN, "policy", NULL, "what is rolled out"},
    {"state", "STATE", LIST_TEXT, 0, NULL, get_state, "where it is"},
    {"wave", "WAVE", LIST_TEXT, 0, NULL, get_wave, "the canary, or a part of the hosts"},
    {"since", "SINCE", LIST_SHORT_TIME, 0, "since_ns", NULL, "it is in this state"},
    {"to", "TO", LIST_TEXT, LIST_WIDE | LIST_SHORTEN, "host_selector", NULL, "which hosts"},
    {"author", "AUTHOR", LIST_TEXT, LIST_WIDE, "author", NULL, "who started it"},
    {"created", "CREATED", LIST_TIME, LIST_WIDE, "created_ns", NULL, "when"},
    {"reason", "REASON", LIST_TEXT, LIST_WRAP, "reason", NULL, "why it waits or went back"},
    {NULL, NULL, LIST_TEXT, 0, NULL, NULL, NULL},
};

/* Of a single one its steps as well. */
static int print_history(const ProtobufCMessage *answer)
{
    const Vmreclaim__Fleet__V1__ListRolloutsResponse *response = (const void *)answer;
    const Rollout *rollout;

    if (response->n_rollouts != 1)
        return EXIT_DONE;
    rollout = response->rollouts[0];
    printf("\n%zu hosts chosen, %zu more on return; who has it: fleet policy show\n",
           rollout->n_hosts, rollout->n_late);
    for (size_t i = 0; i < rollout->n_gate_states; i++) {
        if (rollout->gate_states[i]->text[0] == '\0')
            continue;
        fputs("  ", stdout);
        print_text(rollout->gate_states[i]->text);
        putchar('\n');
    }
    for (size_t i = 0; i < rollout->n_history; i++) {
        print_text(rollout->history[i]);
        putchar('\n');
    }
    return EXIT_DONE;
}

static const struct list list = {.rows = "rollouts",
                                 .columns = columns,
                                 .empty = "Nothing was rolled out yet.",
                                 .after = print_history};

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Fleet__V1__ListRolloutsRequest request =
        VMRECLAIM__FLEET__V1__LIST_ROLLOUTS_REQUEST__INIT;
    struct cli fleet = fleet_cli(cli);

    request.id = operands[0] == NULL ? (char *)"" : operands[0];
    request.with_hosts = true; /* how many: of one */
    return list_run(&fleet, &list, "ListRollouts", &request.base, UINT64_MAX);
}

const struct command command_fleet_rollout_status = {
    .name = "fleet rollout status",
    .operands = "ID",
    .operand_count = 1,
    .operands_may_lack = true,
    .list = &list,
    .summary = "where the fleet's rollouts are, and why",
    .description = "The newest first. Of one, by its ID or the beginning of it, also how many\n"
                   "hosts its waves have chosen so far, what its gates measured, and each step.",
    .example = "vmreclaim fleet rollout status -w",
    .see_also = "fleet rollout start; fleet rollout pause, resume, abort and rollback",
    .run = run,
};
