/* What a coordinator knows, read as a whole now and then: itself, how many rollouts are in which
 * state, all hosts a page at a time. One round serves all browsers and scrapers, and there is none
 * while nobody asks. */
#ifndef VMRECLAIM_CONTROLLER_WEB_FLEET_ROUNDS_H
#define VMRECLAIM_CONTROLLER_WEB_FLEET_ROUNDS_H

#include "controller/client/fetch.h"
#include "controller/web/host-table.h"

/* What is not older is given as it is: so long at least, and as long as twenty rounds take. */
#define FLEET_FRESH (2 * NSEC_PER_SEC)

#define FLEET_STATES     11 /* of rollouts; RolloutState */
#define FLEET_STATE_SIZE 32

struct fleet_facts {
    Vmreclaim__Fleet__V1__GetCoordinatorResponse *coordinator; /* NULL: nothing is known yet */
    uint64_t rollouts[FLEET_STATES];
    struct host_table hosts;
};

struct fleet_waiter {
    struct list link;
    void (*on_round)(void *userdata); /* it has ended: see fleet_rounds.status */
    void *userdata;
};

struct fleet_rounds {
    struct fetcher *fetcher;
    struct fetch *fetch; /* NULL: no round is under way */
    unsigned step;       /* of it */
    char *token;         /* of the next page; NULL: of the first */
    struct fleet_facts coming;
    nsec_t begun; /* CLOCK_MONOTONIC, as the next two */
    struct fleet_facts facts;
    nsec_t made; /* 0: never */
    nsec_t took;
    uint64_t number;        /* of rounds that brought facts */
    enum ttrpc_code status; /* of the last round */
    struct error problem;   /* why it brought none */
    struct list waiting;    /* struct fleet_waiter */
};

/* "paused". NULL: there is no such state. */
const char *fleet_state_name(unsigned state, char buffer[FLEET_STATE_SIZE]);

void fleet_rounds_init(struct fleet_rounds *rounds, struct fetcher *fetcher);

/* Nobody may be waiting. */
void fleet_rounds_finish(struct fleet_rounds *rounds);

/* The facts may still be given. */
bool fleet_rounds_are_fresh(const struct fleet_rounds *rounds);

/* Tells when the round that is under way has ended; begins one where there is none. As fetch_start,
 * and then nothing is told. */
int fleet_rounds_wait(struct fleet_rounds *rounds, struct fleet_waiter *waiter);
void fleet_rounds_leave(struct fleet_waiter *waiter);

#endif
