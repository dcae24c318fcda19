/* /metrics: the daemon's figures and a fleet's, asked for when somebody wants them. */
#ifndef VMRECLAIM_CONTROLLER_WEB_SCRAPE_H
#define VMRECLAIM_CONTROLLER_WEB_SCRAPE_H

#include "controller/client/fetch.h"
#include "controller/web/fleet-rounds.h"
#include "controller/web/metrics.h"
#include "controller/web/server.h"
#include "controller/web/shared.h"

struct scrape {
    struct fetcher *fetcher;
    enum metrics_scope scope;
    struct fetch *fetch; /* NULL: none is under way */
    struct fleet_rounds *rounds;
    struct fleet_waiter waiter;
    bool waits;                 /* for a round */
    ProtobufCMessage *counters; /* until the page is made; NULL: there are none */
    struct shared page;
};

void scrape_init(struct scrape *scrape, struct fetcher *fetcher, struct fleet_rounds *rounds,
                 enum metrics_scope scope);
void scrape_finish(struct scrape *scrape);

void scrape_answer(struct scrape *scrape, struct request *request);

/* How long the daemon may take, from a scraper's X-Prometheus-Scrape-Timeout-Seconds: half a second
 * less than it waits. NULL, or no number: 5 s. */
nsec_t scrape_timeout(const char *header);

/* Asks the daemon for its figures. As fetch_start. */
int scrape_fetch(struct fetcher *fetcher, nsec_t timeout, fetch_callback on_end, void *userdata,
                 struct fetch **ret_fetch);

#endif
