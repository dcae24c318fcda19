/* The ttRPC door. */
#ifndef VMRECLAIM_API_CONNECTIONS_H
#define VMRECLAIM_API_CONNECTIONS_H

#include "controller/api/dispatch.h"

/* Takes a connected descriptor over: the ttRPC door. */
void api_accept(struct api *api, int descriptor, const struct peer *peer);

void api_door_init(struct api *api);

/* Closes all connections; the loop has to run until they are gone. */
void api_door_stop(struct api *api);

#endif
