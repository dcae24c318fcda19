/* Pages of figures. When the daemon is away there is a page, too: it says so. */
#include "controller/web/scrape.h"

#include <stdlib.h>

#include "common/base/log.h"
#include "common/message/copy.h"
#include "controller.pb-c.h"
#include "controller/web/reply.h"

#define TIMEOUT        (5 * NSEC_PER_SEC)
#define TIMEOUT_MAX    (30 * NSEC_PER_SEC)
#define TIMEOUT_MIN    (NSEC_PER_SEC / 2)
#define TIMEOUT_SPARED (NSEC_PER_SEC / 2)

nsec_t scrape_timeout(const char *header)
{
    char *end = NULL;
    double seconds = header == NULL ? 0 : strtod(header, &end);
    nsec_t timeout;

    if (header == NULL || end == header || *end != '\0' || !(seconds > 0))
        return TIMEOUT;
    timeout = seconds > (double)TIMEOUT_MAX / 1e9 ? TIMEOUT_MAX : (nsec_t)(seconds * 1e9);
    return timeout < TIMEOUT_MIN + TIMEOUT_SPARED ? TIMEOUT_MIN : timeout - TIMEOUT_SPARED;
}

int scrape_fetch(struct fetcher *fetcher, nsec_t timeout, fetch_callback on_end, void *userdata,
                 struct fetch **ret_fetch)
{
    Vmreclaim__Controller__V1__GetCountersRequest message =
        VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_REQUEST__INIT;
    const struct fetch_request fetch = {
        .method = "GetCounters",
        .form = FETCH_PAGES,
        .message = &message.base,
        .timeout = timeout,
        .on_end = on_end,
        .userdata = userdata,
    };

    return fetch_start(fetcher, &fetch, ret_fetch);
}

/* The newest round's; NULL: it brought none, or there is no fleet. */
static const struct fleet_facts *facts_of(const struct scrape *scrape)
{
    bool is_there = scrape->rounds->number > 0 && scrape->rounds->status == TTRPC_OK &&
                    scrape->rounds->fetcher->upstream->connection != NULL;

    return is_there ? &scrape->rounds->facts : NULL;
}

/* A page of somebody who is away is for nobody who comes later. */
static void put_page(struct scrape *scrape)
{
    const struct metrics metrics = {.has_daemon = !scrape->fetcher->upstream->is_none,
                                    .counters = (const void *)scrape->counters,
                                    .scope = scrape->scope,
                                    .has_fleet = !scrape->rounds->fetcher->upstream->is_none,
                                    .fleet = facts_of(scrape)};
    bool is_passing = (metrics.has_daemon && metrics.counters == NULL) ||
                      (metrics.has_fleet && metrics.fleet == NULL);
    size_t length = 0;
    char *text = NULL;

    if (metrics_render(&metrics, &text, &length) < 0)
        log_warning("no page of metrics: out of memory");
    message_free(scrape->counters);
    scrape->counters = NULL;
    shared_put(&scrape->page, MHD_HTTP_OK, text, length, is_passing);
}

static bool is_under_way(const struct scrape *scrape)
{
    return scrape->fetch != NULL || scrape->waits;
}

static void on_counters(const struct ttrpc_result *result, void *userdata)
{
    struct scrape *scrape = userdata;

    scrape->fetch = NULL;
    if (result->code != TTRPC_OK)
        log_debug("no figures: %s", result->message);
    else
        scrape->counters = message_copy(result->response);
    if (!is_under_way(scrape))
        put_page(scrape);
}

static void on_round(void *userdata)
{
    struct scrape *scrape = userdata;

    scrape->waits = false;
    if (!is_under_way(scrape))
        put_page(scrape);
}

/* Asks both at once. */
static void begin(struct scrape *scrape, nsec_t timeout)
{
    (void)scrape_fetch(scrape->fetcher, timeout, on_counters, scrape, &scrape->fetch);
    scrape->waits = !fleet_rounds_are_fresh(scrape->rounds) &&
                    fleet_rounds_wait(scrape->rounds, &scrape->waiter) == 0;
}

void scrape_answer(struct scrape *scrape, struct request *request)
{
    nsec_t timeout = scrape_timeout(request_header(request, "X-Prometheus-Scrape-Timeout-Seconds"));

    if (shared_is_fresh(&scrape->page)) {
        shared_answer(&scrape->page, request);
        return;
    }
    if (!is_under_way(scrape))
        begin(scrape, timeout);
    if (is_under_way(scrape)) {
        shared_wait(&scrape->page, request);
        return;
    }
    put_page(scrape);
    shared_answer(&scrape->page, request);
}

void scrape_init(struct scrape *scrape, struct fetcher *fetcher, struct fleet_rounds *rounds,
                 enum metrics_scope scope)
{
    *scrape = (struct scrape){.fetcher = fetcher, .rounds = rounds, .scope = scope};
    scrape->waiter = (struct fleet_waiter){.on_round = on_round, .userdata = scrape};
    list_init(&scrape->waiter.link);
    shared_init(&scrape->page, REPLY_METRICS);
}

void scrape_finish(struct scrape *scrape)
{
    if (scrape->fetch != NULL)
        fetch_cancel(scrape->fetch);
    fleet_rounds_leave(&scrape->waiter);
    message_free(scrape->counters);
    shared_finish(&scrape->page);
}
