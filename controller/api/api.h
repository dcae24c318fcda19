/* The operators' API: who may call what, the calls, the event stream.
 *
 * Theory of operation: a client comes through a door (connections.c: ttRPC), which knows who it is.
 * Its call goes to the dispatcher, which looks at permission, audit and limits, and on to the
 * handler of the method (method.h). Handlers see a call of ours (call.h) and the daemon's rooms,
 * never a door.
 *
 * Events go to every watcher. One that reads too slowly loses some and is notified how many. */
#ifndef VMRECLAIM_CONTROLLER_API_API_H
#define VMRECLAIM_CONTROLLER_API_API_H

#include "controller/api/connections.h"
#include "controller/api/dispatch.h"

void api_init(struct api *api, const struct api_rooms *rooms);

/* Closes all connections; run the loop until it is empty, then api_finish. */
void api_stop(struct api *api);
void api_finish(struct api *api);

#endif
