/* What is done to a VM on somebody's order: one at a time per VM, whoever asks for it.
 *
 * Theory of operation: an action is one object with one life cycle.
 *
 *     before ----> acting ----> settling ----> after ----> ended
 *        |            |  |_______________________^           ^
 *        |            |            |                         |
 *        +------------+------------+-------------------------+   refused, failed, cut short
 *
 * before: the guest is sampled and the host measured. acting: the kind's means do the work, the
 * agent or the balloon. settling: the footprint is watched until it has not fallen for a while,
 * since a guest's kernel reports freed memory in passes, seconds later. after: both sides are
 * measured again. What the footprint did before the action, its drift, is taken off.
 *
 * The begin and the end are events of the VM, with the record. Whoever keeps records, shows events
 * or counts, listens; whoever asked is called once, after the listeners.
 *
 * Failure modes: the agent refuses or goes away: the record has its words. Who asked goes away: the
 * action is measured to its end all the same. The VM goes away, or the daemon stops: the action is
 * cut short. An order that gives memory back waits for nobody: what is under way is cut short, so
 * no byte is in two records. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_ACTION_H
#define VMRECLAIM_CONTROLLER_ACTIONS_ACTION_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/ttrpc/program.h"
#include "controller.pb-c.h"
#include "controller/actions/id.h"
#include "controller/leases/keeper.h"
#include "controller/leases/pulse.h"
#include "controller/telemetry/totals.h"
#include "controller/vms/supervisor.h"

/* One for each thing that can be done; `name` is Action.kind. */
struct action_kind;
extern const struct action_kind action_compact;
extern const struct action_kind action_reclaim;
extern const struct action_kind action_reporting;
extern const struct action_kind action_balloon;
extern const struct action_kind action_release;
extern const struct action_kind action_pulse;

/* What is asked for. */
struct action_request {
    const struct action_kind *kind;
    char id[ACTION_ID_SIZE];    /* empty: one is made */
    char why[160];              /* who asks says why, with numbers; empty: not */
    char program[PROGRAM_SIZE]; /* that asks: "cli"; empty: the daemon itself, or it is not known */
    char owner[64];             /* of the lease; of a release: whose, empty: all */
    union {
        struct {
            nsec_t time_limit; /* 0: none */
            bool force;
        } compact;
        struct {
            uint64_t bytes; /* 0: down to the policy's cache floor */
            bool drop;
            nsec_t time_limit; /* 0: the policy's */
        } reclaim;
        struct {
            bool set_order;
            uint32_t order;
            nsec_t duration; /* with a kick: of an order for a while; 0: until restored */
            bool restore;
            bool end_while; /* of an order for a while */
            bool kick;
        } reporting;
        struct {
            uint64_t size;   /* bytes that the guest keeps */
            nsec_t lifetime; /* of the lease; 0: until released */
            bool doubts;     /* see struct lease_wish */
        } balloon;
        struct pulse_limits pulse;
    };
};

/* How an action ended. Pointers live until the callback returns. */
struct action_end {
    int status;          /* 0: the record says what it brought; else a negative errno */
    const char *message; /* for a person; "" when the status is 0 */
    const Vmreclaim__Controller__V1__Action *record; /* NULL: refused before it began */
};
typedef void (*action_done)(const struct action_end *end, void *userdata);

struct action;

struct actions {
    struct supervisor *supervisor;
    struct lease_keeper *keeper;
    struct supervisor_listener listener;
    struct list running; /* struct action */
    size_t running_count;
    uv_timer_t timer;                   /* runs while an action does */
    uint64_t count;                     /* since start */
    uint64_t refused[TOTAL_KIND_COUNT]; /* likewise: nothing was done */
};

/* -errno of libuv. */
int actions_init(struct actions *actions, struct supervisor *supervisor,
                 struct lease_keeper *keeper);

/* Cuts short what is running. Run the loop until it is empty. */
void actions_stop(struct actions *actions);

/* Starts an action that `asked_by` wants. `done` is called once, never before this returns; with
 * NULL nobody is. `ret_action`, which may be NULL, is valid until then.
 * -EBUSY: another is under way, or the VM is paused; -ENOTCONN: no agent; -EPERM: the VM is only
 * observed; or what the means refuse with. `error` has the words; nothing was done then. */
int action_start(struct actions *actions, struct vm *vm, const struct action_request *request,
                 const char *asked_by, action_done done, void *userdata, struct action **ret_action,
                 struct error *error);

/* Who asked does not want to know any more: `done` is not called. */
void action_forget_asker(struct action *action);

#endif
