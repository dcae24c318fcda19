/* Made VMs to explain. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_EXPLAIN_MADE_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_EXPLAIN_MADE_H

#include "controller/explain/explain.h"

typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

/* A VM and all that hangs on it, in one place. */
struct made {
    Vmreclaim__Controller__V1__Vm vm;
    Vmreclaim__Controller__V1__Waterfall w;
    Vmreclaim__Controller__V1__HostFacts host;
    Vmreclaim__Agent__V1__MemorySample guest;
    Vmreclaim__Agent__V1__GetInfoResponse info;
    Vmreclaim__Agent__V1__Feature feature;
    Vmreclaim__Agent__V1__Feature second_feature;
    Vmreclaim__Agent__V1__Feature *features[2];
    struct policy policy;
    Vmreclaim__Controller__V1__Action action;
    Vmreclaim__Agent__V1__ActionResult result;
    ActionSample before;
    ActionSample after;
    ActionSample *samples[2];
    struct explain_subject subject;
};

/* 4 GiB, little of it used, everything free is reported; a compaction that freed nothing. */
void make_healthy(struct made *made);

void lack(struct made *made, const char *feature, const char *reason);
void reporting_off(struct made *made);
void resident(struct made *made);
void swapped(struct made *made);

const struct finding *find(const struct explanation *explanation, const char *code);

/* Whether the code is one of those that say why memory did not come back. */
bool is_reason(const char *code);
size_t count_reasons(const struct explanation *explanation);

#endif
