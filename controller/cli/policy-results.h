/* What became of a policy on each VM: one line each. */
#ifndef VMRECLAIM_CONTROLLER_CLI_POLICY_RESULTS_H
#define VMRECLAIM_CONTROLLER_CLI_POLICY_RESULTS_H

#include "controller/cli/messages.h"

typedef Vmreclaim__Controller__V1__VmPolicyResult PolicyResult;

/* Returns the exit code: EXIT_REFUSED when no agent took it, EXIT_PARTIAL when some did not. `vms`
 * are those that an older daemon names without saying more, `omitted` is how many results are not
 * there. */
int policy_results_print(PolicyResult *const *results, size_t count, char *const *vms,
                         size_t vm_count, uint32_t omitted);

/* The same of VMs that got different policies, which are named. */
int policy_results_print_each(PolicyResult *const *results, size_t count, uint32_t omitted);

/* Prints the message that has them; the same exit code. */
int policy_results_json(const ProtobufCMessage *message, PolicyResult *const *results,
                        size_t count);

#endif
