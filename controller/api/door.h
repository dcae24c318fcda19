/* The ttRPC door's begin and end; api_accept is its way in. */
#ifndef VMRECLAIM_API_DOOR_H
#define VMRECLAIM_API_DOOR_H

struct api;

void api_door_init(struct api *api);

/* Closes all connections; the loop has to run until they are gone. */
void api_door_stop(struct api *api);

#endif
