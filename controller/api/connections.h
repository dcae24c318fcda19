/* The ttRPC door. */
#ifndef VMRECLAIM_CONTROLLER_API_CONNECTIONS_H
#define VMRECLAIM_CONTROLLER_API_CONNECTIONS_H

#include "controller/api/dispatch.h"

/* How long a text of a request may be: a name, a selector, an id. Some may be longer. */
#define API_TEXT_BYTES 256
extern const struct ttrpc_text_bound api_texts[];

/* Takes a connected descriptor over: the ttRPC door. */
void api_accept(struct api *api, int descriptor, const struct peer *peer);

/* Who may do what from now on. Open connections of those who may not do any more what they could
 * are closed. */
void api_set_groups(struct api *api, const struct api_groups *groups);

void api_door_init(struct api *api);

/* Closes all connections; the loop has to run until they are gone. */
void api_door_stop(struct api *api);

#endif
