/* The keeper's own: what keeper.c, act.c and reserve.c work on. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_KEEPING_H
#define VMRECLAIM_CONTROLLER_ARBITER_KEEPING_H

#include <uv.h>

#include "controller/actions/action.h"
#include "controller/arbiter/arbiter.h"
#include "controller/arbiter/gather.h"
#include "controller/arbiter/reservations.h"
#include "controller/store/requests.h"

/* All VMs as they were shown to the arbiter last; index by index. */
struct arbiter_scene {
    struct vm **vms;
    struct arbiter_vm *facts;
    struct arbiter_memory *copies; /* of what is remembered, for a plan */
    struct arbiter_request *requests;
    size_t count;
    size_t room;
};

/* Who waits for a reservation. */
struct reservation_asker {
    uint64_t id; /* 0: nobody */
    void (*changed)(const struct reservation *reservation, void *userdata);
    void *userdata;
};

struct arbiter_keeper {
    struct supervisor *supervisor;
    struct actions *actions;
    struct store *store;
    struct arbiter_settings settings;
    struct supervisor_listener listener;
    uv_timer_t timer;
    struct host_facts host;  /* time 0: not read yet */
    struct error host_error; /* why it could not be read last; "": it was */
    struct arbiter arbiter;
    struct arbiter_view view; /* by the last step */
    struct arbiter_scene scene;
    struct list recalled; /* VMs of an earlier daemon that are not there yet */
    size_t acting_count;  /* actions of ours that are under way */
    struct reservations reservations;
    struct reservation_asker askers[RESERVATIONS_MAX];
};

/* Reads the host unless it was read within the last second. Else keeper->host_error says why. */
int keeping_read_host(struct arbiter_keeper *keeper, nsec_t now);

/* All VMs as they are now, for a step or, with copies of what is remembered, for a plan. -ENOMEM.
 * A VM without a record of ours is left out. */
int keeping_gather(struct arbiter_keeper *keeper, bool is_plan, nsec_t now);

void keeping_finish(struct arbiter_keeper *keeper);

#endif
