/* Keeping records.
 *
 * Theory of operation: an ordered action is recorded when it begins and when it ends, as its events
 * say; a guest's own as guest-actions.h says. Both end in the store, and are looked at once more
 * ten minutes later. One timer per second does what is due; it also writes each VM's waterfall once
 * a minute, spread over the minute.
 *
 * A restart goes on with the records as resume.h says.
 *
 * Failure modes: the store cannot be written: records wait in it. The VM goes away: the record
 * stays as it is, without the later check. Memory is short: an action goes unrecorded, never
 * undone. */
#include "controller/records/recorder.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "controller/actions/judge.h"
#include "controller/messages/waterfall.h"
#include "controller/records/again.h"
#include "controller/records/counts.h"
#include "controller/records/guest-actions.h"
#include "controller/records/reports.h"
#include "controller/records/resume.h"
#include "controller/records/tracks.h"
#include "controller/vms/hypervisor.h"

#define TICK_MS      1000
#define MINUTE       60 /* ticks */
#define STORE_EVERY  5
#define RETAIN_EVERY 3600

typedef Vmreclaim__Controller__V1__Action Action;

enum {
    PHASE_LATER = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_LATER,
};

/* ---- events ---- */

/* What came back until now is the doing of the guest's own actions. */
static void on_begun(struct recorder *recorder, struct vm *vm, const Action *record)
{
    assert(!record->finished && tracks_find(recorder, record->vm, record->id) == NULL);
    guest_run_close(recorder, record->vm, vm, time_boottime());
    (void)tracks_begin(recorder, record->id, record->vm, vm->serial);
    (void)store_put_action(recorder->store, record);
}

static void on_ended(struct recorder *recorder, struct vm *vm, const Action *record)
{
    struct track *track = tracks_find(recorder, record->vm, record->id);

    record_count(recorder, vm, record);
    (void)store_put_action(recorder->store, record);
    if (track == NULL)
        return;
    assert(track->state == TRACK_RUNNING && record->finished);
    if (record->footprint_before == 0 || track_take_record(track, record) < 0) {
        track_move(track, TRACK_OVER);
        return;
    }
    track->due = time_boottime() + TRACK_LATER;
    track_move(track, TRACK_WAITING);
}

static void on_vm_event(const struct vm_event *event, void *userdata)
{
    struct recorder *recorder = userdata;

    switch (event->kind) {
    case VM_EVENT_GUEST_ACTION:
        reports_add(recorder, event->vm, event->guest_action, time_boottime());
        break;
    case VM_EVENT_ACTION_BEGUN:
        on_begun(recorder, event->vm, event->record);
        break;
    case VM_EVENT_ACTION_ENDED:
        on_ended(recorder, event->vm, event->record);
        break;
    case VM_EVENT_RENAMED:
        tracks_rename(recorder, event->vm);
        break;
    default:
        break;
    }
}

/* ---- what is due ---- */

static void check_again(struct recorder *recorder, struct track *track, const struct vm *vm,
                        const Action *action)
{
    Action lent = *action;

    (void)measures_take(&track->measures, vm, PHASE_LATER);
    lent.samples = track->measures.pointers;
    lent.n_samples = track->measures.count;
    lent.vm = track->vm;
    lent.checked_again = 1;
    lent.host_returned_later = judge_returned(action, vm->measured.waterfall.footprint);
    (void)store_put_action(recorder->store, &lent);
}

/* A record that waits; the VM has just been measured. */
static void continue_waiting(struct recorder *recorder, struct track *track, const struct vm *vm)
{
    Action *action =
        vmreclaim__controller__v1__action__unpack(NULL, track->packed_length, track->packed);

    assert(track->state == TRACK_WAITING);
    track_move(track, TRACK_OVER);
    if (action == NULL)
        return;
    if (vm != NULL && record_is_comparable(vm, action))
        check_again(recorder, track, vm, action);
    vmreclaim__controller__v1__action__free_unpacked(action, NULL);
}

static void continue_track(struct vm *vm, void *userdata)
{
    struct track *track = userdata;

    track->is_asking = false;
    if (track->state == TRACK_SETTLING)
        guest_run_close(track->recorder, track->vm, vm, time_boottime());
    else
        continue_waiting(track->recorder, track, vm);
}

static void do_due(struct recorder *recorder, struct track *track)
{
    struct vm *vm = registry_find_name(&recorder->supervisor->registry, track->vm);

    track_check(track);
    track->is_asking =
        vm != NULL && fresh_sample_start(&track->sample, vm, continue_track, track) == 0;
    if (track->is_asking)
        return;
    if (vm != NULL)
        (void)vm_measure_exactly(vm);
    continue_track(vm, track);
}

/* Each VM once a minute, a sixtieth of them per tick. */
static void record_waterfalls(struct recorder *recorder)
{
    uint64_t index = 0;

    list_for_each (link, &recorder->supervisor->registry.vms) {
        const struct vm *vm = list_entry(link, struct vm, link);
        struct waterfall_message message;
        const struct waterfall *waterfall = &vm->measured.waterfall;

        if (index++ % MINUTE != recorder->seconds % MINUTE ||
            (!waterfall->host_is_known && !waterfall->guest_is_known))
            continue;
        waterfall_to_message(vm, false, &message);
        (void)store_put_waterfall(recorder->store, vm->name, &message.message);
    }
}

static bool is_due(const struct track *track, nsec_t now)
{
    return (track->state == TRACK_SETTLING || track->state == TRACK_WAITING) && !track->is_asking &&
           now >= track->due;
}

/* Tracks end here only: what is due for one may be the end of others. */
static void sweep(struct recorder *recorder)
{
    list_for_each_safe (link, following, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (track->state == TRACK_OVER)
            tracks_end(recorder, track);
    }
}

void recorder_tick(struct recorder *recorder, nsec_t now, int64_t time)
{
    reports_take(recorder, REPORTS_PER_TICK);
    list_for_each (link, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (is_due(track, now))
            do_due(recorder, track);
    }
    sweep(recorder);
    record_waterfalls(recorder);
    if (recorder->seconds % STORE_EVERY == 0)
        store_tick(recorder->store, now);
    if (recorder->seconds % RETAIN_EVERY == RETAIN_EVERY - 1)
        (void)store_retain(recorder->store, time, NULL);
    recorder->seconds++;
}

static void on_timer(uv_timer_t *timer)
{
    recorder_tick(timer->data, time_boottime(), time_realtime());
}

int recorder_init(struct recorder *recorder, struct supervisor *supervisor, struct store *store)
{
    *recorder = (struct recorder){
        .supervisor = supervisor,
        .store = store,
        .listener = {.on_event = on_vm_event, .userdata = recorder},
    };
    list_init(&recorder->tracks);
    list_init(&recorder->reports);
    host_totals_init(&recorder->totals);
    int r = uv_timer_init(supervisor->loop, &recorder->timer);
    if (r < 0)
        return r;
    recorder->timer.data = recorder;
    records_resume(recorder);
    supervisor_listen(supervisor, &recorder->listener);
    return uv_timer_start(&recorder->timer, on_timer, TICK_MS, TICK_MS);
}

void recorder_stop(struct recorder *recorder)
{
    supervisor_unlisten(&recorder->listener);
    reports_take(recorder, REPORTS_MAX);
    uv_close((uv_handle_t *)&recorder->timer, NULL);
    store_tick(recorder->store, time_boottime());
}

void recorder_finish(struct recorder *recorder)
{
    list_for_each_safe (link, following, &recorder->tracks)
        tracks_end(recorder, list_entry(link, struct track, link));
    assert(recorder->track_count == 0 && recorder->report_count == 0);
}
