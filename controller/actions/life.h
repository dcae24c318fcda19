/* An action, the states of its life, and the means that carry it out. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_LIFE_H
#define VMRECLAIM_CONTROLLER_ACTIONS_LIFE_H

#include "common/ttrpc/ttrpc.h"
#include "controller/actions/action.h"
#include "controller/actions/measures.h"
#include "controller/vms/drift.h"
#include "controller/vms/fresh-sample.h"

enum action_state {
    ACTION_BEFORE,   /* waits for a sample; nothing was done yet */
    ACTION_ACTING,   /* the means work */
    ACTION_SETTLING, /* what the guest let go is on its way to the host */
    ACTION_AFTER,    /* waits for the last sample */
    ACTION_ENDED,
    ACTION_STATE_COUNT,
};

bool action_state_may_follow(enum action_state state, enum action_state next);

/* What a look at an action that acts has found. */
enum action_look {
    ACTION_GOES_ON,
    ACTION_HAS_ACTED, /* and what it brought may still come */
    ACTION_IS_OVER,   /* nothing more will come */
};

/* How something is done to a VM. Static data. */
struct action_means {
    nsec_t interval;     /* between two looks at the action */
    nsec_t settle_quiet; /* without a fall of the footprint: it has settled */
    nsec_t settle_max;
    /* Looks how far it is, and may set action->reason. NULL: the means call action_acted. */
    enum action_look (*look)(struct action *action, nsec_t now);
    /* Why the VM gave less than all, once settled; "" for no reason. NULL: no reason. */
    const char *(*shortfall)(const struct vm *vm);
    /* Calls off what is under way, whose outcome is then not known. NULL: there is nothing to call
     * off, and what was done stands. */
    void (*call_off)(struct action *action);
};

struct action_kind {
    const char *name;
    const struct action_means *means;
    bool gives_back;  /* waits for nobody */
    bool asks_driver; /* without an agent it begins with a reading of the balloon's driver */
    /* Bytes that are to come back; 0: the request names no size. NULL: none does. */
    uint64_t (*asked)(const struct action *action);
    /* 0 when it may be done to the VM now; a negative errno with words. */
    int (*check)(const struct vm *vm, struct error *error);
    /* Whether `act` would begin it, by the same checks; what it can take at most, 0: it is not
     * known. Nothing is done. NULL: whoever carries it out knows, and is not asked. */
    int (*try_out)(struct lease_keeper *keeper, struct vm *vm, const struct action_request *request,
                   uint64_t *ret_most, struct error *error);
    /* Begins it; the VM has just been measured. A negative errno with words: nothing was done. */
    int (*act)(struct action *action, struct error *error);
};

struct action {
    struct list link;
    struct actions *actions;
    struct vm *vm; /* whose `action` this is, until it ends */
    struct action_request request;
    char vm_name[VM_NAME_SIZE];
    char asked_by[64];
    action_done done; /* NULL: nobody waits */
    void *userdata;
    enum action_state state;
    struct fresh_sample sample; /* BEFORE and AFTER */
    nsec_t next_look;           /* CLOCK_BOOTTIME; ACTING and SETTLING */
    nsec_t started;             /* CLOCK_BOOTTIME */
    int64_t started_time;       /* UNIX */
    pid_t pid;                  /* of the hypervisor that it was measured on; 0: not seen */
    uint64_t start_time;        /* of that process */
    uint64_t footprint_before;
    uint64_t asked; /* bytes that are to come back; 0: the request names no size */
    struct drift drift;
    struct action_measures measures;
    uint64_t lowest;  /* footprint while SETTLING */
    nsec_t last_fall; /* CLOCK_BOOTTIME */
    nsec_t settle_end;
    const char *reason;                        /* static text: why not more; NULL: none */
    Vmreclaim__Agent__V1__ActionResult *guest; /* a copy of the agent's answer; NULL: none */
    struct lease_asked *lease;                 /* of the balloon's means, being written; or NULL */
    struct ttrpc_client_call *client;          /* of the guest's means; NULL: nothing is asked */
};

/* ---- between the machine's files ---- */

/* Moves the action; the change must be in the table. */
void action_move(struct action *action, enum action_state next);

/* What holds for an action at any time, asserted. */
void action_check(const struct action *action);

/* The VM is taken by the action. */
void action_enter(struct action *action);

/* Nothing of it is under way any more, and the VM is free for another. */
void action_leave(struct action *action);

#endif
