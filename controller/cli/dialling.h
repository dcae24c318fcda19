/* The way to the daemon: over ssh, by root's own socket, or by --api; and what is said when it did
 * not lead there. */
#ifndef VMRECLAIM_CONTROLLER_CLI_DIALLING_H
#define VMRECLAIM_CONTROLLER_CLI_DIALLING_H

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/cli/cli.h"

/* Tells the daemon which program calls: "cli", or what VMRECLAIM_PROGRAM says. */
void daemon_say_who(struct ttrpc_connection_options *options);

/* Lists come in frames of up to 3 MiB; the daemon is trusted with that much. */
#define DAEMON_FRAME_BYTES (4u << 20)

/* What is dialled, in words: --host, else --api. */
const char *daemon_where(const struct cli *cli);

/* Connects once; `on_dialled` as of dial_start. -EINVAL: --host or --api is none; or another
 * negative errno: there is no way. Then `error` has the words, and no callback runs. */
int daemon_dial(const struct cli *cli, uv_loop_t *loop, dial_callback on_dialled, void *userdata,
                struct error *error);

/* Says what went wrong when it was dialled, and what to do. EXIT_UNREACHABLE. */
int daemon_fail_dial(const struct cli *cli, int status, const struct error *error);

/* The exit code of an error from the daemon. */
int daemon_exit_code(enum ttrpc_code code);

/* Says why a call of the method, which had `timeout`, failed. An exit code. */
int daemon_fail_call(const struct cli *cli, const char *method, nsec_t timeout,
                     const struct ttrpc_result *result);

/* The connection was lost before the answer. EXIT_UNREACHABLE. */
int daemon_fail_lost(const struct cli *cli, const char *reason);

/* Why one of many calls of the method failed, as part of a line. */
const char *daemon_words(const char *method, const struct ttrpc_result *result, char *text,
                         size_t size);

#endif
