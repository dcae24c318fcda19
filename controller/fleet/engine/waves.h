/* Which hosts get a rollout's policy with which wave. Pure.
 *
 * Hosts fall into waves by a hash, so every coordinator computes the same and nobody keeps a list
 * of those to come. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_WAVES_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_WAVES_H

#include "controller/fleet/engine/document.h"
#include "controller/fleet/engine/view.h"

/* The first 8 bytes of SHA-256(rollout, '\0', host), big-endian: the host's place in the rollout.
 * Hosts with places below p * 2^64 are in the part p of the fleet. */
uint64_t wave_place(const char *rollout, const char *host);

/* The place in permyriad of all places, 0 to 9999. */
uint32_t wave_permyriad(uint64_t place);

/* How many waves there are, the canary's with them. */
uint32_t wave_count(const Rollout *rollout);

/* The host is meant by the rollout's selector. Needs its status. */
bool wave_means(const Rollout *rollout, const struct fleet_host *host);

/* Who is to be treated with a wave, as indexes of the view. */
struct wave_members {
    size_t *present;
    size_t count;
    size_t *late; /* lost now */
    size_t late_count;
};

/* `is_treated`: of each host of the view. -ENOMEM. wave_members_finish() also after a failure. */
int wave_members_find(const Rollout *rollout, uint32_t wave, const struct fleet_view *view,
                      const bool is_treated[], struct wave_members *ret);
void wave_members_finish(struct wave_members *members);

#endif
