/* What the files of the scripted API server share. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CLI_API_SERVER_H
#define VMRECLAIM_TESTS_COMPONENT_CLI_API_SERVER_H

#include <stdbool.h>

#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"

/* Answers names that ask for an error. True when it did. */
bool play(struct ttrpc_call *call, const char *vm);

/* VMs of a list that is as wide as it gets; 0: the usual three. */
extern unsigned crowd_size;
void list_crowd(struct ttrpc_call *call);

/* A record of an action, without what the guest said. */
void fill_action(Vmreclaim__Controller__V1__Action *action);

void compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void reclaim(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void set_balloon(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void release_balloon(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void get_host(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void get_plan(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void squeeze_vms(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void reserve_memory(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void list_reservations(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void release_reservation(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void verify_action(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void list_actions(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void diagnose(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void apply_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void list_policies(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void list_revisions(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void get_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void roll_back(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void unassign(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void get_effective(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);

#endif
