/* The methods of vmreclaim.controller.v1.Controller: who may call them and who serves them.
 *
 * Each file of handlers ends with its rows; an RPC more is a method in controller.proto, and a
 * handler with its row. */
#ifndef VMRECLAIM_CONTROLLER_API_METHOD_H
#define VMRECLAIM_CONTROLLER_API_METHOD_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>

struct api_call;

/* `request` lives until the handler returns. */
typedef void (*api_handler)(struct api_call *call, const ProtobufCMessage *request);

/* Exactly one of READS, CONTROLS and CARRIES. */
enum {
    API_READS = 1u << 0,    /* for whoever may read */
    API_CONTROLS = 1u << 1, /* changes something: for whoever may control; every call is audited */
    API_STREAMS = 1u << 2,  /* answers with any number of messages */
    API_CARRIES = 1u << 3,  /* changes what others have signed: for whoever may carry that, too; the
                               handler says what is audited */
};

struct api_method {
    const char *name; /* as in controller.proto */
    api_handler handler;
    unsigned flags;
};

struct api_methods {
    const struct api_method *rows;
    size_t count;
};

extern const struct api_methods api_vm_methods;
extern const struct api_methods api_action_methods;
extern const struct api_methods api_halt_methods;
extern const struct api_methods api_policy_methods;
extern const struct api_methods api_record_methods;
extern const struct api_methods api_status_methods;
extern const struct api_methods api_event_methods;
extern const struct api_methods api_doctor_methods;
extern const struct api_methods api_effective_methods;
extern const struct api_methods api_squeeze_methods;
extern const struct api_methods api_host_methods;
extern const struct api_methods api_reservation_methods;
extern const struct api_methods api_counter_methods;
extern const struct api_methods api_planning_methods;
extern const struct api_methods api_desired_methods;

/* The service that the methods are of. */
extern const ProtobufCServiceDescriptor *const api_service;

/* The method with this index in the service, or with this type of request: each has a type of its
 * own. NULL: there is none. */
const struct api_method *api_method_at(unsigned index);
const struct api_method *api_method_of(const ProtobufCMessageDescriptor *request);

/* The index in the service of the method with this type of request, which there is. */
unsigned api_method_index(const ProtobufCMessageDescriptor *request);

/* Aborts unless every method of the service has exactly one row, and every row is one. */
void api_methods_check(void);

#endif
