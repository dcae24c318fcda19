/* Applying a policy's text, for the commands that do. */
#ifndef VMRECLAIM_CONTROLLER_CLI_POLICY_APPLYING_H
#define VMRECLAIM_CONTROLLER_CLI_POLICY_APPLYING_H

#include <stdint.h>

#include "common/base/error.h"
#include "controller/cli/cli.h"

struct policy_applying {
    const char *text;
    const char *source;         /* the text's name, for messages */
    const char *vm;             /* whom it is for; "": those that have it */
    uint64_t made_from;         /* the revision that was changed; 0: the text is of its own */
    const char *made_from_hash; /* its hash; NULL likewise */
};

/* Gives it to the daemon and shows what became of it on each VM. An exit code; what is wrong has
 * been said. */
int policy_applying_run(struct cli *cli, const struct policy_applying *applying);

/* The same; a text that the daemon refuses (EXIT_USAGE) is not said, its words are in `refusal`. */
int policy_applying_try(struct cli *cli, const struct policy_applying *applying,
                        struct error *refusal);

/* Does nothing: says for each VM what would become of it there. */
int policy_applying_plan(struct cli *cli, const struct policy_applying *applying);

#endif
