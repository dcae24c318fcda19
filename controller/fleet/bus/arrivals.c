/* libnats' threads -> the queue -> the loop */
#include "controller/fleet/bus/arrivals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEQUENCE_HEADER "Nats-Sequence"

static void tell_arrival(struct bus *bus, struct bus_arrival *arrival, size_t bytes)
{
    uv_mutex_lock(&bus->lock);
    while (bus->arrived_bytes > BUS_COME_BYTES && !bus->is_stopping)
        uv_cond_wait(&bus->room, &bus->lock);
    list_append(&bus->arrived, &arrival->link);
    bus->arrived_bytes += bytes;
    uv_mutex_unlock(&bus->lock);
    (void)uv_async_send(&bus->come);
}

void arrivals_tell_state(struct bus *bus, bool is_connected, const char *problem)
{
    struct bus_arrival *arrival = calloc(1, sizeof(*arrival));

    if (arrival == NULL)
        return; /* the next change is told */
    arrival->is_connected = is_connected;
    snprintf(arrival->problem, sizeof(arrival->problem), "%s", problem);
    tell_arrival(bus, arrival, 0);
}

void arrivals_tell_of_stream(struct bus *bus, const char *stream, bool is_remade)
{
    struct bus_arrival *arrival = calloc(1, sizeof(*arrival));

    if (arrival == NULL)
        return; /* told after the next connection */
    arrival->stream = stream;
    arrival->is_remade = is_remade;
    tell_arrival(bus, arrival, 0);
}

/* Whoever says something chooses its headers: one of a stream's is asked for only where the server
 * has not said itself, where the message comes from. */
uint64_t arrivals_sequence_of(natsMsg *message)
{
    const char *text = NULL;
    jsMsgMetaData *meta = NULL;
    uint64_t sequence = 0;

    if (natsMsg_GetReply(message) != NULL && natsMsg_GetMetaData(&meta, message) == NATS_OK) {
        sequence = meta->Sequence.Stream;
        jsMsgMetaData_Destroy(meta);
    } else if (natsMsgHeader_Get(message, SEQUENCE_HEADER, &text) == NATS_OK)
        sequence = strtoull(text, NULL, 10);
    return sequence;
}

void arrivals_tell_message(struct bus *bus, natsMsg *message, bool is_of_stream, uint64_t kept)
{
    const char *subject = natsMsg_GetSubject(message);
    size_t length = (size_t)natsMsg_GetDataLength(message);
    size_t subject_size = strlen(subject) + 1;
    struct bus_arrival *arrival = calloc(1, sizeof(*arrival) + subject_size + length);

    if (arrival == NULL)
        return; /* whoever follows asks again; others may lose what is said */
    arrival->subject = (char *)(arrival + 1);
    arrival->data = (uint8_t *)arrival->subject + subject_size;
    arrival->length = length;
    arrival->sequence = arrivals_sequence_of(message);
    arrival->is_kept = is_of_stream && arrival->sequence <= kept;
    memcpy(arrival->subject, subject, subject_size);
    if (length > 0)
        memcpy(arrival->data, natsMsg_GetData(message), length);
    tell_arrival(bus, arrival, sizeof(*arrival) + subject_size + length);
}

void arrivals_count_open(struct bus *bus, int change)
{
    uv_mutex_lock(&bus->lock);
    bus->open_count += change;
    uv_cond_signal(&bus->wake);
    uv_mutex_unlock(&bus->lock);
}

void arrivals_note_alive(struct bus_delivery *delivery)
{
    struct bus *bus = delivery->of->bus;

    uv_mutex_lock(&bus->lock);
    delivery->alive = time_monotonic();
    uv_mutex_unlock(&bus->lock);
}

void arrivals_note_behind(struct bus *bus)
{
    uv_mutex_lock(&bus->lock);
    bus->is_behind = true;
    uv_cond_signal(&bus->wake);
    uv_mutex_unlock(&bus->lock);
}
