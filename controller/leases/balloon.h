/* The balloon of one VM under leases: what to do next. Pure: no clock, no file, no allocation.
 *
 * Theory of operation: the target found at adoption is the VM's baseline. Each lease takes some
 * bytes from it. The target is the baseline less all leases, never under a floor and never beyond
 * the baseline. balloon_step looks at the world and names one action; the caller does it and says
 * with balloon_done how it went; then it asks again. Order makes it safe. A lease is in the journal
 * before memory is taken, and out of it only after the command to give it back.
 *
 *     request --put--> requested --command--> held --put-->
 *     release --put--> releasing --command (raise)--> forget
 *     void (reset, migration, pressure, foreign change): --command (raise)--> forget
 *
 * Taking is careful: only while the guest runs, with a fresh reading of it and headroom left, in
 * steps, each reached before the next. The first step for a hypervisor is a canary. If the memory
 * was resident and the footprint does not fall, the balloon is inert (assigned devices, encrypted
 * memory). Then the leases are given back. A guest that stops following is not pushed: the target
 * stays where it got to, and is tried again later, less and less often. Who doubts what a guest
 * says that it has left may go on in small steps. That guest must be able to take pages back by
 * itself (deflate-on-oom), and then has its memory back. Giving back is never held
 * up by anything: not by the journal, not by a stall, not by the state of the guest.
 *
 * Memory that is plugged or unplugged moves all sizes of the guest alike, for what is in the
 * balloon stays in it. Leases hold what they held, and the baseline moves along.
 *
 * Failure modes: a need in the guest raises the target to the baseline at once and ends the
 * leases. A target that moved without us belongs to someone else: we yield, take what we find as
 * the new baseline and report it. Not at once, because a restored snapshot moves it too and is
 * known for one only seconds later. A command that is not answered in time may be carried out
 * later. So it is repeated, and the size that the late one leads to is not taken for someone
 * else's. A reset, migration or snapshot voids the leases and raises first. After a reset a
 * hypervisor may report the old size for ever, because the new boot's driver finds nothing to do
 * and reports nothing. A target next to the right one, for a moment, makes it report. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_BALLOON_H
#define VMRECLAIM_CONTROLLER_LEASES_BALLOON_H

#include "controller/leases/balloon-leases.h"

enum balloon_action_kind {
    BALLOON_NOTHING,
    BALLOON_PUT,    /* `lease` into the journal */
    BALLOON_TELL,   /* the hypervisor: `target` */
    BALLOON_FORGET, /* `lease` out of the journal */
};

struct balloon_action {
    enum balloon_action_kind kind;
    uint64_t target;
    struct lease lease; /* a copy */
};

/* What to do next. The caller does it and calls balloon_done, then asks again, until there is
 * nothing to do now. `input` flags (pressure, voided) count once. */
struct balloon_action balloon_step(struct balloon_control *control,
                                   const struct balloon_input *input);

/* `status` is 0 or a negative errno. It may come later; until then balloon_step names nothing but a
 * raise. */
void balloon_done(struct balloon_control *control, const struct balloon_action *action, int status,
                  nsec_t now);

/* A fresh reading of the guest would decide the next step of taking, or who changed its size. One
 * for each step: a guest that has nothing left to give is not woken for it. */
bool balloon_waits_for_reading(const struct balloon_control *control,
                               const struct balloon_input *input);

/* Whether its guest needs memory that says that it stalls, with so much available, or that it had
 * to kill. While a lease takes memory, what is in a balloon's way is written back and let go, and
 * that is a stall, too. So as long as much is available it is no need before the guest has
 * followed. */
bool balloon_is_need(const struct balloon_control *control, const struct balloon_input *input,
                     uint64_t available, bool has_killed);

/* What is worth saying, one thing after the other, each once. */
enum balloon_news balloon_take_news(struct balloon_control *control);

/* Nothing of ours is in the balloon, and the guest has said so. */
bool balloon_is_over(const struct balloon_control *control);

#endif
