/* The parts of vmreclaim-web put together: the way to the daemon, the server, and who answers what.
 */
#ifndef VMRECLAIM_CONTROLLER_WEB_WEB_H
#define VMRECLAIM_CONTROLLER_WEB_WEB_H

#include "common/base/notify.h"
#include "controller/web/api.h"
#include "controller/web/door.h"
#include "controller/web/fetch.h"
#include "controller/web/options.h"
#include "controller/web/server.h"
#include "controller/web/upstream.h"

struct web {
    uv_loop_t *loop;
    struct upstream upstream;
    struct fetcher fetcher;
    struct api api;
    struct server server;
    struct door *door;
    char *certificate; /* PEM texts; NULL: none */
    char *key;
    struct notify notify;
    uv_timer_t watchdog;
};

/* The caller's memory, until the loop is dry. */
int web_start(struct web *web, uv_loop_t *loop, const struct options *options, struct error *error);
void web_stop(struct web *web);

/* After the loop is dry. */
void web_finish(struct web *web);

#endif
