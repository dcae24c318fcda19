/* The operators' API: who may call what, dispatch, audit and the event stream.
 *
 * Each method of vmreclaim.controller.v1.Controller is served by the part of the daemon that knows
 * the answer: it registers a handler with api_serve. The API checks first that the caller's group
 * allows it, and records every change with who asked. */
#ifndef VMRECLAIM_API_API_H
#define VMRECLAIM_API_API_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/transport/address.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"
#include "controller/vms/vm.h"

struct api;

/* Who is calling, from SO_PEERCRED. */
struct api_caller {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    bool may_control; /* else read only */
    char name[64];    /* "root", "alice", "uid 1007" */
};

/* As ttrpc_handler, with who calls. A handler that answers later keeps `call`, not `caller`. */
typedef void (*api_handler)(struct ttrpc_call *call, const ProtobufCMessage *request,
                            const struct api_caller *caller, void *userdata);

/* `method` is the name in controller.proto, programming error otherwise. Replaces an earlier
 * handler. */
void api_serve(struct api *api, const char *method, api_handler handler, void *userdata);

/* To all watchers: fills sequence and time. `kind` as in controller.proto; `vm` may be NULL. */
void api_publish(struct api *api, const struct vm *vm, const char *kind, const char *format, ...)
    printf_like(4, 5);

/* An event with its waterfall or action; sequence and time are set here. */
void api_publish_event(struct api *api, Vmreclaim__Controller__V1__Event *event);

/* Fills what Vm says about `vm`; the message points into `vm` and `scratch`, which live until it
 * is sent. */
struct api_vm_scratch {
    Vmreclaim__Controller__V1__Waterfall waterfall;
    Vmreclaim__Agent__V1__MemorySample guest;
    Vmreclaim__Controller__V1__HostFacts host;
    char footprint_source[32];
    char reporting[64];
};
void api_vm_to_message(const struct vm *vm, bool with_guest, struct api_vm_scratch *scratch,
                       Vmreclaim__Controller__V1__Vm *message);

#endif
