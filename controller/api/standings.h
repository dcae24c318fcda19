/* What became of a policy, for an answer. */
#ifndef VMRECLAIM_CONTROLLER_API_STANDINGS_H
#define VMRECLAIM_CONTROLLER_API_STANDINGS_H

#include <stdbool.h>
#include <stddef.h>

#include "controller.pb-c.h"
#include "controller/api/call.h"
#include "controller/policies/assignments.h"

/* Of all results of an answer. The VMs' names are beside them. */
#define STANDING_BYTES ((size_t)2 << 20)

/* Messages of standings; they point into the originals. */
struct standing_messages {
    Vmreclaim__Controller__V1__VmPolicyResult *results;   /* of all standings */
    Vmreclaim__Controller__V1__VmPolicyResult **pointers; /* to those that are sent */
    size_t count;
    size_t omitted;           /* there is no room for them */
    char **vms;               /* those the policy is for */
    char (*own_profiles)[16]; /* of all standings; of those that run their own */
    size_t vm_count;
    bool pending;
};

/* False after failing the call; else standing_messages_finish() follows. */
bool standing_messages_take(struct api_call *call, const struct policy_result *result,
                            struct standing_messages *messages);
void standing_messages_finish(struct standing_messages *messages);

#endif
