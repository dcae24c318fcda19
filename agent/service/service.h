/* The RPC service vmreclaim.agent.v1.Agent. */
#ifndef VMRECLAIM_AGENT_SERVICE_SERVICE_H
#define VMRECLAIM_AGENT_SERVICE_SERVICE_H

#include "common/ttrpc/ttrpc.h"

/* Raised when a peer of one release back could not do without knowing; agent.proto has the list. */
#define AGENT_PROTOCOL_VERSION 2

/* NULL-terminated, for ttrpc_connection_options; handlers find the agent by connection_userdata. */
extern const struct ttrpc_service *const agent_services[];

#endif
