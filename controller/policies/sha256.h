/* SHA-256 (FIPS 180-4), for the identity of policy texts. */
#ifndef VMRECLAIM_POLICIES_SHA256_H
#define VMRECLAIM_POLICIES_SHA256_H

#include <stddef.h>

#define SHA256_TEXT_SIZE 65

/* Hexadecimal digits of the hash, ended by '\0'. */
void sha256_text(const void *data, size_t length, char text[SHA256_TEXT_SIZE]);

#endif
