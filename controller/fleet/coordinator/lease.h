/* Which of a fleet's coordinators leads: a key of the bus that is forgotten when nobody renews it.
 *
 * Theory of operation: who finds it missing makes it, by compare-and-set, so one of several does.
 * The holder renews it every third of its time, and stops leading at four fifths of it after the
 * begin of the last renewal that held. In the key is the holder's name and what only its process
 * knows: whose renewal is refused looks whose it is, for the answer to the one before may be lost.
 *
 * Who has it takes an epoch: one more than any that was taken, or that something on the bus is of.
 * Epochs are counted by a key that is never forgotten, so they grow also when the lease's bucket
 * was made anew. What is of a later epoch ends ours, and a greater one is taken. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_LEASE_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_LEASE_H

#include "common/base/time.h"
#include "controller/fleet/bus/bus.h"

#define LEASE_STREAM  "KV_VMR_LEAD"
#define LEASE_SUBJECT "$KV.VMR_LEAD.coordinator"

/* The epoch that was taken last, in decimal. */
#define LEASE_EPOCH_STREAM  "KV_VMR_ROLLOUT"
#define LEASE_EPOCH_SUBJECT "$KV.VMR_ROLLOUT.epoch"

struct lease {
    struct bus *bus;
    uv_timer_t timer;
    char value[320];   /* of the key, as this process writes it: name, line feed, nonce */
    nsec_t time;       /* that the key lives */
    char leader[256];  /* who was heard of last; "": nobody */
    uint64_t epoch;    /* of ours; 0: this coordinator does not lead */
    uint64_t seen;     /* greatest epoch that something on the bus is of */
    uint64_t taken;    /* epoch that is asked for */
    uint64_t revision; /* of the key while it is ours; 0: it is not */
    nsec_t begun;      /* of the renewal under way */
    nsec_t held_until; /* CLOCK_BOOTTIME, which goes on while the machine sleeps */
    unsigned tries;    /* of this turn */
    bool is_asking;
    bool bus_is_there;
    char problem[160]; /* why it does not lead though nobody else does; "": it does, or another */
};

/* The caller's memory, until the loop is dry. `bus` follows LEASE_STREAM. */
void lease_init(struct lease *lease, uv_loop_t *loop, const char *name, nsec_t time);
void lease_stop(struct lease *lease);

/* This coordinator leads, at this moment. */
bool lease_is_held(const struct lease *lease);

/* Something on the bus is of this epoch. One later than ours ends ours. */
void lease_note_epoch(struct lease *lease, uint64_t epoch);

/* Asks for it, or renews it: the timer's turn. */
void lease_turn(struct lease *lease);

void lease_on_bus(struct lease *lease, bool is_there);
void lease_on_message(struct lease *lease, const struct bus_message *message);

#endif
