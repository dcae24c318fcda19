/* Whether a desired state whose signature holds is for this host, and now. Pure.
 *
 * Who carries a state may be anybody: he can keep one back, hand in an old one again, or one of
 * another host. A newer one has a higher generation; what was kept back too long has expired. */
#ifndef VMRECLAIM_CONTROLLER_DESIRED_JUDGE_H
#define VMRECLAIM_CONTROLLER_DESIRED_JUDGE_H

#include <stdint.h>

#include "common/base/time.h"
#include "controller/config/fleet-settings.h"
#include "controller/signing/signed-state.h"

#define DESIRED_DIGEST_SIZE 32 /* SHA-256 */

/* How far the clocks of two hosts may lie apart. */
#define DESIRED_CLOCK_SLACK (600 * NSEC_PER_SEC)

enum desired_verdict {
    DESIRED_NEW,
    DESIRED_AGAIN, /* it is the one in force: what could not be taken then may be taken now */
    DESIRED_OVER,  /* the same, and it has expired: it stays as it is */
};

/* `applied`: what is in force, NULL: nothing was taken yet. `now`: UNIX nanoseconds. -EPERM: it is
 * refused, with the sentence. */
int desired_judge(const DesiredState *state, const uint8_t digest[DESIRED_DIGEST_SIZE],
                  const struct fleet_settings *settings,
                  const Vmreclaim__Fleet__V1__Applied *applied, int64_t now, struct error *error);

#endif
