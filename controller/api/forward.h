/* A call of an operator that waits for an answer of an agent: one request object, one end. */
#ifndef VMRECLAIM_CONTROLLER_API_FORWARD_H
#define VMRECLAIM_CONTROLLER_API_FORWARD_H

#include "controller/api/dispatch.h"

struct forward;

/* The agent has answered, or cannot any more. `vm` is NULL when it went away meanwhile. Ends the
 * operator's call. */
typedef void (*forward_answer)(struct api_call *call, struct vm *vm,
                               const struct ttrpc_result *result, nsec_t round_trip,
                               void *userdata);

/* Calls a unary method of the VM's agent for the operator's `call`; fails the call itself when the
 * agent cannot be asked. An operator who goes away is forgotten, and the answer with them. */
void forward_unary(struct api_call *call, struct vm *vm, const char *method,
                   const ProtobufCMessage *request, nsec_t timeout, forward_answer on_answer,
                   void *userdata);

/* The same for a method that streams: each message is handed over, then `on_answer`. A negative
 * errno ends the operator's call: a stream with a hole would pass for a whole one. */
typedef int (*forward_message)(struct api_call *call, const ProtobufCMessage *message,
                               void *userdata);
void forward_stream(struct api_call *call, struct vm *vm, const char *method,
                    const ProtobufCMessage *request, nsec_t timeout, forward_message on_message,
                    forward_answer on_answer, void *userdata);

/* Fails the operator's call as the agent failed ours, saying so. */
void forward_fail(struct api_call *call, const struct vm *vm, const struct ttrpc_result *result);

#endif
