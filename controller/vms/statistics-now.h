/* Balloon statistics of now: a reading of the guest within milliseconds, without an agent. Writes
 * vm->asking.
 *
 * Theory of operation: the statistics are read, the interval is poked (intervals.h), so that the
 * hypervisor asks the guest at once, and they are read until they have moved. Their moment has
 * whole seconds, so a guest in which nothing at all has changed answers the same; it is asked again
 * when the second is over. One round per VM; who asks meanwhile gets the next one, so that what is
 * answered is always newer than the question.
 *
 * Failure modes: no answer within two seconds, no session, a journal that cannot be written, or a
 * VM that may not be changed: an error, and the last statistics stay as old as they are. Not over a
 * connection that others need as well, which would be held for every reading. */
#ifndef VMRECLAIM_CONTROLLER_VMS_STATISTICS_NOW_H
#define VMRECLAIM_CONTROLLER_VMS_STATISTICS_NOW_H

#include "controller/vms/supervisor.h"

/* 0: vm->statistics were told after the question. Else a negative errno. */
typedef void (*statistics_done)(int status, void *userdata);

/* In the caller's memory, until `done` or vm_statistics_cancel. */
struct statistics_asked {
    struct list link; /* of the VM's; in no list: nothing is asked */
    nsec_t since;     /* CLOCK_BOOTTIME */
    statistics_done done;
    void *userdata;
};

/* NULL: the guest can be asked; else why not, for a person. */
const char *vm_statistics_why_not(const struct vm *vm);

/* Why nobody has told of the guest just now, for a person: its agent, or what keeps its balloon's
 * driver from it. */
const char *vm_why_unread(const struct vm *vm, nsec_t now);

/* `done` is called once, never before this returns. -EOPNOTSUPP: it cannot be asked; -ENOMEM. */
int vm_statistics_ask(struct vm *vm, struct statistics_asked *asked, statistics_done done,
                      void *userdata);

/* `done` is not called any more. Harmless when it was. */
void vm_statistics_cancel(struct statistics_asked *asked);

/* The VM goes: nobody is answered by it any more. */
void vm_statistics_now_on_event(const struct vm_event *event);

#endif
