/* What halt and resume share. */
#include "controller/cli/halting.h"

#include <inttypes.h>
#include <stdio.h>

#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__HaltResponse Response;

int halting_take(struct cli *cli, const char *command, char **operands, bool *ret_all,
                 struct selected *ret_selected)
{
    *ret_all = selector_is_all() && operands[0] == NULL;
    *ret_selected = (struct selected){.count = 0};
    return *ret_all ? EXIT_DONE : selector_take(cli, command, operands, ret_selected);
}

static int show(const ProtobufCMessage *message, void *userdata)
{
    const Response *response = (const void *)message;
    const char *const *what = userdata;

    if (selector_is_all())
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
