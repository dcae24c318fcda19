/* The event stream: the supervisor's events, to everyone who watches. */
#ifndef VMRECLAIM_CONTROLLER_API_EVENTS_H
#define VMRECLAIM_CONTROLLER_API_EVENTS_H

#include "controller/api/dispatch.h"

/* Listens to the supervisor, for those who call WatchEvents. */
void api_events_init(struct api *api);

#endif
