/* vmreclaim policy diff NAME */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"
#include "controller/cli/policy-file.h"
#include "controller/cli/text-diff.h"

static uint64_t from;
static uint64_t to;
static const char *file;

/* One side of the comparison. */
struct side {
    char *text;
    uint64_t revision;
};

static int keep(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyResponse *response = (const void *)message;
    struct side *side = userdata;

    if (response->policy == NULL)
        return fail(EXIT_FAILED, "the daemon answered without a policy");
    side->revision = response->policy->revision;
    side->text = strdup(response->policy->text);
    return side->text == NULL ? fail(EXIT_FAILED, "out of memory") : EXIT_DONE;
}

static int fetch(struct cli *cli, char *name, uint64_t revision, struct side *side)
{
    Vmreclaim__Controller__V1__GetPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_REQUEST__INIT;

    request.name = name;
    request.revision = revision;
    return client_fetch(cli, "GetPolicy", &request.base, keep, side);
}

static int compare(const char *name, const struct side *old_side, const struct side *new_side)
{
    char old_label[128];
    char new_label[128];

    snprintf(old_label, sizeof(old_label), "%s, revision %" PRIu64, name, old_side->revision);
    snprintf(new_label, sizeof(new_label), "%s, revision %" PRIu64, name, new_side->revision);
    return text_diff(&(struct text_side){old_label, old_side->text},
                     &(struct text_side){file != NULL ? file : new_label, new_side->text});
}

static int run(struct cli *cli, char **operands)
{
    struct side old_side = {NULL, 0};
    struct side new_side = {NULL, 0};
    int r;

    if (cli->json)
        return fail(EXIT_USAGE, "policy diff: there is no JSON; compare the texts of policy show");
    if (file != NULL)
        r = policy_file_read(file, &new_side.text);
    else
        r = fetch(cli, operands[0], to, &new_side);
    if (r == EXIT_DONE && from == 0 && file == NULL && new_side.revision < 2)
        r = fail(EXIT_NOT_FOUND, "policy \"%s\" has one revision only", operands[0]);
    if (r == EXIT_DONE)
        r = fetch(cli, operands[0], from != 0 || file != NULL ? from : new_side.revision - 1,
                  &old_side);
    if (r == EXIT_DONE)
        r = compare(operands[0], &old_side, &new_side);
    free(old_side.text);
    free(new_side.text);
    return r;
}

static const struct command_option options[] = {
    {"from", 0, OPTION_NUMBER, "N", "older revision (default: the one before)", &from, NULL},
    {"to", 0, OPTION_NUMBER, "N", "newer revision (default: the newest)", &to, NULL},
    {"file", 0, OPTION_TEXT, "FILE", "compare with a file instead: what applying it changes", &file,
     NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_diff = {
    .name = "policy diff",
    .operands = "NAME",
    .operand_count = 1,
    .summary = "what changed between two revisions",
    .description = "Compares two revisions of a policy, or the stored one with a file, by diff(1).",
    .example = "vmreclaim policy diff idle --file idle.yaml",
    .see_also = "policy history, policy rollback",
    .options = options,
    .run = run,
};
