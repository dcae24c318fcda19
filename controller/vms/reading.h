/* What is known of a guest's memory now, and whether that may be acted on. An agent's sample and
 * the balloon's statistics are two sources; the newer one counts. */
#ifndef VMRECLAIM_CONTROLLER_VMS_READING_H
#define VMRECLAIM_CONTROLLER_VMS_READING_H

#include "controller/guests/guest-reading.h"
#include "controller/vms/supervisor.h"

/* Why balloon statistics may not be acted on. */
enum statistics_trust {
    STATISTICS_HOLD,
    STATISTICS_TIMELESS,   /* the hypervisor does not say when the guest told them */
    STATISTICS_NEVER,      /* the guest has told none */
    STATISTICS_FROZEN,     /* a moment and no figure: Windows without its service */
    STATISTICS_MISSING,    /* a figure that is needed */
    STATISTICS_IMPOSSIBLE, /* more is free than there is */
    STATISTICS_OFF,        /* nobody is known to ask the guest; older than a moment */
    STATISTICS_OLD,        /* two intervals passed without new ones */
    STATISTICS_TRUST_COUNT,
};

/* Pure. They were told `age` before they were read, at most; the guest is asked every `interval`
 * seconds, 0: never; DRIVER_INTERVAL_UNKNOWN. */
enum statistics_trust statistics_judge(const struct driver_statistics *statistics, nsec_t age,
                                       uint32_t interval, bool has_time);

/* For a person; NULL of STATISTICS_HOLD. */
const char *statistics_trust_text(enum statistics_trust trust);

/* `now` is CLOCK_BOOTTIME. What is returned is checked, and as old as `read` says. */
void vm_read_guest(const struct vm *vm, nsec_t now, struct guest_reading *ret_reading);

/* Whether the VM's statistics hold now, whoever else speaks for the guest. */
enum statistics_trust vm_judge_statistics(const struct vm *vm, nsec_t now);

#endif
