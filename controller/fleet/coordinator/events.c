/* Two lists in the order of the stream: of all, and of each host. */
#include "controller/fleet/coordinator/events.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "common/ttrpc/wire.h"

typedef Vmreclaim__Fleet__V1__FleetEvent Event;

static struct heard_event *entry_of_all(struct list *link)
{
    return list_entry(link, struct heard_event, link);
}

static struct heard_event *entry_of_host(struct list *link)
{
    return list_entry(link, struct heard_event, of_host);
}

/* ---- hosts ---- */

static struct events_host *find_host(const struct fleet_events *events, const char *id,
                                     size_t length)
{
    char text[128];

    assert(length < sizeof(text));
    text_copy_bytes(text, sizeof(text), id, length);
    for (struct hash_link *link = hash_table_first(&events->hosts, hash_text(text)); link != NULL;
         link = hash_table_next(link)) {
        struct events_host *host = container_of(link, struct events_host, link);

        if (strcmp(host->id, text) == 0)
            return host;
    }
    return NULL;
}

/* NULL: no memory. */
static struct events_host *get_host(struct fleet_events *events, const char *id, size_t length)
{
    struct events_host *host = find_host(events, id, length);

    if (host != NULL)
        return host;
    host = calloc(1, sizeof(*host) + length + 1);
    if (host == NULL)
        return NULL;
    memcpy(host->id, id, length);
    list_init(&host->events);
    if (hash_table_add(&events->hosts, &host->link, hash_text(host->id)) == 0)
        return host;
    free(host);
    return NULL;
}

static void drop_host(struct fleet_events *events, struct events_host *host)
{
    assert(host->count == 0);
    hash_table_remove(&events->hosts, &host->link);
    free(host);
}

/* ---- events ---- */

static size_t size_of(const struct heard_event *heard)
{
    return sizeof(*heard) + heard->length + heard->id_length;
}

static void drop(struct fleet_events *events, struct heard_event *heard)
{
    struct events_host *host = heard->host;

    assert(events->count > 0 && events->bytes >= size_of(heard) && host->count > 0);
    list_remove(&heard->link);
    list_remove(&heard->of_host);
    events->bytes -= size_of(heard);
    events->count--;
    host->count--;
    free(heard);
    if (host->count == 0)
        drop_host(events, host);
}

static bool has(const struct events_host *host, const struct heard_event *heard)
{
    list_for_each (link, &host->events) {
        const struct heard_event *other = entry_of_host(link);

        if (other->hash == heard->hash && other->id_length == heard->id_length &&
            memcmp(other->packed + other->length, heard->packed + heard->length,
                   heard->id_length) == 0)
            return true;
    }
    return false;
}

/* `host` may be NULL, and may be gone afterwards. */
static void make_room(struct fleet_events *events, struct events_host *host, size_t size)
{
    if (host != NULL && host->count == EVENTS_OF_HOST_MAX)
        drop(events, entry_of_host(host->events.next));
    while (events->count == EVENTS_MAX || events->bytes + size > EVENTS_BYTES_MAX)
        drop(events, entry_of_all(events->all.next));
}

/* Takes it. */
static void add(struct fleet_events *events, const char *id, size_t length,
                struct heard_event *heard)
{
    struct events_host *host = find_host(events, id, length);

    if (host != NULL && has(host, heard)) {
        free(heard);
        return;
    }
    make_room(events, host, size_of(heard));
    host = get_host(events, id, length);
    if (host == NULL) {
        free(heard);
        return;
    }
    heard->host = host;
    list_append(&host->events, &heard->of_host);
    list_append(&events->all, &heard->link);
    host->count++;
    events->count++;
    events->bytes += size_of(heard);
}

/* ---- messages ---- */

/* "H/": what begins otherwise is said in another one's name. */
static bool is_of(const Event *event, const char *host, size_t length)
{
    return strncmp(event->id, host, length) == 0 && event->id[length] == '/';
}

/* NULL: no memory. */
static struct heard_event *make(const Event *event, const struct bus_message *message,
                                uint64_t sequence)
{
    size_t id_length = strlen(event->id);
    struct heard_event *heard = calloc(1, sizeof(*heard) + message->length + id_length);

    if (heard == NULL)
        return NULL;
    heard->sequence = sequence;
    heard->hash = hash_text(event->id);
    heard->time = event->time_ns;
    text_copy(heard->kind, sizeof(heard->kind), event->kind);
    heard->length = message->length;
    heard->id_length = id_length;
    memcpy(heard->packed, message->data, message->length);
    memcpy(heard->packed + message->length, event->id, id_length);
    return heard;
}

/* NULL: it cannot be read, has too many fields, or there is no memory. */
static Event *read_event(const struct bus_message *message)
{
    const struct slice packed = {message->data, message->length};

    if (wire_check_message(&vmreclaim__fleet__v1__fleet_event__descriptor, packed,
                           EVENTS_FIELDS_MAX) < 0)
        return NULL;
    return vmreclaim__fleet__v1__fleet_event__unpack(NULL, message->length, message->data);
}

/* After a connection the newest come again: those that are let go stay so. */
static bool is_known(const struct fleet_events *events, const struct bus_message *message)
{
    return message->is_kept && events->lost + message->sequence <= events->newest;
}

void fleet_events_on_remade(struct fleet_events *events)
{
    events->lost = events->newest;
}

void fleet_events_on_message(struct fleet_events *events, const struct bus_message *message)
{
    static const char prefix[] = EVENTS_SUBJECT;
    struct heard_event *heard;
    const char *host;
    size_t length;
    Event *event;

    if (strncmp(message->subject, prefix, strlen(prefix)) != 0)
        return;
    host = message->subject + strlen(prefix);
    length = strcspn(host, ".");
    if (length == 0 || length > 64 || message->length > EVENTS_MESSAGE_MAX ||
        is_known(events, message))
        return;
    events->newest = events->lost + message->sequence;
    event = read_event(message);
    if (event == NULL)
        return;
    heard = is_of(event, host, length) ? make(event, message, events->newest) : NULL;
    vmreclaim__fleet__v1__fleet_event__free_unpacked(event, NULL);
    if (heard != NULL)
        add(events, host, length, heard);
}

/* ---- the whole ---- */

void fleet_events_init(struct fleet_events *events)
{
    *events = (struct fleet_events){.count = 0};
    hash_table_init(&events->hosts);
    list_init(&events->all);
}

void fleet_events_finish(struct fleet_events *events)
{
    while (!list_is_empty(&events->all))
        drop(events, entry_of_all(events->all.next));
    assert(events->count == 0 && events->bytes == 0 && events->hosts.count == 0);
    hash_table_finish(&events->hosts);
}
