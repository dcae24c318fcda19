/* A rollout's document, which lies in the bucket: reading and editing the message in place. For the
 * folder's own files. Messages are as protobuf-c unpacks them with its default allocator. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_DOCUMENT_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_DOCUMENT_H

#include <stdbool.h>

#include "common/base/util.h"
#include "fleet.pb-c.h"

typedef Vmreclaim__Fleet__V1__Rollout Rollout;
typedef Vmreclaim__Fleet__V1__RolloutState RolloutState;
typedef Vmreclaim__Fleet__V1__GateState GateState;

#define ROLLOUT_STATE(state) VMRECLAIM__FLEET__V1__ROLLOUT_STATE__ROLLOUT_##state
#define ROLLOUT_STATE_COUNT  (ROLLOUT_STATE(SUPERSEDED) + 1)
#define PERMYRIAD            10000U
#define DOCUMENT_HISTORY_MAX 64

/* "soaking"; "?" for what is no state. */
const char *rollout_state_name(RolloutState state);

/* Of a packed document: what a message of the bus may have, without its subject. */
#define DOCUMENT_BYTES_MAX ((size_t)1020 * 1024)

/* How many bytes of hosts there is room for, beside what it has and what will be written in it. */
size_t document_room(const Rollout *rollout);
size_t document_host_bytes(const char *host);

bool document_is_late(const Rollout *rollout, const char *host);

/* All: -ENOMEM, the document is then half edited and to be thrown away. */
int document_set_text(char **field, const char *text);
int document_add_text(char ***list, size_t *count, const char *text);
/* The host is treated from now on; it is late no more. */
int document_add_host(Rollout *rollout, const char *host);
int document_add_late(Rollout *rollout, const char *host);

/* Into a state, with a line of history; `reason` is NULL where there is none. What hosts and guests
 * called themselves may be in it: it is made safe, and cut. */
int document_move(Rollout *rollout, RolloutState state, int64_t time_ns, const char *reason);

/* The state that it goes on with after a pause. What is judged after a resumption has that from
 * before. */
RolloutState document_going_on(const Rollout *rollout);

/* The gate's state, made where there is none; NULL: no memory. */
GateState *document_gate(Rollout *rollout, const char *name);

/* Failures are counted from the beginning. */
void document_forget_failures(Rollout *rollout);

#endif
