/* Handlers of the RPCs that order an action: Compact, ReclaimCache, SetReporting.
 *
 * What the guest's owner allows comes first: `allow_commands = no` refuses every order, and the
 * keys the owner set bound what an order may do. */
#ifndef VMRECLAIM_AGENT_SERVICE_ORDERS_H
#define VMRECLAIM_AGENT_SERVICE_ORDERS_H

#include "common/ttrpc/ttrpc.h"

void orders_compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void orders_reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);
void orders_set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);

#endif
