/* What is explained, and what an explanation is made of. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_FINDING_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_FINDING_H

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
    int64_t time;                                    /* now, UNIX nanoseconds; 0: not given */
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

#endif
