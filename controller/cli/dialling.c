/* The way to the daemon. */
#include "controller/cli/dialling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/ttrpc/program.h"
#include "controller/cli/interrupt.h"
#include "controller/cli/remote.h"
#include "controller/cli/root-socket.h"

#define DIAL_TIMEOUT (5 * NSEC_PER_SEC)

const char *daemon_where(const struct cli *cli)
{
    return cli->host != NULL ? cli->host : cli->api;
}

void daemon_say_who(struct ttrpc_connection_options *options)
{
    static struct ttrpc_metadata program = {PROGRAM_KEY, "cli"};
    const char *other = getenv("VMRECLAIM_PROGRAM");

    if (other != NULL && other[0] != '\0')
        program.value = other;
    options->metadata = &program;
    options->metadata_count = 1;
}

static const char *advise(int status)
{
    if (status == -EACCES || status == -EPERM)
        return "It takes root, or a member of read_group or control_group in vmreclaimd.yaml.";
    if (status == -ENOENT)
        return "Is vmreclaimd running? Look at: systemctl status vmreclaimd\n"
               "Another socket is chosen with --api or VMRECLAIM_API.";
    return "Is vmreclaimd running? Look at: systemctl status vmreclaimd";
}

static const char *advise_of_fleet(int status)
{
    if (status == -EACCES || status == -EPERM)
        return "It takes root, or a member of the coordinator's group.";
    return "Is a coordinator on this machine? Look at:\n"
           "systemctl status vmreclaim-fleet-coordinator\n"
           "Another one's socket is chosen with VMRECLAIM_FLEET, another machine with -H.";
}

int daemon_fail_dial(const struct cli *cli, int status, const struct error *error)
{
    const char *whom = cli->service == NULL ? "the daemon" : "a coordinator of the fleet";
    const char *advice = cli->service == NULL ? advise(status) : advise_of_fleet(status);

    if (cli->host == NULL && error != NULL && error->text[0] != '\0')
        return fail(EXIT_UNREACHABLE, "cannot reach %s: %s\n%s", whom, error->text, advice);
    return fail(EXIT_UNREACHABLE, "cannot reach %s at %s: %s\n%s", whom, daemon_where(cli),
                error != NULL && error->text[0] != '\0' ? error->text : strerror(-status), advice);
}

/* Where to connect; an open descriptor where we are connected already. */
static int find_address(const struct cli *cli, struct address *ret_address, struct error *error)
{
    int descriptor;

    if (cli->host != NULL) {
        descriptor = remote_open(cli->host, cli->api, !cli->is_unattended, error);
        *ret_address = (struct address){.kind = ADDRESS_FD, .descriptor = descriptor};
        return descriptor < 0 ? descriptor : 0;
    }
    if (address_parse(cli->api, ret_address, error) < 0)
        return error_prefix(error, -EINVAL, "--api");
    descriptor = ret_address->kind == ADDRESS_UNIX ? root_socket_connect(ret_address) : -ENOENT;
    if (descriptor >= 0)
        *ret_address = (struct address){.kind = ADDRESS_FD, .descriptor = descriptor};
    return 0;
}

int daemon_dial(const struct cli *cli, uv_loop_t *loop, dial_callback on_dialled, void *userdata,
                struct error *error)
{
    struct address address;
    struct dial *dial;
    int r = find_address(cli, &address, error);

    if (r < 0)
        return r;
    r = dial_start(loop, &address, DIAL_TIMEOUT, on_dialled, userdata, &dial);
    return r < 0 ? error_set(error, r, "out of memory") : 0;
}

/* ---- calls ---- */

int daemon_exit_code(enum ttrpc_code code)
{
    switch (code) {
    case TTRPC_OK:
        return EXIT_DONE;
    case TTRPC_INVALID_ARGUMENT:
    case TTRPC_OUT_OF_RANGE:
        return EXIT_USAGE;
    case TTRPC_NOT_FOUND:
        return EXIT_NOT_FOUND;
    case TTRPC_UNAVAILABLE:
        return EXIT_UNREACHABLE;
    case TTRPC_PERMISSION_DENIED:
    case TTRPC_UNAUTHENTICATED:
    case TTRPC_FAILED_PRECONDITION:
    case TTRPC_RESOURCE_EXHAUSTED:
    case TTRPC_ALREADY_EXISTS:
        return EXIT_REFUSED;
    case TTRPC_DEADLINE_EXCEEDED:
        return EXIT_TIMED_OUT;
    default:
        return EXIT_FAILED;
    }
}

const char *daemon_words(const char *method, const struct ttrpc_result *result, char *text,
                         size_t size)
{
    bool may_go_on = ttrpc_result_is_open(result) && interrupt_trace()[0] != '\0';

    if (result->code == TTRPC_UNIMPLEMENTED)
        text_format(text, size, "the daemon does not know %s: it is older than this program",
                    method);
    else
        text_format(text, size, "%s%s",
                    result->message[0] != '\0' ? result->message : ttrpc_code_name(result->code),
                    may_go_on ? "; what was begun may still go on" : "");
    return text;
}

int daemon_fail_lost(const struct cli *cli, const char *reason)
{
    const char *trace = interrupt_trace();

    return fail(EXIT_UNREACHABLE, "the %s at %s went away: %s%s%s",
                cli->service == NULL ? "daemon" : "coordinator", daemon_where(cli), reason,
                trace[0] != '\0' ? "\nWhat was begun may still go on: " : "", trace);
}

int daemon_fail_call(const struct cli *cli, const char *method, nsec_t timeout,
                     const struct ttrpc_result *result)
{
    const char *trace = interrupt_trace();
    char duration[64];
    char message[512];

    text_copy_line(message, sizeof(message), result->message);
    if (result->code == TTRPC_UNIMPLEMENTED)
        return fail(EXIT_FAILED,
                    "the %s at %s does not know %s: it is older than this program\n"
                    "Upgrade %s there; if that was done, restart it.",
                    cli->service == NULL ? "daemon" : "coordinator", daemon_where(cli), method,
                    cli->service == NULL ? "vmreclaimd" : "vmreclaim-fleet");
    if (result->code == TTRPC_DEADLINE_EXCEEDED)
        return fail(EXIT_TIMED_OUT, "no answer within %s%s%s\nGive it longer with --timeout%s%s",
                    time_format_duration(timeout, duration, sizeof(duration)),
                    message[0] != '\0' ? ": " : "", message,
                    trace[0] != '\0' ? "; what was begun may still go on: " : "", trace);
    return fail(daemon_exit_code(result->code), "%s",
                message[0] != '\0' ? message : ttrpc_code_name(result->code));
}
