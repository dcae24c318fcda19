/* A desired state that was handed in: verified, judged, and read as a whole, before anything of it
 * is stored. */
#ifndef VMRECLAIM_CONTROLLER_DESIRED_STATE_H
#define VMRECLAIM_CONTROLLER_DESIRED_STATE_H

#include "controller/desired/judge.h"
#include "controller/store/requests.h"

#define DESIRED_BYTES_MAX     ((size_t)512 * 1024) /* of a SignedState */
#define DESIRED_POLICIES_MAX  64
#define DESIRED_SELECTORS_MAX 256 /* of one policy */

struct desired_names;

struct desired_state {
    struct signed_state opened; /* what the rest points to */
    uint8_t digest[DESIRED_DIGEST_SIZE];
    uint8_t key_id[SIGNING_ID_SIZE];
    enum desired_verdict verdict;
    struct desired_names *names; /* of its policies, in their order */
    struct store_desired_policy *policies;
    Applied head;
    struct store_desired desired; /* as the store takes it */
};

/* -EPERM: it is refused, with the sentence; -ENOMEM. `ret_generation`: its own where its signature
 * held, else 0. Neither is moved nor copied afterwards. */
int desired_state_read(struct desired_state *state, const uint8_t *bytes, size_t size,
                       const struct fleet_settings *settings, const Applied *applied, int64_t now,
                       uint64_t *ret_generation, struct error *error);

/* Also of one that could not be read. */
void desired_state_finish(struct desired_state *state);

#endif
