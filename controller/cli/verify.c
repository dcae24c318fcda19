/* vmreclaim verify ACTION */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/cli/action.h"
#include "controller/cli/cli.h"
#include "controller/cli/table.h"

static const char *phase_name(const ActionSample *sample)
{
    switch ((int)sample->phase) {
    case VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE:
        return "before";
    case VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING:
        return "during";
    case VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER:
        return "after";
    case VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_LATER:
        return "later";
    default:
        return "prior";
    }
}

static int print_samples(const Action *action)
{
    static const struct table_column columns[] = {
        {"SAMPLE", 0},
        {"AT", TABLE_RIGHT},
        {"FOOTPRINT", TABLE_RIGHT},
        {"IN USE", TABLE_RIGHT},
        {"CACHE", TABLE_RIGHT},
        {"TRAPPED", TABLE_RIGHT},
        {"REPORTED", TABLE_RIGHT},
    };
    struct table table;

    if (action->n_samples == 0)
        return EXIT_DONE;
    putchar('\n');
    table_init(&table, columns, ARRAY_SIZE(columns));
    for (size_t i = 0; i < action->n_samples; i++) {
        const ActionSample *sample = action->samples[i];
        table_row(&table);
        table_cell(&table, "%s", phase_name(sample));
        table_cell(&table, "%+.1f s", ((double)sample->time_ns - (double)action->started_ns) / 1e9);
        table_bytes(&table, sample->host_is_known || sample->footprint != 0, sample->footprint);
        table_bytes(&table, sample->guest_is_known, sample->in_use);
        table_bytes(&table, sample->guest_is_known, sample->cache);
        table_bytes(&table, sample->guest_is_known, sample->trapped);
        table_bytes(&table, sample->reported_is_known || sample->reported != 0, sample->reported);
    }
    return table_finish(&table, "");
}

/* The numbers that the reason's code rests on. */
static void print_evidence(const Action *action)
{
    char text[32];

    if (action->n_evidence == 0)
        return;
    fputs("\nevidence of ", stdout);
    print_text(action->reason_code);
    fputs(":\n", stdout);
    for (size_t i = 0; i < action->n_evidence; i++) {
        const Vmreclaim__Controller__V1__Evidence *evidence = action->evidence[i];
        bool is_bytes = strcmp(evidence->unit, "bytes") == 0 && evidence->value >= 0;

        snprintf(text, sizeof(text), "%" PRId64, evidence->value);
        fputs("  ", stdout);
        print_text(evidence->name);
        printf(": %s\n",
               is_bytes ? bytes_format_short((uint64_t)evidence->value, text, sizeof(text)) : text);
    }
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const ActionResponse *response = (const void *)message;
    int code = action_print(message, userdata);
    int r;

    if (response->action == NULL)
        return code;
    print_evidence(response->action);
    r = print_samples(response->action);
    return r == EXIT_DONE ? code : r;
}

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__VerifyActionRequest request =
        VMRECLAIM__CONTROLLER__V1__VERIFY_ACTION_REQUEST__INIT;

    request.id = operands[0];
    /* The exit code is that of the action, as when it was ordered. */
    return cli->json ? action_run_one(cli, "VerifyAction", &request.base)
                     : client_fetch(cli, "VerifyAction", &request.base, print, NULL);
}

const struct command command_verify = {
    .name = "verify",
    .operands = "ACTION",
    .operand_count = 1,
    .summary = "what one action brought, measured again now",
    .description =
        "Shows the record of an action: what the guest did, what the host got at once and after\n"
        "ten minutes, and how sure that is. If little came back, why, with the numbers it rests\n"
        "on. While the VM lives, it is measured again. A part of the action's id is enough.",
    .example = "vmreclaim verify 3f9c",
    .see_also = "actions; explain, for the VM as it is now",
    .timeout = 30 * NSEC_PER_SEC,
    .run = run,
};
