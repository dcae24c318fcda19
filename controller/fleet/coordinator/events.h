/* What happened on the hosts of a fleet, as far as it is kept: the newest, each once.
 *
 * Failure modes: memory is short: an event is left out. A host says more than others: its own
 * oldest go. What a host says in another one's name is nobody's. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_EVENTS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_EVENTS_H

#include "common/base/hash.h"
#include "common/base/list.h"
#include "controller/fleet/bus/types.h"
#include "controller/fleet/events/kinds.h"
#include "fleet.pb-c.h"

#define EVENTS_STREAM  "VMR_EVENT"
#define EVENTS_SUBJECT "vmr.v1.event."

/* Each kind is named: a host that makes up others could fill the stream with them. */
#define EVENTS_SUBJECTS_OF(name, help) EVENTS_SUBJECT "*." name " "
#define EVENTS_SUBJECTS                FLEET_EVENT_KINDS(EVENTS_SUBJECTS_OF)

#define EVENTS_MAX         65536u
#define EVENTS_OF_HOST_MAX 1024u
#define EVENTS_BYTES_MAX   ((size_t)64 << 20)
#define EVENTS_KIND_SIZE   24
#define EVENTS_MESSAGE_MAX 4096u
#define EVENTS_FIELDS_MAX  64u /* of a message: one has less than thirty */

struct events_host {
    struct hash_link link;
    struct list events; /* struct heard_event, by of_host; the oldest first */
    unsigned count;
    char id[]; /* of the host */
};

struct heard_event {
    struct list link;    /* of all, the oldest first */
    struct list of_host; /* of its host's */
    struct events_host *host;
    uint64_t sequence; /* of the stream, behind those of streams that were lost before it */
    uint64_t hash;     /* of the id */
    int64_t time;      /* UNIX nanoseconds, by the host's clock */
    char kind[EVENTS_KIND_SIZE];
    size_t id_length;
    size_t length;    /* packed */
    uint8_t packed[]; /* a FleetEvent; its id behind it, without an end */
};

struct fleet_events {
    struct hash_table hosts; /* struct events_host: those that have some */
    struct list all;
    unsigned count;
    size_t bytes;
    uint64_t newest; /* sequence that was heard */
    uint64_t lost;   /* the newest of streams that were lost */
};

void fleet_events_init(struct fleet_events *events);
void fleet_events_finish(struct fleet_events *events);

/* The stream was made anew. What is known of the one before stays, and comes before what follows.
 */
void fleet_events_on_remade(struct fleet_events *events);

/* A message of the stream; others are none of ours. */
void fleet_events_on_message(struct fleet_events *events, const struct bus_message *message);

#endif
