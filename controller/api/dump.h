/* DumpState: everything the daemon knows, as one JSON document in pieces.
 *
 * Theory of operation: a dump is made in slices of a few VMs. Of all dumps under way one slice is
 * made in a turn of the loop, so they cost others no more than one does. More is made when what was
 * made is sent. A dump waits for its reader with one slice and with the leases, so of others than
 * root there are few at once. VMs are gone through by name: one that is there all the time is in
 * the dump once, whatever comes and goes meanwhile.
 *
 * Failure modes: without memory the call fails, and where too many dumps are under way. When its
 * reader has gone a dump ends with its next slice. */
#ifndef VMRECLAIM_CONTROLLER_API_DUMP_H
#define VMRECLAIM_CONTROLLER_API_DUMP_H

#include <protobuf-c/protobuf-c.h>

struct api;
struct api_call;

void api_dumps_init(struct api *api);
/* After the connections are closed: ends those that are ready. */
void api_dumps_stop(struct api *api);

/* The method's handler. */
void api_dump_state(struct api_call *call, const ProtobufCMessage *request);

#endif
