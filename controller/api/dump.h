/* DumpState: everything the daemon knows, as one JSON document in pieces.
 *
 * Theory of operation: a dump is made in slices (slices.h): first the sums of all VMs, then what is
 * written. More is made when what was made is sent. A dump waits for its reader with one slice and
 * with the leases, so of others than root there are few at once.
 *
 * Failure modes: without memory the call fails, and where too many dumps are under way. When its
 * reader has gone a dump ends with its next slice. */
#ifndef VMRECLAIM_CONTROLLER_API_DUMP_H
#define VMRECLAIM_CONTROLLER_API_DUMP_H

#include <protobuf-c/protobuf-c.h>

struct api_call;

/* The method's handler. */
void api_dump_state(struct api_call *call, const ProtobufCMessage *request);

#endif
