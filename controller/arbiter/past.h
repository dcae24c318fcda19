/* What the arbiter remembers of a VM over a restart of the daemon: how its memory was turned, that
 * it was in need, what it was promised. Of another boot of the host nothing holds. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_PAST_H
#define VMRECLAIM_CONTROLLER_ARBITER_PAST_H

#include "controller/arbiter/types.h"

#define PAST_LINE_SIZE 256
#define PAST_TIME      ARBITER_CHANGES_IN /* what is older matters no more */

/* As it is kept. */
void past_format(const struct arbiter_memory *memory, const char *host_boot_id,
                 char line[static PAST_LINE_SIZE]);

/* The inverse, into a memory of zeroes. -EINVAL; -ESTALE: of another boot, or too old. */
int past_parse(const char *line, const char *host_boot_id, nsec_t now,
               struct arbiter_memory *ret_memory);

/* What is kept of both is the same. */
bool past_equal(const struct arbiter_memory *a, const struct arbiter_memory *b);

#endif
