/* A ring; what is pushed out of it is counted, and told as a gap before the rest. */
#include "controller/fleet/bridge/news.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void news_init(struct news *news, const char *host)
{
    *news = (struct news){.host = host};
}

static void drop_first(struct news *news)
{
    assert(news->count > 0);
    free(news->ring[news->first].packed);
    news->first = (news->first + 1) % NEWS_MAX;
    news->count--;
}

void news_finish(struct news *news)
{
    while (news->count > 0)
        drop_first(news);
    free(news->gap.packed);
    news->gap.packed = NULL;
}

void news_put(struct news *news, const struct told_event *event, int64_t time)
{
    if (news->count == NEWS_MAX) {
        drop_first(news);
        news->dropped++;
        news->dropped_time = time;
    }
    news->ring[(news->first + news->count++) % NEWS_MAX] = *event;
}

void news_add(struct news *news, const Vmreclaim__Controller__V1__Event *event)
{
    struct told_event told;

    if (event_of_news(news->host, event, &told) == 0)
        news_put(news, &told, event->time_ns);
}

/* Without memory it is told later. */
static void make_gap(struct news *news)
{
    char text[128];

    snprintf(text, sizeof(text),
             "%" PRIu64 " events were left out: this host was away from the bus", news->dropped);
    if (event_of_gap(news->host, "events", (uint64_t)news->dropped_time, news->dropped_time, text,
                     &news->gap) == 0)
        news->gap_dropped = news->dropped;
}

const struct told_event *news_first(struct news *news)
{
    if (news->dropped > 0 && news->gap.packed == NULL)
        make_gap(news);
    if (news->gap.packed != NULL)
        return &news->gap;
    return news->count == 0 ? NULL : &news->ring[news->first];
}

void news_pop(struct news *news)
{
    if (news->gap.packed == NULL) {
        drop_first(news);
        return;
    }
    free(news->gap.packed);
    news->gap.packed = NULL;
    assert(news->dropped >= news->gap_dropped);
    news->dropped -= news->gap_dropped;
}
