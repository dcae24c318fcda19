/* Walks over kpageflags for callers. */
#include "agent/calls/scans.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent.pb-c.h"
#include "agent/calls/messages.h"

#define RANGES_PER_MESSAGE 128
/* One step of the walk may complete this many more ranges: at most a group of 64 pageblocks that
 * was looked at before, and another. */
#define RANGES_PER_STEP 128
#define RANGES_MAX      (RANGES_PER_MESSAGE + RANGES_PER_STEP)

/* A GetMemory that waits for a pass. */
struct memory_call {
    struct scans *scans;
    struct list link;
    struct ttrpc_call *call;
    bool exact;
};

/* A ListFreeRanges. */
struct listing {
    struct scans *scans;
    struct list link;
    struct ttrpc_call *call;
    bool is_blocked; /* the reader is slow */
    bool is_complete;
    bool has_overflow;
    size_t count;
    Vmreclaim__Agent__V1__Range ranges[RANGES_MAX];
    Vmreclaim__Agent__V1__Range *pointers[RANGES_MAX];
    struct ranges_scan scan;
};

static void on_idle(uv_idle_t *idle);

static void wake(struct scans *scans)
{
    uv_idle_start(&scans->idle, on_idle);
}

void scans_init(struct scans *scans, uv_loop_t *loop, int root, struct sensors *sensors)
{
    memset(scans, 0, sizeof(*scans));
    scans->root = root;
    scans->sensors = sensors;
    list_init(&scans->memory_calls);
    list_init(&scans->listings);
    uv_idle_init(loop, &scans->idle);
    scans->idle.data = scans;
}

static void on_idle_closed(uv_handle_t *handle)
{
    struct scans *scans = handle->data;

    scans->on_closed(scans->userdata);
}

void scans_close(struct scans *scans, void (*on_closed)(void *userdata), void *userdata)
{
    scans->on_closed = on_closed;
    scans->userdata = userdata;
    uv_close((uv_handle_t *)&scans->idle, on_idle_closed);
}

/* ---- GetMemory ---- */

static void answer_memory(const struct scans *scans, struct ttrpc_call *call, bool has_details)
{
    Vmreclaim__Agent__V1__GetMemoryResponse response =
        VMRECLAIM__AGENT__V1__GET_MEMORY_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample message;
    struct memory_details details;
    struct memory_sample sample;
    int r = sensors_read(scans->sensors, time_boottime(), &sample);

    if (r < 0) {
        ttrpc_call_fail(call, TTRPC_INTERNAL, "cannot read the guest's memory: %s", strerror(-r));
        return;
    }
    if (has_details)
        details_read(scans->root, &sample, &details);
    message_from_sample(&sample, has_details ? &details : NULL, &message);
    response.sample = &message;
    ttrpc_call_finish(call, &response.base);
}

static void memory_call_free(struct memory_call *waiting)
{
    list_remove(&waiting->link);
    free(waiting);
}

static void on_memory_cancelled(struct ttrpc_call *call, void *userdata)
{
    memory_call_free(userdata);
}

/* Answers who is content with the pass that just ended, or everybody when there can be none. */
static void answer_waiting(struct scans *scans, bool everybody)
{
    list_for_each_safe (link, following, &scans->memory_calls) {
        struct memory_call *waiting = list_entry(link, struct memory_call, link);
        if (waiting->exact && !scans->scan_is_exact && !everybody)
            continue;
        answer_memory(scans, waiting->call, true);
        memory_call_free(waiting);
    }
}

static bool somebody_wants_exact(const struct scans *scans)
{
    list_for_each (link, &scans->memory_calls)
        if (list_entry(link, struct memory_call, link)->exact)
            return true;
    return false;
}

static void step_memory(struct scans *scans)
{
    int r;

    assert(!list_is_empty(&scans->memory_calls));
    if (!scans->is_scanning) {
        scans->scan_is_exact = somebody_wants_exact(scans);
        r = sensors_scan_start(scans->sensors, scans->scan_is_exact);
        scans->is_scanning = r == 0;
    } else {
        r = sensors_scan_step(scans->sensors, SENSORS_SCAN_SLICE, time_boottime());
    }
    if (r == 0)
        return;
    scans->is_scanning = false;
    answer_waiting(scans, r < 0);
}

void scans_get_memory_briefly(const struct scans *scans, struct ttrpc_call *call)
{
    answer_memory(scans, call, false);
}

void scans_get_memory(struct scans *scans, struct ttrpc_call *call, bool exact)
{
    struct memory_call *waiting = calloc(1, sizeof(*waiting));

    if (waiting == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "the agent is out of memory");
        return;
    }
    waiting->scans = scans;
    waiting->call = call;
    waiting->exact = exact;
    list_append(&scans->memory_calls, &waiting->link);
    ttrpc_call_on_cancel(call, on_memory_cancelled, waiting);
    wake(scans);
}

/* ---- ListFreeRanges ---- */

static void listing_free(struct listing *listing)
{
    ranges_scan_finish(&listing->scan);
    list_remove(&listing->link);
    assert(listing->scans->listing_count > 0);
    listing->scans->listing_count--;
    free(listing);
}

static void on_listing_cancelled(struct ttrpc_call *call, void *userdata)
{
    listing_free(userdata);
}

static void on_listing_drained(struct ttrpc_call *call, void *userdata)
{
    struct listing *listing = userdata;

    assert(listing->is_blocked && listing->count > 0);
    listing->is_blocked = false;
    wake(listing->scans);
}

static void on_range(const struct range *range, void *userdata)
{
    struct listing *listing = userdata;
    Vmreclaim__Agent__V1__Range *message;

    if (listing->count == RANGES_MAX) {
        listing->has_overflow = true;
        return;
    }
    message = &listing->ranges[listing->count];
    vmreclaim__agent__v1__range__init(message);
    message->start = range->start;
    message->length = range->length;
    message->state = range->state == RANGE_REPORTED
                         ? VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTED
                         : VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTABLE;
    listing->pointers[listing->count++] = message;
}

static void send_ranges(struct listing *listing)
{
    Vmreclaim__Agent__V1__ListFreeRangesResponse response =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_RESPONSE__INIT;

    assert(listing->count > 0 && listing->count <= RANGES_MAX && !listing->is_blocked);
    response.n_ranges = listing->count;
    response.ranges = listing->pointers;
    if (ttrpc_call_send(listing->call, &response.base) < 0) {
        listing->is_blocked = true;
        ttrpc_call_on_drain(listing->call, on_listing_drained, listing);
    } else {
        listing->count = 0;
    }
}

static void fail_listing(struct listing *listing, const char *reason)
{
    ttrpc_call_fail(listing->call, TTRPC_INTERNAL, "cannot list free ranges: %s", reason);
    listing_free(listing);
}

static void step_listing(struct listing *listing)
{
    /* One step at a time: the buffer has room for what one step completes. */
    for (unsigned i = 0; i < 16 && !listing->is_complete && listing->count < RANGES_PER_MESSAGE;
         i++) {
        int r = ranges_scan_step(&listing->scan, 0);
        if (r < 0 || listing->has_overflow) {
            fail_listing(listing, r < 0 ? strerror(-r) : "too many at once");
            return;
        }
        listing->is_complete = r > 0;
    }
    if (listing->count >= RANGES_PER_MESSAGE || (listing->is_complete && listing->count > 0))
        send_ranges(listing);
    if (listing->is_complete && listing->count == 0) {
        ttrpc_call_finish(listing->call, NULL);
        listing_free(listing);
    }
}

void scans_list_ranges(struct scans *scans, struct ttrpc_call *call, uint64_t start,
                       uint64_t length)
{
    struct ranges_options options;
    struct listing *listing;
    int r;

    if (scans->listing_count == SCANS_LISTINGS_MAX) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "%d listings run already",
                        SCANS_LISTINGS_MAX);
        return;
    }
    listing = calloc(1, sizeof(*listing));
    if (listing == NULL) {
        r = -ENOMEM;
    } else {
        sensors_ranges_options(scans->sensors, &options);
        options.exact = true;
        options.start = start;
        options.length = length;
        options.range = on_range;
        options.userdata = listing;
        r = ranges_scan_init(&listing->scan, scans->root, &options);
    }
    if (r < 0) {
        free(listing);
        ttrpc_call_fail(call,
                        r == -EINVAL   ? TTRPC_INVALID_ARGUMENT
                        : r == -ENOMEM ? TTRPC_RESOURCE_EXHAUSTED
                                       : TTRPC_FAILED_PRECONDITION,
                        "cannot list free ranges: %s", strerror(-r));
        return;
    }
    listing->scans = scans;
    listing->call = call;
    list_append(&scans->listings, &listing->link);
    scans->listing_count++;
    assert(scans->listing_count <= SCANS_LISTINGS_MAX);
    ttrpc_call_on_cancel(call, on_listing_cancelled, listing);
    wake(scans);
}

/* ---- the loop ---- */

static void on_idle(uv_idle_t *idle)
{
    struct scans *scans = idle->data;
    bool has_work = false;

    if (!list_is_empty(&scans->memory_calls))
        step_memory(scans);
    else
        scans->is_scanning = false; /* nobody waits any more; the next one wants a fresh pass */
    list_for_each_safe (link, following, &scans->listings) {
        struct listing *listing = list_entry(link, struct listing, link);
        if (!listing->is_blocked)
            step_listing(listing);
    }
    list_for_each (link, &scans->listings)
        has_work |= !list_entry(link, struct listing, link)->is_blocked;
    if (!has_work && list_is_empty(&scans->memory_calls))
        uv_idle_stop(idle);
}
