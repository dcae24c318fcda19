/* That something happened at the daemon, so that what is watched may look different. What is
 * measured changes without an event; a daemon that tells none is one where nothing happens. */
#ifndef VMRECLAIM_CONTROLLER_CLI_CHANGES_H
#define VMRECLAIM_CONTROLLER_CLI_CHANGES_H

#include <uv.h>

#include "common/ttrpc/ttrpc.h"
#include "controller/cli/cli.h"

struct changes {
    struct cli cli;
    uv_loop_t loop;
    struct ttrpc_connection *connection; /* NULL: none, or none any more */
    bool has_happened;                   /* something, since the last wait */
    bool is_stopping;
};

/* Begins to listen. -ENOMEM, ...: nothing is to be stopped. */
int changes_start(struct changes *changes, const struct cli *cli);
void changes_stop(struct changes *changes);

/* Waits until something happens, `least` at least and `most` at most. False: before that standard
 * output was closed by whoever read it. */
bool changes_wait(struct changes *changes, nsec_t least, nsec_t most);

#endif
