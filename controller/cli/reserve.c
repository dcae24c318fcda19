/* vmreclaim reserve SIZE */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/domain-xml.h"
#include "controller/cli/reserving.h"

static const char *vm;
static nsec_t wait_time;
static nsec_t hold_time;
static bool of_domain;

static bool as_json;
static bool is_live; /* standard output is a terminal */
static char last_state[16];

/* Each message is shown over the one before; what stays is the last one. */
static int on_message(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ReserveMemoryResponse *response = (const void *)message;
    const Reservation *reservation = response->reservation;
    char line[256];

    if (reservation == NULL)
        return fail(EXIT_FAILED, "the daemon's answer has no reservation in it");
    text_copy_line(last_state, sizeof(last_state), reservation->state);
    if (as_json)
        return print_json(message);
    if (strcmp(reservation->state, "filling") != 0) {
        if (is_live)
            fputs("\r\033[K", stdout);
        reserving_print_end(reservation);
    } else if (is_live) {
        reserving_format_line(reservation, line, sizeof(line));
        text_make_safe(line, TEXT_ONE_LINE);
        printf("\r\033[K%.*s", (int)text_fit(line, strlen(line), terminal_width() - 1), line);
    }
    (void)fflush(stdout);
    return EXIT_DONE;
}

/* ---- the size ---- */

static int read_domain(uint64_t *ret_size)
{
    cleanup_free char *xml = NULL;
    size_t length;
    int r = file_read(AT_FDCWD, "/dev/stdin", DOMAIN_XML_MAX, &xml, &length);

    if (r < 0)
        return fail(EXIT_FAILED, "reserve: cannot read the domain's XML: %s", strerror(-r));
    if (domain_xml_memory(xml, ret_size) < 0)
        return fail(EXIT_USAGE, "reserve: standard input is no domain's XML with its <memory>");
    return EXIT_DONE;
}

static int take_size(char **operands, uint64_t *ret_size)
{
    char problem[80];

    if (of_domain != (operands[0] == NULL))
        return fail(EXIT_USAGE, "reserve: give a SIZE, or --domain-xml and the XML of a domain");
    if (of_domain)
        return read_domain(ret_size);
    if (bytes_parse(operands[0], ret_size) < 0)
        return fail(EXIT_USAGE, "reserve: \"%s\" %s", operands[0],
                    bytes_problem(operands[0], problem, sizeof(problem)));
    return EXIT_DONE;
}

/* ---- the command ---- */

static int run(struct cli *cli, char **operands)
{
    Vmreclaim__Controller__V1__ReserveMemoryRequest request =
        VMRECLAIM__CONTROLLER__V1__RESERVE_MEMORY_REQUEST__INIT;
    struct cli plain = *cli;
    int r = take_size(operands, &request.size);

    if (r != EXIT_DONE)
        return r;
    request.vm = (char *)(vm == NULL ? "" : vm);
    request.wait_ns = wait_time;
    request.hold_ns = hold_time;
    as_json = cli->json;
    is_live = !as_json && isatty(STDOUT_FILENO);
    plain.json = false;
    r = client_stream(&plain, "ReserveMemory", &request.base, on_message, NULL);
    return r == EXIT_DONE ? reserving_exit_code(last_state) : r;
}

static const struct command_option options[] = {
    {"for", 0, OPTION_TEXT, "VM", "which is to use it, also one that is not there yet", &vm, NULL},
    {"wait", 0, OPTION_DURATION, "T", "how long to try at most (default: 1m)", &wait_time, NULL},
    {"hold", 0, OPTION_DURATION, "T", "then keep it free for T at most (default: 10m)", &hold_time,
     NULL},
    {"domain-xml", 0, OPTION_FLAG, NULL, "as much as the libvirt domain on standard input has",
     &of_domain, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

const struct command command_reserve = {
    .name = "reserve",
    .operands = "SIZE",
    .operand_count = 1,
    .operands_may_lack = true,
    .summary = "free memory of the host for a VM about to start",
    .description = "Waits until SIZE is free on the host beyond what it needs itself. What is\n"
                   "missing the arbiter takes from the VMs that need it least; while it is off,\n"
                   "only what is free already can be had. Then it is kept free until VM has\n"
                   "taken it, or the time is over. If there is not enough in time it says what\n"
                   "is the most that could be had, and why, and ends with 7. An interrupt gives\n"
                   "it up.",
    .example = "vmreclaim reserve 4GiB --for web9 --wait 30s && virsh start web9",
    .see_also = "reserve list; reserve release; plan",
    .options = options,
    .timeout = NSEC_INFINITY,
    .trace = "vmreclaim reserve list",
    .run = run,
};
