/* vmreclaim explain VM... */
#include <stdio.h>

#include "controller/cli/cli.h"
#include "controller/cli/findings.h"
#include "controller/cli/messages.h"
#include "controller/cli/selector.h"
#include "controller/cli/table.h"
#include "controller/cli/waterfall.h"

static bool exact;

static void print_finding(const Finding *finding)
{
    (void)print_wrapped("  -", finding->sentence);
    if (finding->command[0] == '\0')
        return;
    fputs("      ", stdout);
    print_text(finding->command);
    fputs("\n", stdout);
}

static int print(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ExplainResponse *response = (const void *)message;

    if (response->vm != NULL) {
        waterfall_print_head(response->vm);
        int r = response->vm->waterfall == NULL ? EXIT_DONE : waterfall_print(response->vm);
        if (r != EXIT_DONE)
            return r;
    }
    for (size_t i = 0; i < FINDING_PARAGRAPHS; i++) {
        bool begun = false;
        for (size_t j = 0; j < response->n_findings; j++) {
            if ((int)response->findings[j]->kind != finding_paragraphs[i].kind)
                continue;
            if (!begun)
                printf("\n%s\n", finding_paragraphs[i].heading);
            begun = true;
            print_finding(response->findings[j]);
        }
    }
    return EXIT_DONE;
}

static int explain(struct cli *cli, const char *vm)
{
    Vmreclaim__Controller__V1__ExplainRequest request =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_REQUEST__INIT;

    request.vm = (char *)vm;
    request.exact = exact;
    return client_call(cli, "Explain", &request.base, print, NULL);
}

static int run(struct cli *cli, char **operands)
{
    return selector_show_each(cli, "explain", operands, explain);
}

static const struct command_option options[] = {
    {"exact", 0, OPTION_FLAG, NULL, "read every page flag in the guest: some ms per GiB", &exact,
     NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_explain = {
    .name = "explain",
    .operands = "VM...",
    .takes_more = true,
    .selects = true,
    .summary = "where a VM's memory is, and what can be done",
    .description =
        "Measures the VM on both sides, then says in sentences what holds the memory and what\n"
        "the policy will do about it and when. Then what you can do now and what to type, and\n"
        "what cannot come back and why.",
    .example = "vmreclaim explain web1",
    .see_also = "reclaim, compact, reporting; history for how it came to this",
    .options = options,
    .timeout = 60 * NSEC_PER_SEC,
    .run = run,
};
