/* Allocation failures on demand: malloc, calloc and realloc of everything linked statically into a
 * test (by the linker's --wrap) and those of libuv. Link with fault_dep. */
#ifndef VMRECLAIM_TESTS_LIB_FAULT_H
#define VMRECLAIM_TESTS_LIB_FAULT_H

#include <stdbool.h>
#include <stddef.h>

/* Before the first use of libuv: it allocates through us from then on. */
void fault_install(void);

/* From now on allocation number `countdown` fails; 0 is the next one. */
void fault_arm(unsigned countdown);

/* No more failures. True when one happened since fault_arm: an allocation sweep goes on until a
 * scenario has fewer allocations than the countdown. */
bool fault_disarm(void);

/* Allocations not freed yet: the same before and after a scenario that does not leak. */
size_t fault_outstanding(void);

#endif
