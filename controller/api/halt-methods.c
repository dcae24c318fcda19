/* Methods that halt VMs and resume them. */
#include <errno.h>
#include <stdlib.h>

#include "controller/actions/halts.h"
#include "controller/api/dispatch.h"

/* A call for several VMs: answered when the store has the last of them. */
struct halting {
    struct api_call *call; /* NULL: its operator has gone */
    unsigned open;
    uint32_t count;
    int status;
    struct error error;
    bool is_resume;
};

static void answer(const struct halting *halting)
{
    Vmreclaim__Controller__V1__HaltResponse response =
        VMRECLAIM__CONTROLLER__V1__HALT_RESPONSE__INIT;

    response.vms = halting->count;
    if (halting->call == NULL)
        return;
    if (halting->status < 0)
        api_call_fail_error(halting->call, halting->status, &halting->error);
    else
        api_call_finish(halting->call, &response.base);
}

static void end_one(struct halting *halting)
{
    if (--halting->open > 0)
        return;
    answer(halting);
    free(halting);
}

static void on_noted(int status, const struct error *error, void *userdata)
{
    struct halting *halting = userdata;

    if (status < 0) {
        halting->status = status;
        halting->error = *error;
        error_prefix(&halting->error, 0, "it holds until vmreclaimd ends, and no longer");
    }
    end_one(halting);
}

static void on_operator_gone(struct api_call *call, void *userdata)
{
    struct halting *halting = userdata;

    halting->call = NULL;
}

/* `name` NULL: all. */
static int order(struct halting *halting, const char *name, struct error *error)
{
    const struct api_rooms *rooms = &halting->call->api->rooms;
    struct vm *vm = NULL;
    int r = name == NULL ? 0 : registry_find(&rooms->supervisor->registry, name, &vm, error);

    if (r < 0 && halting->is_resume)
        return halts_remove_absent(rooms->halts, name, on_noted, halting, error);
    if (r < 0)
        return r;
    return halting->is_resume
               ? halts_remove(rooms->halts, vm, on_noted, halting, error)
               : halts_add(rooms->halts, vm, halting->call->caller.name, on_noted, halting, error);
}

static void do_one(struct halting *halting, const char *name)
{
    struct error error;
    int r;

    halting->open++;
    r = order(halting, name, &error);
    if (r == 0) {
        halting->count++;
        return;
    }
    halting->open--;
    halting->status = r;
    halting->error = error;
}

/* Each is a note that the store must keep, and others must find room beside them. */
#define VMS_MAX 256

/* All names are looked up before anything is done. A halt may be of a VM that has gone. */
static bool are_known(struct api_call *call, char *const *names, size_t count, bool is_resume)
{
    for (size_t i = 0; i < count; i++)
        if (!(is_resume && halts_have(call->api->rooms.halts, names[i])) &&
            api_find_vm(call, names[i]) == NULL)
            return false;
    return true;
}

static void start(struct api_call *call, char *const *names, size_t count, bool is_all,
                  bool is_resume)
{
    struct halting *halting;

    if (is_all == (count > 0)) {
        api_call_fail(call, -EINVAL, "name VMs, or all of them");
        return;
    }
    if (count > VMS_MAX) {
        api_call_fail(call, -EINVAL, "%zu VMs are named; name at most %d in a call, or all of them",
                      count, VMS_MAX);
        return;
    }
    if (!are_known(call, names, count, is_resume))
        return;
    halting = calloc(1, sizeof(*halting));
    if (halting == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    *halting = (struct halting){.call = call, .open = 1, .is_resume = is_resume};
    api_call_on_gone(call, on_operator_gone, halting);
    if (is_all)
        do_one(halting, NULL);
    for (size_t i = 0; i < count; i++)
        do_one(halting, names[i]);
    end_one(halting);
}

static void halt(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__HaltRequest *asked = (const void *)message;

    start(call, asked->vms, asked->n_vms, asked->all, false);
}

static void resume(struct api_call *call, const ProtobufCMessage *message)
{
    const Vmreclaim__Controller__V1__ResumeRequest *asked = (const void *)message;

    start(call, asked->vms, asked->n_vms, asked->all, true);
}

static const struct api_method rows[] = {
    {"Halt", halt, API_CONTROLS},
    {"Resume", resume, API_CONTROLS},
};

const struct api_methods api_halt_methods = {rows, ARRAY_SIZE(rows)};
