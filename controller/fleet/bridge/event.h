/* What happened on a host, as a message for its fleet. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_EVENT_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include "fleet.pb-c.h"

#define EVENT_BYTES_MAX 4096 /* the stream takes no more */

/* A packed FleetEvent, for the caller to free. */
struct told_event {
    const char *kind; /* static; the last token of its subject */
    uint8_t *packed;  /* NULL: there is none */
    size_t length;
};

/* Of a record of the daemon's. Nothing of one that is not finished; -ENOMEM. */
int event_of_action(const char *host, const Vmreclaim__Controller__V1__Action *action,
                    struct told_event *ret_event);

/* Of an event of the daemon's that has no record. -ENOMEM. */
int event_of_news(const char *host, const Vmreclaim__Controller__V1__Event *event,
                  struct told_event *ret_event);

/* A part of the daemon does not work, or does again. -ENOMEM. */
int event_of_daemon(const char *host, const char *part, const char *text, int64_t time,
                    struct told_event *ret_event);

/* Records of `store` up to `number` are gone, or another store is there: `text` says which. */
int event_of_gap(const char *host, const char *store, uint64_t number, int64_t time,
                 const char *text, struct told_event *ret_event);

#endif
