/* The parts of vmreclaim-web put together: the ways to the daemon and to a coordinator, the server,
 * and who answers what.
 */
#ifndef VMRECLAIM_CONTROLLER_WEB_WEB_H
#define VMRECLAIM_CONTROLLER_WEB_WEB_H

#include "common/base/notify.h"
#include "controller/client/fetch.h"
#include "controller/client/upstream.h"
#include "controller/web/api.h"
#include "controller/web/door.h"
#include "controller/web/events.h"
#include "controller/web/fleet-answers.h"
#include "controller/web/login.h"
#include "controller/web/options.h"
#include "controller/web/page.h"
#include "controller/web/scrape.h"
#include "controller/web/secrets.h"
#include "controller/web/server.h"
#include "controller/web/textfile.h"

struct web {
    uv_loop_t *loop;
    struct upstream daemon;
    struct upstream fleet; /* a coordinator */
    struct fetcher fetcher;
    struct fetcher fleet_fetcher;
    struct fleet_rounds fleet_rounds;
    struct fleet_answers fleet_answers;
    struct api api;
    struct events events;
    struct page page;
    struct scrape scrape;
    struct textfile textfile;
    bool is_textfile; /* nothing is served */
    struct server server;
    struct login login;     /* without passwords nobody needs to log in */
    struct secrets secrets; /* of `server` and `login` */
    struct door *door;
    struct notify notify;
    uv_timer_t watchdog;
};

/* The caller's memory, until the loop is dry. With --textfile nothing is served, and `on_done`
 * tells when the file was written, if that is once. */
int web_start(struct web *web, uv_loop_t *loop, const struct options *options,
              void (*on_done)(int r, void *userdata), void *userdata, struct error *error);
void web_stop(struct web *web);

/* Reads certificate, key and passwords again. */
void web_reload(struct web *web);

/* After the loop is dry. */
void web_finish(struct web *web);

#endif
