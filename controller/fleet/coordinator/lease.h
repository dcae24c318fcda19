/* Which of a fleet's coordinators leads: a key of the bus that is forgotten when nobody renews it.
 *
 * Who finds it missing makes it, by compare-and-set, so one of several does. Its sequence in the
 * stream is the epoch: it grows with each leader. The holder renews it every third of its time, and
 * stops leading at four fifths of it after the begin of the last renewal that held. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_LEASE_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_LEASE_H

#include "common/base/time.h"
#include "controller/fleet/bus/bus.h"

#define LEASE_STREAM  "KV_VMR_LEAD"
#define LEASE_SUBJECT "$KV.VMR_LEAD.coordinator"

struct lease {
    struct bus *bus;
    uv_timer_t timer;
    char name[256];   /* this coordinator's */
    nsec_t time;      /* that the key lives */
    char leader[256]; /* who was heard of last; "": nobody */
    uint64_t epoch;   /* of ours; 0: it is not held */
    uint64_t revision;
    nsec_t begun;      /* of the renewal under way */
    nsec_t held_until; /* CLOCK_BOOTTIME, which goes on while the machine sleeps */
    bool is_asking;
    bool bus_is_there;
};

/* The caller's memory, until the loop is dry. `bus` follows LEASE_STREAM. */
void lease_init(struct lease *lease, uv_loop_t *loop, const char *name, nsec_t time);
void lease_stop(struct lease *lease);

/* This coordinator leads, at this moment. */
bool lease_is_held(const struct lease *lease);

/* Another one leads, as was seen elsewhere. */
void lease_give_up(struct lease *lease, const char *why);

void lease_on_bus(struct lease *lease, bool is_there);
void lease_on_message(struct lease *lease, const struct bus_message *message);

#endif
