/* vmreclaim policy apply FILE|DIR|- */
#include <stdio.h>

#include "controller/cli/dry-run.h"
#include "controller/cli/policy-applying.h"
#include "controller/cli/policy-file.h"
#include "controller/cli/selector.h"

static const char *vm = "";
static const char *file;
static bool is_dry;

/* In the order of the files. What the daemon does not take ends it; a VM that does not take its
 * policy keeps nobody else's back. */
static int apply_all(struct cli *cli, const struct policy_texts *texts)
{
    int worst = EXIT_DONE;

    for (size_t i = 0; i < texts->count; i++) {
        const struct policy_text *text = &texts->list[i];
        const struct policy_applying applying = {
            .text = text->text, .source = text->path, .vm = vm};
        int code =
            is_dry ? policy_applying_plan(cli, &applying) : policy_applying_run(cli, &applying);

        worst = worse_code(worst, code);
        if (code == EXIT_DONE || code == EXIT_PARTIAL || code == EXIT_REFUSED)
            continue;
        if (i + 1 < texts->count)
            (void)fail(code, "what comes after %s was not applied: %zu of %zu files", text->path,
                       texts->count - i - 1, texts->count);
        break;
    }
    return worst;
}

static int run(struct cli *cli, char **operands)
{
    const char *path = file != NULL ? file : operands[0];
    struct policy_texts texts;
    int code;

    if ((file == NULL) == (operands[0] == NULL))
        return fail(EXIT_USAGE, "policy apply: name one file, one directory, or - for standard "
                                "input\nMore: vmreclaim policy apply --help");
    code = policy_texts_read(path, &texts);
    if (code == EXIT_DONE && texts.count > 1 && vm[0] != '\0')
        code =
            fail(EXIT_USAGE,
                 "policy apply: --vm is for one policy, and %s has %zu; apply that one by itself",
                 path, texts.count);
    if (code == EXIT_DONE)
        code = apply_all(cli, &texts);
    policy_texts_finish(&texts);
    return code;
}

static const struct command_option options[] = {
    {"vm", 0, OPTION_TEXT, "VM", "for this VM, a glob (\"web-*\") or label:KEY[=VALUE]", &vm, NULL},
    {"file", 'f', OPTION_TEXT, "FILE", "the same as naming it without -f", &file, NULL},
    DRY_RUN_OPTION(&is_dry),
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_policy_apply = {
    .name = "policy apply",
    .operands = "FILE|DIR|-",
    .operand_count = 1,
    .operands_may_lack = true,
    .summary = "put a policy in force",
    .description =
        "Checks the file, stores it as a new revision of the policy it names, and assigns it.\n"
        "Then says what happened on each VM: it is in force now, it was already, it waits for\n"
        "the agent, or the agent refused it. Of a directory every *.yaml is applied in the order\n"
        "of their names, once all are valid; - is standard input. The daemon keeps the text:\n"
        "changing the file later changes nothing until it is applied again. Without --vm it goes\n"
        "to the VMs that it is assigned to already. Ends with 5 when no agent took it, with 7\n"
        "when some did not.",
    .example = "vmreclaim policy apply idle.yaml --vm web1",
    .see_also = "policy check and diff, before; policy history and rollback, after; policy edit",
    .options = options,
    .timeout = 30 * NSEC_PER_SEC,
    .goes_on = "What the daemon has taken is stored, and given to the VMs.",
    .trace = "vmreclaim policy list",
    .run = run,
};
