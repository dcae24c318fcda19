/* What happened and is in no record, until it is told: in memory, the newest NEWS_MAX. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_NEWS_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_NEWS_H

#include "controller/fleet/bridge/event.h"

#define NEWS_MAX 1024u

struct news {
    const char *host;
    struct told_event ring[NEWS_MAX];
    size_t first;
    size_t count;
    /* ---- what did not fit ---- */
    uint64_t dropped;      /* and no event has said so */
    int64_t dropped_time;  /* of the last one; UNIX nanoseconds */
    struct told_event gap; /* that says so; packed NULL: none */
    uint64_t gap_dropped;  /* of how many */
};

/* `host` outlives it. */
void news_init(struct news *news, const char *host);
void news_finish(struct news *news);

/* Without memory it is left out. */
void news_add(struct news *news, const Vmreclaim__Controller__V1__Event *event);

/* Takes what is packed; `time` is UNIX nanoseconds. */
void news_put(struct news *news, const struct told_event *event, int64_t time);

/* The next to tell; NULL: there is none. It stays until news_pop. */
const struct told_event *news_first(struct news *news);
void news_pop(struct news *news);

#endif
