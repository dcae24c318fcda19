/* Does what arbiter.h decides: reads the host and the VMs, starts the actions, says why.
 *
 * Theory of operation: once a second the host is read, in the arbiter's eyes each VM becomes its
 * facts, and what the arbiter asks for is started as any other action is, for "arbiter". Its
 * balloon leases have the owner "arbiter" and an end, which is renewed while they are wanted: so
 * without the daemon they end by themselves. The journal of leases keeps them over a restart, the
 * store keeps reservations.
 *
 * Off until the operator switches it on. Then nothing is started, and what it holds is given back;
 * the plan is made all the same, so that it can be looked at before.
 *
 * Failure modes: a host that cannot be read has nothing taken and nothing given back. What the
 * means refuse is tried again later, by the arbiter's own cool-down. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_KEEPER_H
#define VMRECLAIM_CONTROLLER_ARBITER_KEEPER_H

#include "controller/arbiter/keeping.h"
#include "controller/arbiter/reserve.h"

/* Reads what was promised: the store must not have its thread yet. */
void arbiter_keeper_init(struct arbiter_keeper *keeper, struct supervisor *supervisor,
                         struct actions *actions, struct store *store,
                         const struct arbiter_settings *settings);

/* -errno of libuv. */
int arbiter_keeper_start(struct arbiter_keeper *keeper);

/* The configuration was read again. */
void arbiter_keeper_configure(struct arbiter_keeper *keeper,
                              const struct arbiter_settings *settings);

/* Starts nothing any more; before the actions are stopped. Leases and reservations stay. */
void arbiter_keeper_stop(struct arbiter_keeper *keeper);
void arbiter_keeper_finish(struct arbiter_keeper *keeper);

/* ---- for the API ---- */

/* The host of now, read anew when the last reading is older than a second. NULL: it cannot be
 * read, in words. */
const struct host_facts *arbiter_keeper_host(struct arbiter_keeper *keeper, struct error *error);

/* What is known of one VM and what would be asked of it now. Pointers live until the visitor
 * returns. */
struct arbiter_plan_row {
    const struct vm *vm;
    const struct arbiter_vm *facts;
    const struct arbiter_request *request; /* NULL: nothing */
    uint64_t goal;                         /* bytes: the share that is the guest's now */
    const char *text;                      /* one line with its numbers */
};
typedef void (*arbiter_plan_visitor)(const struct arbiter_plan_row *row, void *userdata);

/* What the arbiter would do now and why, be it on or off; nothing is done or remembered. Each VM
 * once, in the order in which it would act, then those that nothing is asked of. -ENOMEM, or the
 * host cannot be read, in words. */
int arbiter_keeper_plan(struct arbiter_keeper *keeper, arbiter_plan_visitor visit, void *userdata,
                        struct error *error);

#endif
