/* How actions begin and end for everybody else: records, events, who asked. Part of the machine. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_ENDING_H
#define VMRECLAIM_CONTROLLER_ACTIONS_ENDING_H

#include "controller/actions/life.h"

/* It acts: VM_EVENT_ACTION_BEGUN. */
void action_report_begin(struct action *action);

/* Ends and frees it: the record is completed, VM_EVENT_ACTION_ENDED, then who asked is called. The
 * VM has just been measured. `status` < 0: it failed, `reason` says how; else why not more, NULL
 * for what the means know. */
void action_end(struct action *action, int status, const char *reason);

/* Ends and frees it before it began: there is no record. */
void action_refuse(struct action *action, int status, const char *reason);

/* Ends and frees it now, in whatever state it is, with the figures of now. Where what is under way
 * is called off, it failed with `status`. */
void action_cut_short(struct action *action, int status, const char *reason);

#endif
