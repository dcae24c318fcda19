/* Runs of the guests' own actions. */
#include "controller/records/guest-actions.h"

#include <assert.h>
#include <string.h>

#include "controller/actions/judge.h"
#include "controller/explain/view.h"
#include "controller/messages/action.h"
#include "controller/messages/text.h"
#include "controller/records/again.h"
#include "controller/records/tracks.h"
#include "controller/vms/drift.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/measured.h"

#define SETTLE    (30 * NSEC_PER_SEC) /* the kernel reports a whole idle guest in that time */
#define RUN_SPAN  (60 * NSEC_PER_SEC) /* one that goes on has figures all the same */
#define FREED_MAX (UINT64_C(1) << 50) /* the guest may say anything: sums do not overflow */

enum {
    PHASE_BEFORE = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE,
    PHASE_DURING = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING,
};

/* ---- what is known when it is heard of ---- */

/* What the guest says of one moment. */
struct figures {
    uint64_t free;
    uint64_t reported;
    uint64_t trapped;
    uint64_t cache;
};

/* Puts the guest's figures of a moment into a sample that has ours of now. What was neither free
 * nor cache then was in use, and what was free and neither reported nor trapped was reportable. */
static void set_figures(ActionSample *sample, const struct vm *vm, const struct figures *figures)
{
    uint64_t all =
        vm->measured.waterfall.in_use + vm->measured.guest.free + vm->measured.waterfall.cache;
    uint64_t rest = figures->free - min_of(figures->free, figures->reported);

    sample->guest_is_known = vm->measured.waterfall.guest_is_known && figures->free != 0;
    sample->guest_free = figures->free;
    sample->reported = figures->reported;
    sample->trapped = figures->trapped;
    sample->cache = figures->cache;
    sample->reportable = rest - min_of(rest, figures->trapped);
    sample->held_back = min_of(sample->held_back, sample->reportable);
    sample->in_use = all - min_of(all, figures->free + figures->cache);
}

/* At the begin of the action's window. */
static void sample_before(struct track *track, const struct vm *vm, const ActionResult *result,
                          const struct footprint_point *begin, nsec_t now)
{
    const struct figures figures = {result->free_before, result->reported_before,
                                    result->trapped_before, result->cache_before};
    ActionSample *sample = measures_take(&track->measures, vm, PHASE_BEFORE);

    sample->time_ns = time_realtime() - (int64_t)(now - begin->time);
    sample->footprint = begin->footprint;
    set_figures(sample, vm, &figures);
}

/* At its end, when what it freed has hardly been reported. */
static void sample_end(struct track *track, const struct vm *vm, const ActionResult *result)
{
    const struct figures figures = {result->free_after, result->reported_after,
                                    result->trapped_after, result->cache_after};

    set_figures(measures_take(&track->measures, vm, PHASE_DURING), vm, &figures);
}

/* Where the action's window begins; NULL: that is not known. */
static const struct footprint_point *window_begin(const struct vm *vm, nsec_t start)
{
    const struct footprint_history *history = &vm->measured.history;

    return start < history->claimed.time ? &history->claimed : footprint_history_at(history, start);
}

/* What would have come back without the actions of a run. Nothing where its window begins at the
 * end of another: what goes on falling is the doing of the actions before. */
static int64_t drift_of(const struct vm *vm, const ActionSample *before,
                        const struct footprint_point *begin, bool *ret_is_known)
{
    struct drift drift;

    *ret_is_known = true;
    if (begin == &vm->measured.history.claimed)
        return 0;
    drift_begin_at(vm, begin->time,
                   before->guest_is_known ? before->reportable - before->held_back
                                          : DRIFT_WAITS_UNKNOWN,
                   &drift);
    *ret_is_known = drift.is_known;
    return drift_over(&drift, SETTLE);
}

/* ---- the record ---- */

/* Joins the run of `leader`; NULL: begins one. */
static void begin_settling(struct track *track, struct track *leader, const Action *action,
                           nsec_t now)
{
    assert(leader == NULL || (leader->state == TRACK_SETTLING && leader != track));
    assert(leader == NULL || strcmp(leader->vm, track->vm) == 0);
    assert(leader != NULL || tracks_find_state(track->recorder, track->vm, TRACK_SETTLING) == NULL);
    track->freed = min_of(view_let_go(action->guest), FREED_MAX);
    track->drift = action->drift;
    track->drift_is_known = action->drift_is_known;
    track->begun = now;
    track_postpone(leader == NULL ? track : leader, now + SETTLE);
    track_move(track, leader == NULL ? TRACK_SETTLING : TRACK_FOLLOWING);
}

/* A run has one drift. */
static void set_drift(Action *action, const struct vm *vm, const struct track *leader,
                      const ActionSample *before, const struct footprint_point *begin)
{
    bool is_known = leader != NULL && leader->drift_is_known;

    action->drift = leader != NULL ? leader->drift : drift_of(vm, before, begin, &is_known);
    action->drift_is_known = is_known && action->footprint_before != 0;
}

/* Follows the action in the VM's run; without `leader`, it begins one at `begin`. */
static void follow(struct recorder *recorder, struct vm *vm, Action *action, struct track *leader,
                   const struct footprint_point *begin, nsec_t now)
{
    struct track *track = tracks_begin(recorder, action->id, vm->name, vm->serial);

    if (track == NULL)
        return;
    if (leader == NULL)
        sample_before(track, vm, action->guest, begin, now);
    else
        measures_add(&track->measures, leader->measures.pointers[0]);
    sample_end(track, vm, action->guest);
    action->footprint_before = track->measures.pointers[0]->footprint;
    set_drift(action, vm, leader, track->measures.pointers[0], begin);
    action->samples = track->measures.pointers;
    action->n_samples = track->measures.count;
    if (track_keep(track, action) < 0) {
        tracks_end(recorder, track);
        return;
    }
    begin_settling(track, leader, action, now);
    (void)store_put_action(recorder->store, action);
}

void guest_action_take(struct recorder *recorder, struct vm *vm, const ActionResult *result,
                       const char *id, nsec_t now)
{
    const struct footprint_point *begin;
    struct track *leader;
    Action action;

    /* An operator's action comes back as an event too; it has a track already. */
    if (tracks_find(recorder, vm->name, result->action_id) != NULL)
        return;
    guest_action_to_message(vm, result, &action);
    action.id = message_text(id);
    (void)vm_measure_exactly(vm);
    leader = tracks_find_state(recorder, vm->name, TRACK_SETTLING);
    if (leader != NULL && now - leader->begun >= RUN_SPAN) {
        guest_run_close(recorder, leader->vm, vm, now);
        leader = NULL;
    }
    begin = window_begin(vm, now - min_of(result->duration_ns, now));
    if (tracks_find_state(recorder, vm->name, TRACK_RUNNING) != NULL)
        tracks_store_unmeasured(
            recorder, vm, &action,
            "an operator's action was under way; what came back is in its record");
    else if (leader == NULL && begin == NULL)
        tracks_store_unmeasured(
            recorder, vm, &action,
            "what the host held when this began is not known: the VM was not measured "
            "yet");
    else
        follow(recorder, vm, &action, leader, begin, now);
}

void guest_action_resume(struct recorder *recorder, struct track *track, const Action *action,
                         nsec_t now)
{
    struct track *leader = tracks_find_state(recorder, track->vm, TRACK_SETTLING);

    begin_settling(track, leader, action, now);
}

/* ---- the end of a run ---- */

/* Its actions, and what they freed together. */
struct run {
    uint64_t count;
    uint64_t freed;
};

static bool is_of_run(const struct track *track, const char *name)
{
    return (track->state == TRACK_SETTLING || track->state == TRACK_FOLLOWING) &&
           strcmp(track->vm, name) == 0;
}

static struct run run_of(const struct recorder *recorder, const char *name)
{
    struct run run = {0};

    list_for_each (link, &recorder->tracks) {
        const struct track *track = list_entry(link, struct track, link);

        if (!is_of_run(track, name))
            continue;
        run.count++;
        run.freed += track->freed;
    }
    return run;
}

/* By what it freed; in equal parts where none freed anything. */
static void set_share(Action *action, const struct track *track, const struct run *run)
{
    if (run->count == 1)
        return;
    action->share = run->freed == 0 ? 1 : track->freed;
    action->share_of = run->freed == 0 ? run->count : run->freed;
    action->drift = judge_share(action, action->drift);
    assert(action->share <= action->share_of);
}

static void close_measured(struct recorder *recorder, struct track *track, struct vm *vm,
                           Action *action, const struct run *run, nsec_t now)
{
    set_share(action, track, run);
    action->finished = 1;
    action->footprint_after = vm->measured.waterfall.footprint;
    action->host_returned = judge_returned(action, action->footprint_after);
    action->drift = judge_drift(action, action->footprint_after);
    tracks_record(recorder, track, vm, action, now);
}

/* The message is freed by its own pointers, so what is completed is a copy of it. */
static void close_one(struct recorder *recorder, struct track *track, struct vm *vm,
                      const struct run *run, nsec_t now)
{
    Action *action =
        vmreclaim__controller__v1__action__unpack(NULL, track->packed_length, track->packed);

    track_postpone(track, now);
    if (action == NULL) {
        track_move(track, TRACK_OVER);
        return;
    }
    Action lent = *action;
    lent.vm = track->vm;
    if (vm != NULL && record_is_comparable(vm, action)) {
        close_measured(recorder, track, vm, &lent, run, now);
    } else {
        tracks_store_unmeasured(recorder, vm, &lent,
                                "the VM's process was gone before what came back was measured");
        track_move(track, TRACK_OVER);
    }
    vmreclaim__controller__v1__action__free_unpacked(action, NULL);
}

void guest_run_close(struct recorder *recorder, const char *name, struct vm *vm, nsec_t now)
{
    const struct run run = run_of(recorder, name);

    if (run.count == 0)
        return;
    if (vm != NULL)
        vm_measure_huge(vm);
    list_for_each (link, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (is_of_run(track, name))
            close_one(recorder, track, vm, &run, now);
    }
}
