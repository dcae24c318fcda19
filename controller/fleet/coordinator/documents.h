/* The documents of rollouts as they are known here: for the folder's own files. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_DOCUMENTS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_DOCUMENTS_H

#include "controller/fleet/coordinator/rollouts.h"

/* Of subjects of the bucket. */
#define SUBJECT_SIZE 192

/* Keys of the bucket. */
#define DOCUMENT_KEY "rollout."
#define POLICY_KEY   "policy."

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

/* NULL: there is none. */
struct rollout_entry *documents_find(const struct rollouts *rollouts, const char *id);

/* The document is taken over, and kept where nothing newer is known. Where there is no room it is
 * left out, which the log says. */
void documents_put(struct rollouts *rollouts, Rollout *document, uint64_t revision);

void documents_forget(struct rollout_entry *entry);

/* ---- orders ---- */

/* Those under way end without an answer. */
void orders_stop(struct rollouts *rollouts);

#endif
