/* The line by which a host asks for a port of the guest: "CONNECT PORT\n". */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_COMMAND_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#define COMMAND_SIZE_MIN 10u /* "CONNECT 0\n" */
#define COMMAND_SIZE_MAX 32u

/* Returns the length of the line with its newline; what follows it is for the guest. -EPROTO: there
 * is no such line in the first COMMAND_SIZE_MAX bytes. A line in pieces is none. */
int command_parse(const char *bytes, size_t length, uint32_t *ret_port);

#endif
