/* How a guest's clock goes beside ours, and so how old its samples are. Pure.
 *
 * Theory of operation: a sample names the guest's CLOCK_BOOTTIME and arrives at a moment of ours.
 * The difference of the two is least for the sample that came quickest; what others have more is
 * how much longer they took. The two clocks do not run quite alike, and the guest's stands still
 * while the guest is stopped. So only the samples of the last ten to twenty minutes are compared.
 *
 * Failure modes: a guest may name any time. It makes its own samples look old with it. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_GUEST_CLOCK_H
#define VMRECLAIM_CONTROLLER_GUESTS_GUEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

/* Zeroes: nothing is known. */
struct guest_clock {
    bool is_known;
    int64_t least;   /* our time - the guest's, of the quickest sample */
    int64_t current; /* the same of the window under way alone */
    nsec_t since;    /* when that began, CLOCK_BOOTTIME of ours */
};

/* A sample of `sent` by the guest's clock arrived. How much longer than the quickest it took. */
nsec_t guest_clock_take(struct guest_clock *clock, nsec_t received, nsec_t sent);

#endif
