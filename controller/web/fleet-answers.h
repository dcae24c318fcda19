/* /fleet: a fleet's hosts as the page shows them, sorted, filtered and added up, with the
 * coordinator and how many rollouts are in which state. Made of the newest round, once for all who
 * ask the same. */
#ifndef VMRECLAIM_CONTROLLER_WEB_FLEET_ANSWERS_H
#define VMRECLAIM_CONTROLLER_WEB_FLEET_ANSWERS_H

#include "controller/web/fleet-rounds.h"

#define FLEET_PATH "/fleet"

struct request;

struct fleet_answers {
    struct fleet_rounds *rounds;
    struct fleet_waiter waiter;
    bool waits;
    struct list answers; /* struct answer of fleet-answers.c, by the latest question */
    unsigned count;
};

void fleet_answers_init(struct fleet_answers *answers, struct fleet_rounds *rounds);
void fleet_answers_finish(struct fleet_answers *answers);

void fleet_answers_give(struct fleet_answers *answers, struct request *request);

#endif
