/* What the parts of the coordinator with a script share. */
#ifndef VMRECLAIM_TESTS_COMPONENT_WEB_COORDINATOR_H
#define VMRECLAIM_TESTS_COMPONENT_WEB_COORDINATOR_H

#include <stdint.h>

#include "common/ttrpc/ttrpc.h"
#include "fleet.pb-c.h"

/* Somebody's name. */
#define EVIL "<img src=x onerror=alert(1)>\"'&"

#define text(constant) ((char *)(constant))

extern unsigned coordinator_hosts; /* how many there are */
extern unsigned coordinator_calls; /* since that was asked for */

void coordinator_make_rollouts(void);
void coordinator_list_rollouts(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata);
void coordinator_list_rollout_history(struct ttrpc_call *call, const ProtobufCMessage *message,
                                      void *userdata);

#endif
