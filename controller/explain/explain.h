/* Why a VM costs the host what it costs, in sentences, each with a stable code and the numbers it
 * rests on.
 *
 * Theory of operation: everything here is pure. The subject is what the API says about a VM anyway:
 * its Vm message with the waterfall, the agent's answer to GetInfo, the policy, and for an action
 * its record. Four lists of small functions look at it: what holds the memory (hold.c), what the
 * policy will do (plan.c), what a person can do (advice.c), and the reasons why memory does not
 * come back (reason.c). A reason is also what an action's record names when the host got nothing.
 *
 * Failure modes: what is not known is not guessed. Without an agent only the host's findings are
 * made; a reason that needs a figure the guest did not send stays silent; when figures contradict
 * each other and no reason fits, the code is "unknown" with the numbers. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_EXPLAIN_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/policy/policy.h"
#include "controller.pb-c.h"

struct explain_subject {
    const Vmreclaim__Controller__V1__Vm *vm;           /* never NULL */
    const Vmreclaim__Agent__V1__GetInfoResponse *info; /* NULL: no agent */
    const struct policy *policy;                       /* as the guest runs it; NULL: none */
    char *const *own_limits; /* keys that the guest itself limits; NULL-terminated, or NULL */
    const Vmreclaim__Controller__V1__Action *action; /* NULL: the VM as such is the question */
    int64_t time;                                    /* now, UNIX nanoseconds; 0: not told */
};

enum { FINDING_EVIDENCE_MAX = 6, EXPLANATION_FINDINGS_MAX = 64 };

struct finding_evidence {
    const char *name; /* static text */
    int64_t value;
    const char *unit; /* static text */
};

struct finding {
    int kind;         /* Vmreclaim__Controller__V1__FindingKind */
    const char *code; /* static text */
    uint64_t bytes;
    char sentence[384];
    char command[128];
    struct finding_evidence evidence[FINDING_EVIDENCE_MAX];
    size_t evidence_count;
};

struct explanation {
    struct finding findings[EXPLANATION_FINDINGS_MAX];
    size_t count;
};

/* Everything there is to say about a VM; `subject->action` is not looked at. */
void explain_vm(const struct explain_subject *subject, struct explanation *ret_explanation);

/* The one reason why the host got less than half of what the guest let go, or why the guest let
 * nothing go. False: there is nothing to excuse. */
bool explain_action(const struct explain_subject *subject, struct finding *ret_finding);

/* The codes of all reasons, for the manual and tests; NULL past the end. */
const char *explain_reason_code(size_t index);

#endif
