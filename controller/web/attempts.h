/* How often an address may have a password verified: BURST at once, then one in PERIOD. Attempts
 * that succeed are given back. The newest ATTEMPTS_ADDRESSES are remembered. Pure. */
#ifndef VMRECLAIM_CONTROLLER_WEB_ATTEMPTS_H
#define VMRECLAIM_CONTROLLER_WEB_ATTEMPTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

#define ATTEMPTS_ADDRESSES 512
#define ATTEMPTS_BURST     10
#define ATTEMPTS_PERIOD    (2 * NSEC_PER_SEC)

struct sockaddr;

struct attempts {
    struct {
        uint64_t address;
        nsec_t paid; /* until then earlier attempts take the time of the next ones */
    } places[ATTEMPTS_ADDRESSES];
};

/* What counts as one address: one of IPv4, or the first 64 bits of one of IPv6. Others: 0. */
uint64_t attempts_address(const struct sockaddr *name);

/* The same for a person; `buffer` has ATTEMPTS_TEXT_SIZE bytes. */
#define ATTEMPTS_TEXT_SIZE 64
const char *attempts_text(uint64_t address, char *buffer);

/* 0: an attempt may be made. Else how long it has to wait. */
nsec_t attempts_take(struct attempts *attempts, uint64_t address, nsec_t now);
void attempts_give_back(struct attempts *attempts, uint64_t address);

#endif
