/* /api/...: what the command line shows, as the same JSON. Each path is a method of the operators'
 * API, or of a fleet's, that reads; the arguments are fields of its request, by their names in the
 * .proto file. */
#ifndef VMRECLAIM_CONTROLLER_WEB_API_H
#define VMRECLAIM_CONTROLLER_WEB_API_H

#include "controller/client/fetch.h"
#include "controller/web/server.h"

#define API_PREFIX "/api/"

struct api {
    struct fetcher *fetchers[2]; /* the daemon's, a coordinator's */
    struct list answers;         /* struct answer, by the latest question */
    unsigned count;
};

void api_init(struct api *api, struct fetcher *daemon, struct fetcher *fleet);
void api_finish(struct api *api);

/* A request whose path begins with API_PREFIX. */
void api_answer(struct api *api, struct request *request);

/* The HTTP status of a call that ended so. */
unsigned api_status(enum ttrpc_code code);

#endif
