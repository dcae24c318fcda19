/* What halt and resume share. */
#include "controller/cli/halting.h"

#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__HaltResponse Response;

static bool all;

const struct command_option halting_options[] = {
    {"all", 0, OPTION_FLAG, NULL, "all VMs, those that come later too", &all, NULL},
    {NULL, 0, OPTION_FLAG, NULL, NULL, NULL, NULL},
};

int halting_check(const char *command, char *const *operands, bool *ret_all, size_t *ret_count)
{
    size_t count = 0;

    while (operands[count] != NULL)
        count++;
    if (all == (count > 0))
        return fail(EXIT_USAGE, "%s: name VMs, or give --all", command);
    *ret_all = all;
    *ret_count = count;
    return EXIT_DONE;
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const void *)message;
    const char *const *what = userdata;

    if (all)
        printf("all VMs are %s\n", *what);
    else
        printf("%" PRIu32 " VM%s %s\n", response->vms, response->vms == 1 ? " is" : "s are", *what);
    return EXIT_DONE;
}

int halting_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
                 const char *what)
{
    return client_call(cli, method, request, show, &what);
}
