/* What our sides of the interoperability tests share. */
#ifndef VMRECLAIM_TESTS_INTEROP_SIDE_H
#define VMRECLAIM_TESTS_INTEROP_SIDE_H

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

/* Prints a line on standard error and exits with 1. */
void side_die(const char *format, ...) printf_like(1, 2);

/* Serves on a UNIX socket until standard input ends. `on_accept` gets the loop as its userdata. */
void side_serve(uv_loop_t *loop, const char *path, listener_callback on_accept);

/* Connects to a UNIX socket, and is a client there. */
struct ttrpc_connection *side_connect(uv_loop_t *loop, const char *path);

/* Answers each request with a range that begins there. */
void side_list_free_ranges(struct ttrpc_call *call, const ProtobufCMessage *request,
                           void *userdata);

#endif
