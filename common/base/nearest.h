/* The name somebody probably meant. */
#ifndef VMRECLAIM_COMMON_BASE_NEAREST_H
#define VMRECLAIM_COMMON_BASE_NEAREST_H

#include <stddef.h>

/* Finds the nearest of many names, given one after the other. Zero-initialise but for `wanted`. */
struct nearest {
    const char *wanted;
    const char *name; /* the nearest so far, not copied; NULL: none is near enough */
    size_t distance;
};

/* Near enough is a third of the wanted name's letters, at least one, inserted, left out, replaced
 * or swapped with a neighbour. Longer names than 64 bytes are never near. */
void nearest_offer(struct nearest *nearest, const char *name);

#endif
