/* What a host tells a coordinator: the input as an event of its own, said twice, and as one in
 * another host's place. It is kept once or not at all, and what is kept can be read. */
#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/coordinator/events.h"
#include "tests/fuzz/fuzz.h"

#define HOST "h1"

static void hear(struct fleet_events *events, const char *subject, const uint8_t *data, size_t size,
                 uint64_t sequence)
{
    const struct bus_message message = {
        .subject = subject, .sequence = sequence, .data = data, .length = size};

    fleet_events_on_message(events, &message);
}

static void check_kept(const struct heard_event *heard)
{
    Vmreclaim__Fleet__V1__FleetEvent *event =
        vmreclaim__fleet__v1__fleet_event__unpack(NULL, heard->length, heard->packed);

    require(event != NULL && heard->length <= EVENTS_MESSAGE_MAX);
    require(strncmp(event->id, heard->host->id, strlen(heard->host->id)) == 0);
    require(event->id[strlen(heard->host->id)] == '/');
    require(text_is_utf8(heard->kind, strlen(heard->kind)));
    vmreclaim__fleet__v1__fleet_event__free_unpacked(event, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fleet_events events;

    fleet_events_init(&events);
    hear(&events, EVENTS_SUBJECT HOST ".action", data, size, 1);
    hear(&events, EVENTS_SUBJECT HOST ".vm", data, size, 2);
    hear(&events, EVENTS_SUBJECT "h2.action", data, size, 3);
    require(events.count <= 1 && events.hosts.count == events.count);
    list_for_each (link, &events.all)
        check_kept(list_entry(link, struct heard_event, link));
    fleet_events_finish(&events);
    require(events.bytes == 0);
    return 0;
}
