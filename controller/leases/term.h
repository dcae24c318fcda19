/* How long a lease lasts. Pure.
 *
 * Theory of operation: a lease ends when CLOCK_BOOTTIME, which nobody can set, has gone on by its
 * duration. That clock begins anew with each boot of the host. So the journal keeps the boot's id
 * beside it, and the wall time of the end. A daemon that finds a lease of this boot goes on with
 * the same clock, whatever was done to the wall time meanwhile. After a reboot, or when the boot is
 * not known, wall time is all there is. The lease then lasts at most its whole duration again, and
 * no longer at all when its end has passed. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_TERM_H
#define VMRECLAIM_CONTROLLER_LEASES_TERM_H

#include <stdbool.h>

#include "common/base/time.h"
#include "controller/leases/lease.h"

/* One moment by both clocks. */
struct lease_moment {
    nsec_t now;   /* CLOCK_BOOTTIME */
    int64_t time; /* UNIX nanoseconds */
};

struct lease_moment lease_moment_now(void);

/* It ends `duration` after `moment`, at the latest where the clocks end; 0: when it is released. */
void lease_term_begin(struct lease *lease, nsec_t duration, const struct lease_moment *moment,
                      const char *host_boot_id);

/* A lease of the journal: its end by the clock of this boot. */
void lease_term_resume(struct lease *lease, const struct lease_moment *moment,
                       const char *host_boot_id);

/* It is known to be of an earlier boot of the host. */
bool lease_is_of_other_boot(const struct lease *lease, const char *host_boot_id);

bool lease_is_over(const struct lease *lease, nsec_t now);

/* Found in the journal, it is to be given back: it is over, was being given back already, or nobody
 * has heard that it is held. Pulses are such: theirs never say so. */
bool lease_is_due(const struct lease *lease, nsec_t now);

/* UNIX nanoseconds by the wall clock as it is now; 0: when it is released. */
int64_t lease_end_time(const struct lease *lease, const struct lease_moment *moment);

#endif
