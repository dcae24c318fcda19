/* A screen from its begin to its end. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_RUN_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_RUN_H

#include "controller/cli/top/session.h"

/* There is a person at a terminal. */
bool top_may_run(const struct cli *cli);

/* Shows what the peer has until the person quits. An exit code. */
int top_run(struct cli *cli, const struct top_peer *peer, const struct top_kind *kind);

#endif
