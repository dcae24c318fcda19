/* What became of a policy on each VM: one line each. */
#ifndef VMRECLAIM_CONTROLLER_CLI_POLICY_RESULTS_H
#define VMRECLAIM_CONTROLLER_CLI_POLICY_RESULTS_H

#include "controller/cli/cli.h"
#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__VmPolicyResult PolicyResult;

/* Returns the exit code: EXIT_REFUSED when no agent took it, EXIT_PARTIAL when some did not. `vms`
 * are those that an older daemon names without saying more, `omitted` is how many results are not
 * there. */
int policy_results_print(PolicyResult *const *results, size_t count, char *const *vms,
                         size_t vm_count, uint32_t omitted);

/* Prints the message that has them; the same exit code. */
int policy_results_json(const ProtobufCMessage *message, PolicyResult *const *results,
                        size_t count);

/* How an answer is shown that takes a policy from VMs. */
struct policy_withdrawal {
    const struct cli *cli;
    const char *name; /* what is gone */
    /* The lines before those of VMs, without the last end. */
    void (*print_head)(const ProtobufCMessage *answer, const char *name);
};

/* Its results are of VMs that got different policies, which are named; else as above. */
int policy_results_show(const struct policy_withdrawal *withdrawal, const ProtobufCMessage *answer,
                        PolicyResult *const *results, size_t count, uint32_t omitted);

#endif
