/* What the balloon's files share. */
#ifndef VMRECLAIM_LEASES_INTERNAL_H
#define VMRECLAIM_LEASES_INTERNAL_H

#include "controller/leases/balloon.h"

/* NULL: there is none with this id. */
struct balloon_lease *balloon_find_lease(struct balloon_control *control, uint64_t id);
void balloon_drop_lease(struct balloon_control *control, uint64_t id);

/* It holds memory, or is to. */
bool balloon_counts(const struct balloon_lease *entry);

/* As the table of lease.h allows; the same state is fine. */
void balloon_set_state(struct balloon_lease *entry, enum lease_state state);
void balloon_release_all(struct balloon_control *control);

/* Bytes that could be taken without touching the headroom. */
uint64_t balloon_takeable(const struct balloon_input *input);

#endif
