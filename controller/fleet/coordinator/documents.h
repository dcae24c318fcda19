/* The documents of rollouts, as they lie in a bucket of the bus and are known here. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_DOCUMENTS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_DOCUMENTS_H

#include "common/base/list.h"
#include "controller/fleet/engine/rollout.h"

#define ROLLOUTS_STREAM  "KV_VMR_ROLLOUT"
#define ROLLOUTS_SUBJECT "$KV.VMR_ROLLOUT."
#define SUBJECT_SIZE     192

/* Keys of the bucket. */
#define DOCUMENT_KEY "rollout."
#define POLICY_KEY   "policy."

/* Known here; beyond it those that ended are forgotten. */
#define ROLLOUTS_MAX 1000

struct documents {
    struct list list; /* struct rollout_entry */
    size_t count;
};

struct rollout_entry {
    struct list link; /* the newest last */
    struct documents *documents;
    Rollout *document;
    uint64_t revision;             /* 0: the bus has lost it */
    struct rollout_engine *engine; /* NULL: it was not run here yet */
    Rollout *stored;               /* under way to the bus; NULL: nothing is */
};

/* ---- messages ---- */

/* For the caller to free; NULL: no memory. */
uint8_t *document_pack(const Rollout *document, size_t *ret_length);

/* NULL: no memory. */
Rollout *document_copy(const Rollout *document);

/* NULL is fine. */
void document_destroy(Rollout *document);

/* A policy has one rollout at a time: what a second one measured would be of both. */
bool document_is_under_way(const Rollout *document);

/* Hosts have their policy from it. */
bool document_is_in_force(const Rollout *document);

/* ---- entries ---- */

void documents_init(struct documents *documents);

/* NULL: there is none. */
struct rollout_entry *documents_find(const struct documents *documents, const char *id);

/* The document is taken over, and kept where nothing newer is known. Where there is no room it is
 * left out, which the log says. */
void documents_put(struct documents *documents, Rollout *document, uint64_t revision);

void documents_forget(struct rollout_entry *entry);

#endif
