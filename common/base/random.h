/* Random numbers for ids and for waits that are spread; nothing here is a secret. */
#ifndef VMRECLAIM_COMMON_BASE_RANDOM_H
#define VMRECLAIM_COMMON_BASE_RANDOM_H

#include <stdint.h>

/* Never waits and never fails. Early in the boot of a guest without a random number generator the
 * kernel's good numbers may take minutes, which a microVM's agent has not. */
uint64_t random_bits(void);

#endif
