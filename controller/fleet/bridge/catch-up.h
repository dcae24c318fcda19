/* What of the daemon's records is asked for, and told, when. Pure: answers and moments go in, what
 * to do next comes out.
 *
 * Theory of operation: the daemon's store is the spool. A page of records behind the cursor is
 * asked for; each that tells something is told, oldest first, one at a time and at most fifty a
 * second. The cursor moves behind what the bus has acknowledged. So whatever ends in the midst,
 * what was not acknowledged is told again, with the same id.
 *
 * Failure modes: the cursor is of no use, because it was lost, or is of another store: the last day
 * is told. Records were let go before they were told: an event says so. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_CATCH_UP_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_CATCH_UP_H

#include <stdbool.h>

#include "common/base/time.h"
#include "controller/fleet/bridge/cursor.h"
#include "controller/fleet/bridge/event.h"
#include "controller/fleet/bridge/news.h"

/* What is in no record comes between, as it happens: it is told before records, and where the
 * bridge ends it is lost. */
#define CATCH_UP_PAGE  64u
#define CATCH_UP_GAP   (20 * NSEC_PER_MSEC) /* between two that are told */
#define CATCH_UP_AGAIN (2 * NSEC_PER_SEC)   /* where nothing is new */
#define CATCH_UP_NEWS  (30 * NSEC_PER_SEC)  /* the same of news, which holds up no record */
#define CATCH_UP_RETRY (5 * NSEC_PER_SEC)   /* what failed */
#define CATCH_UP_DAY   ((int64_t)86400 * (int64_t)NSEC_PER_SEC)

struct catch_up_entry {
    struct told_event event;
    uint64_t number; /* the cursor's once it is told */
};

struct catch_up {
    const char *host;
    struct cursor cursor;
    uint64_t page_end; /* the cursor's once the page is told */
    uint64_t gap_told; /* of a store's `lost` */
    struct catch_up_entry page[CATCH_UP_PAGE + 1];
    size_t count;
    size_t next; /* of the page, to be told */
    struct news news;
    bool is_news;      /* what is told now */
    nsec_t due;        /* nothing is done before; CLOCK_BOOTTIME */
    nsec_t news_due;   /* no news is told before */
    bool is_under_way; /* what was begun has not ended */
};

enum catch_up_step {
    CATCH_UP_REST, /* until `due`, or what is under way ends */
    CATCH_UP_ASK,
    CATCH_UP_TELL,
};

typedef Vmreclaim__Controller__V1__ListActionChangesRequest ChangesRequest;
typedef Vmreclaim__Controller__V1__ListActionChangesResponse ChangesResponse;

/* `host` outlives it; a cursor that is not known is zeroed. */
void catch_up_init(struct catch_up *catch_up, const char *host, const struct cursor *cursor);
void catch_up_finish(struct catch_up *catch_up);

/* The bus came: what waits for it is tried at once. */
void catch_up_bus_came(struct catch_up *catch_up);

/* What is to be begun now. */
enum catch_up_step catch_up_begin(struct catch_up *catch_up, nsec_t now);

/* Something happened that has no record. */
void catch_up_happened(struct catch_up *catch_up, const Vmreclaim__Controller__V1__Event *event,
                       nsec_t now);

/* What to ask the daemon for. `time` is UNIX nanoseconds. */
void catch_up_ask(const struct catch_up *catch_up, int64_t time, ChangesRequest *request);

/* Its answer; NULL: it failed. */
void catch_up_answered(struct catch_up *catch_up, const ChangesResponse *response, nsec_t now,
                       int64_t time);

/* What to tell. */
const struct told_event *catch_up_event(struct catch_up *catch_up);

/* The bus has it, or it will never take it; not so: it is told again. */
void catch_up_told(struct catch_up *catch_up, bool is_done, nsec_t now);

#endif
