/* What is measured around one action: samples before, while and after, and what they say together.
 * The action's record points into it. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_MEASURES_H
#define VMRECLAIM_CONTROLLER_ACTIONS_MEASURES_H

#include "controller/messages/finding.h"
#include "controller/vms/supervisor.h"

enum { MEASURES_MAX = 16 };

struct action_measures {
    Vmreclaim__Controller__V1__ActionSample samples[MEASURES_MAX];
    Vmreclaim__Controller__V1__ActionSample *pointers[MEASURES_MAX];
    size_t count;
    nsec_t last_during;     /* CLOCK_BOOTTIME */
    struct finding finding; /* why nothing came back */
    struct evidence_messages evidence;
};

/* Adds what the VM measures now; `phase` is an ActionPhase. NULL: there is no room; DURING leaves
 * some for the last two. */
Vmreclaim__Controller__V1__ActionSample *measures_take(struct action_measures *measures,
                                                       const struct vm *vm, int phase);

/* Adds what the VM measures while the action runs, at most every five seconds. */
void measures_take_during(struct action_measures *measures, const struct vm *vm, nsec_t now);

/* Adds one that a record has; dropped when there is no room. */
void measures_add(struct action_measures *measures,
                  const Vmreclaim__Controller__V1__ActionSample *sample);

/* The action's window ends here: adds the sample after it and completes the record with all
 * samples, what the guest reported, confidence and reason. What came back until now is accounted to
 * it, so the next window begins here at the earliest. The VM has just been measured, huge pages
 * too. */
void measures_complete(struct action_measures *measures, struct vm *vm, nsec_t now,
                       Vmreclaim__Controller__V1__Action *record);

/* Completes a record that has no figures of the host, and says why. */
void measures_forgo(const char *why, Vmreclaim__Controller__V1__Action *record);

#endif
