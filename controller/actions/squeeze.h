/* Squeezes: all steps that bring a VM's memory back, one after the other, and maybe a lease that
 * keeps the guest small.
 *
 * Theory of operation: squeeze-plan.h says what comes next; each step is an action of its own with
 * its record. A few VMs are squeezed side by side, the others wait for their turn.
 *
 *     waiting --> sampling --> stepping <--> busy ----> holding --> ended
 *        |            |            |_________ | ___________|          ^
 *        +------------+------------+----------+-----------------------+
 *
 * busy: another action of the VM is under way, it is tried again each second. holding: the lease of
 * the last step holds, until the guest is back to size.
 *
 * Failure modes: who asked goes away: the step under way ends as usual, the reporting order is
 * restored, no other step begins, and a lease that is held stays. The daemon is killed: the agent
 * restores the order by itself, and leases are the journal's. The VM goes away or is halted: the
 * squeeze has failed, with the words of its last step. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_SQUEEZE_H
#define VMRECLAIM_CONTROLLER_ACTIONS_SQUEEZE_H

#include "controller/actions/action.h"
#include "controller/actions/squeeze-plan.h"
#include "controller/vms/fresh-sample.h"

#define SQUEEZES_SIDE_BY_SIDE 4

enum squeeze_state {
    SQUEEZE_WAITING,
    SQUEEZE_SAMPLING, /* the guest, before the first step */
    SQUEEZE_STEPPING, /* an action is under way */
    SQUEEZE_BUSY,     /* somebody else's is */
    SQUEEZE_HOLDING,
    SQUEEZE_ENDED,
    SQUEEZE_STATE_COUNT,
};

struct squeeze_taken {
    enum squeeze_step step;
    bool is_over;
    char action[ACTION_ID_SIZE];
    Vmreclaim__Controller__V1__Action *record; /* without samples; NULL: there is none (yet) */
    char reason[256];                          /* why there is none; or how it failed */
};

struct squeeze;

/* Something is new, or a second has passed; the last time that it has ended. It may forget any
 * squeeze, this one too. */
typedef void (*squeeze_changed)(struct squeeze *squeeze, void *userdata);

struct squeeze {
    struct list link;
    struct squeezes *squeezes;
    struct vm *vm;              /* NULL: it has ended */
    char vm_name[VM_NAME_SIZE]; /* when it was asked for: who asked tells several apart by it */
    char asked_by[64];
    squeeze_changed changed; /* NULL: nobody wants to know */
    void *userdata;
    enum squeeze_state state;
    struct squeeze_plan plan;
    struct squeeze_taken taken[SQUEEZE_STEPS_MAX];
    size_t taken_count;
    struct fresh_sample sample;    /* SAMPLING */
    struct action *action;         /* STEPPING */
    struct action_request request; /* STEPPING and BUSY */
    bool is_cut;                   /* the action under way has had its time */
    bool has_lease;                /* the last step has taken one */
    nsec_t started;                /* CLOCK_BOOTTIME; 0: it waits */
    nsec_t stopped;                /* ... when the last step ended; 0: not yet */
    uint64_t footprint_before;     /* 0: not known */
    uint64_t footprint;            /* now; 0: not known */
    uint64_t held;                 /* bytes of the lease; 0: none */
    uint64_t size;                 /* of the guest: under the lease, and when it was back; 0: it was
                                    * not seen to be */
    nsec_t held_until;             /* CLOCK_BOOTTIME; 0: until released */
    char problem[256];             /* of SQUEEZE_END_FAILED; else empty */
};

struct squeezes {
    struct supervisor *supervisor;
    struct actions *actions;
    struct supervisor_listener listener;
    struct list list; /* struct squeeze; those that wait in the order in which they came */
    size_t running;   /* neither waiting nor holding */
};

void squeezes_init(struct squeezes *squeezes, struct supervisor *supervisor,
                   struct actions *actions);

/* Ends them all: the daemon stops. Before actions_stop. */
void squeezes_stop(struct squeezes *squeezes);

/* As squeeze_start would refuse it now. */
int squeeze_may_start(const struct squeezes *squeezes, const struct vm *vm, struct error *error);

/* The action that a step is. */
void squeeze_request(const struct squeeze_asked *asked, const char *asked_by,
                     const struct squeeze_order *order, struct action_request *ret_request);

/* Begins one, or lets it wait for its turn. `changed` is not called before this returns. The
 * squeeze is valid until squeeze_forget. -EBUSY: the VM is squeezed already; -EPERM: it is halted;
 * -ENOMEM.
 */
int squeeze_start(struct squeezes *squeezes, struct vm *vm, const struct squeeze_asked *asked,
                  const char *asked_by, squeeze_changed changed, void *userdata,
                  struct squeeze **ret_squeeze, struct error *error);

/* Who asked does not want to know any more, maybe before its end. */
void squeeze_forget(struct squeeze *squeeze);

#endif
