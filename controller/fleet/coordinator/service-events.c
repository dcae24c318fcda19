/* What happened, those that came last first. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/fleet/coordinator/service-methods.h"

#define PAGE_MAX  500u
#define LOOKS_MAX 16384u /* of one call: others want to be answered, too */
#define KINDS_MAX 16

static_assert(PAGE_MAX * (EVENTS_MESSAGE_MAX + 512) <= SERVICE_PAGE_BYTES, "a page fits");

typedef Vmreclaim__Fleet__V1__HeardEvent HeardEvent;
typedef FLEET_CALL(ListFleetEvents, Request) Request;
typedef FLEET_CALL(ListFleetEvents, Response) Response;

struct page {
    const struct service *service;
    const Request *request;
    uint64_t below; /* sequences */
    size_t most;
    HeardEvent *entries; /* room for `most` */
    HeardEvent **list;
    Response response;
    char token[24];
};

static bool is_wanted_kind(const Request *request, const char *kind)
{
    for (size_t i = 0; i < request->n_kinds; i++)
        if (strcmp(request->kinds[i], kind) == 0)
            return true;
    return request->n_kinds == 0;
}

static const char *name_of(const struct host_entry *entry)
{
    return entry == NULL || entry->status == NULL ? "" : entry->status->name;
}

/* One that nobody has heard a status of has its id. */
static bool is_wanted_host(const Request *request, const struct heard_event *heard,
                           const struct host_entry *entry)
{
    struct host_entry unheard = {.status = NULL};

    if (entry != NULL)
        return service_selects(request->selector, entry);
    snprintf(unheard.id, sizeof(unheard.id), "%s", heard->host->id);
    return service_selects(request->selector, &unheard);
}

/* False: the page is full. */
static bool take(struct page *page, const struct heard_event *heard)
{
    const Request *request = page->request;
    HeardEvent *entry = &page->entries[page->response.n_events];
    const struct host_entry *host;

    if (heard->sequence >= page->below || heard->time < request->since_ns ||
        !is_wanted_kind(request, heard->kind))
        return true;
    host = fleet_hosts_find(page->service->hosts, heard->host->id);
    if (!is_wanted_host(request, heard, host))
        return true;
    if (page->response.n_events == page->most)
        return false;
    vmreclaim__fleet__v1__heard_event__init(entry);
    entry->host = heard->host->id;
    entry->host_name = (char *)name_of(host);
    entry->sequence = heard->sequence;
    entry->event = vmreclaim__fleet__v1__fleet_event__unpack(NULL, heard->length, heard->packed);
    page->list[page->response.n_events++] = entry;
    return true;
}

static void end_before(struct page *page, const struct heard_event *heard)
{
    snprintf(page->token, sizeof(page->token), "%" PRIu64, heard->sequence + 1);
    page->response.next_page_token = page->token;
}

static void fill(struct page *page)
{
    const struct fleet_events *events = page->service->events;
    unsigned looks = 0;

    for (struct list *link = events->all.previous; link != &events->all; link = link->previous) {
        const struct heard_event *heard = list_entry(link, struct heard_event, link);

        if (heard->sequence <= page->request->after)
            return;
        if (heard->sequence < page->below && looks++ == LOOKS_MAX) {
            end_before(page, heard);
            return;
        }
        if (take(page, heard))
            continue;
        end_before(page, heard);
        return;
    }
}

static bool is_good(struct ttrpc_call *call, const Request *request, uint64_t *ret_below)
{
    *ret_below = UINT64_MAX;
    if (!service_selector_is_good(call, request->selector))
        return false;
    if (request->n_kinds > KINDS_MAX) {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "name at most %d kinds of events", KINDS_MAX);
        return false;
    }
    if (request->page_token[0] == '\0' || number_parse(request->page_token, ret_below) == 0)
        return true;
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "page_token is not one of ListFleetEvents");
    return false;
}

void service_list_fleet_events(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata)
{
    const Request *request = (const void *)message;
    size_t most = request->page_size == 0 ? PAGE_MAX : min_of(request->page_size, PAGE_MAX);
    struct page page = {.service = service_client_of(call)->service,
                        .request = request,
                        .most = most,
                        .entries = calloc(most, sizeof(*page.entries)),
                        .list = calloc(most, sizeof(*page.list)),
                        .response = VMRECLAIM__FLEET__V1__LIST_FLEET_EVENTS_RESPONSE__INIT};

    if (!is_good(call, request, &page.below))
        ;
    else if (page.entries == NULL || page.list == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        fill(&page);
        page.response.events = page.list;
        ttrpc_call_finish(call, &page.response.base);
    }
    for (size_t i = 0; i < page.response.n_events; i++)
        if (page.entries[i].event != NULL)
            vmreclaim__fleet__v1__fleet_event__free_unpacked(page.entries[i].event, NULL);
    free(page.entries);
    free((void *)page.list);
}
