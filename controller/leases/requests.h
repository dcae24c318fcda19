/* Leases that somebody asks for or gives back. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_REQUESTS_H
#define VMRECLAIM_CONTROLLER_LEASES_REQUESTS_H

#include "controller/leases/table.h"

/* A lease that is being written; valid until `done` is called, or it is called off. */
struct lease_asked;

/* A lease that leaves the guest `size` bytes, for `duration` (0: until released). Replaces the
 * owner's own lease on this VM. One that holds no more than that one is not refused for what the
 * guest has left. It counts once it is in the journal; when it cannot be written it
 * is refused, and the owner keeps what it had. `ret_asked` is NULL when it counts already.
 * -ENOTCONN, -ENODEV, -EOPNOTSUPP: there is no balloon to be had; -EBUSY, -EINVAL, -ENOSPC: as
 * balloon_request(), or below the `floor` of the VM's file. */
struct lease_wish {
    uint64_t size;
    nsec_t duration;
    const char *owner;
    bool doubts; /* what the guest says that it has left: up to BALLOON_DOUBT_STEP more is taken,
                    from one that can take pages back by itself */
};
int lease_keeper_set(struct lease_keeper *keeper, struct vm *vm, const struct lease_wish *wish,
                     struct lease_asked **ret_asked, struct error *error);

/* Whether lease_keeper_set would refuse it now, by the same checks; nothing is taken or written. */
int lease_keeper_try(struct lease_keeper *keeper, struct vm *vm, const struct lease_wish *wish,
                     struct error *error);

/* A pulse: takes what is free above the headroom, and gives all of it back at once. lease_pulse()
 * has what it does and how it ended. As lease_keeper_set, and as balloon_plan_pulse(). */
int lease_keeper_pulse(struct lease_keeper *keeper, struct vm *vm,
                       const struct pulse_limits *limits, struct lease_asked **ret_asked,
                       struct error *error);

/* As lease_keeper_try, of a pulse: how much it would take at most. */
int lease_keeper_try_pulse(struct lease_keeper *keeper, struct vm *vm,
                           const struct pulse_limits *limits, uint64_t *ret_bytes,
                           struct error *error);

/* Ends the VM's pulse; harmless when there is none. */
void lease_keeper_end_pulse(struct lease_keeper *keeper, struct vm *vm);

/* `status` is 0: it counts; or as lease_keeper_set, -ECANCELED: it was released meanwhile. */
typedef void (*lease_set_done)(int status, const struct error *error, void *userdata);
void lease_asked_tell(struct lease_asked *asked, lease_set_done done, void *userdata);

/* Nobody wants it any more: it leaves the journal again. */
void lease_asked_call_off(struct lease_asked *asked);

/* It has leases, or some are being written: the owner's, or any with NULL. */
bool lease_may_release(const struct vm *vm, const char *owner);

/* Gives the leases of the VM back: the owner's, or all with NULL. -ENOENT: there are none. */
int lease_keeper_release(struct lease_keeper *keeper, struct vm *vm, const char *owner,
                         struct error *error);

#endif
