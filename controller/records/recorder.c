/* Keeping records.
 *
 * Theory of operation: an operator's action is followed through the hooks of the API's actions. A
 * guest's own action is heard of when it has ended; the footprint before it comes from the VM's
 * history of the last seconds, and it is closed when the guest's kernel has had time to report.
 * Both end in the store, and are looked at once more ten minutes later. One timer per second does
 * what is due; it also writes each VM's waterfall once a minute, spread over the minute.
 *
 * A restart resumes the records that wait.
 *
 * Failure modes: the store cannot be written: records wait in it. The VM goes away: the record
 * stays as it is, without the later check. Memory is short: an action goes unrecorded, never
 * undone. */
#include "controller/records/recorder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "controller/records/track.h"

#define LATER        (600 * NSEC_PER_SEC)
#define SETTLE       (30 * NSEC_PER_SEC) /* the kernel reports a whole idle guest in that time */
#define RESUME_SPAN  (LATER + 3600 * NSEC_PER_SEC) /* no action takes longer than an hour */
#define ALLOWANCE    (2 * (int64_t)NSEC_PER_SEC)   /* between two clocks */
#define TICK_MS      1000
#define MINUTE       60 /* ticks */
#define STORE_EVERY  5
#define RETAIN_EVERY 3600

typedef Vmreclaim__Controller__V1__Action Action;

enum {
    PHASE_BEFORE = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE,
    PHASE_DURING = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_DURING,
    PHASE_AFTER = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER,
    PHASE_LATER = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_LATER,
};

static struct track *find_track(const struct recorder *recorder, const char *vm, const char *id)
{
    list_for_each (link, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (strcmp(track->id, id) == 0 && strcmp(track->vm, vm) == 0)
            return track;
    }
    return NULL;
}

static struct track *begin_track(struct recorder *recorder, const char *id, const char *vm)
{
    struct track *track;

    if (recorder->track_count >= RECORDER_TRACKS_MAX || track_create(id, vm, &track) < 0)
        return NULL;
    track->recorder = recorder;
    list_append(&recorder->tracks, &track->link);
    recorder->track_count++;
    return track;
}

static void end_track(struct recorder *recorder, struct track *track)
{
    recorder->track_count--;
    track_destroy(track);
}

/* ---- operators' actions ---- */

static void on_started(const struct vm *vm, const Action *action, void *userdata)
{
    struct recorder *recorder = userdata;
    struct track *track = begin_track(recorder, action->id, vm->name);

    if (track != NULL)
        track_sample(track, vm, PHASE_BEFORE, time_boottime());
    (void)store_put_action(recorder->store, action);
}

static void on_progress(const struct vm *vm, const char *id, void *userdata)
{
    struct track *track = find_track(userdata, vm->name, id);

    if (track != NULL)
        track_sample(track, vm, PHASE_DURING, time_boottime());
}

/* Completes and stores; the track waits for its later check, and holds what `action` points to. */
static void record(struct recorder *recorder, struct track *track, struct vm *vm, Action *action,
                   nsec_t now)
{
    if (vm != NULL)
        track_sample(track, vm, PHASE_AFTER, now);
    track_complete(track, recorder->api->supervisor, vm, action);
    (void)store_put_action(recorder->store, action);
    track->state = TRACK_WAITING;
    track->due = now + LATER;
    (void)track_keep(track, action);
}

static void on_finished(struct vm *vm, Action *action, void *userdata)
{
    struct recorder *recorder = userdata;
    struct track *track = find_track(recorder, action->vm, action->id);

    action->finished = 1;
    if (track == NULL)
        (void)store_put_action(recorder->store, action);
    else
        record(recorder, track, vm, action, time_boottime());
}

/* ---- the guests' own actions ---- */

/* The footprint at `start`; 0: not known. */
static uint64_t footprint_at(const struct vm *vm, nsec_t start)
{
    const struct footprint_point *point = footprint_history_at(&vm->history, start);

    return point == NULL ? 0 : point->footprint;
}

/* The guest's figures of before are in its result; the rest is what we know of that moment. */
static void sample_before(struct track *track, const struct vm *vm,
                          const Vmreclaim__Agent__V1__ActionResult *result, nsec_t now)
{
    Vmreclaim__Controller__V1__ActionSample *sample = &track->samples[0];
    nsec_t start = result->duration_ns < now ? now - result->duration_ns : 0;

    track_sample(track, vm, PHASE_BEFORE, now);
    sample->time_ns -= (int64_t)min_of(result->duration_ns, 3600 * NSEC_PER_SEC);
    sample->footprint = footprint_at(vm, start);
    sample->guest_free = result->free_before;
    sample->reported = result->reported_before;
    sample->trapped = result->trapped_before;
    sample->cache = result->cache_before;
}

static int ignore_action(const Action *action, void *userdata)
{
    (void)action;
    (void)userdata;
    return 0;
}

/* The id that the guest gave its action, or one of ours where that is none, or names another
 * record: a guest must not write over those. */
static void choose_id(const struct recorder *recorder, const char *given, char id[ACTION_ID_SIZE])
{
    bool is_id = strlen(given) == ACTION_ID_SIZE - 1 &&
                 strspn(given, "0123456789abcdef") == ACTION_ID_SIZE - 1;

    if (is_id && store_action(recorder->store, given, ignore_action, NULL, NULL) == -ENOENT)
        (void)snprintf(id, ACTION_ID_SIZE, "%s", given);
    else
        action_id_make(id);
}

static void on_guest_action(struct recorder *recorder, struct vm *vm,
                            const Vmreclaim__Agent__V1__ActionResult *result)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    nsec_t now = time_boottime();
    char id[ACTION_ID_SIZE];

    /* An operator's action comes back as an event too; it has a track already. */
    if (find_track(recorder, vm->name, result->action_id) != NULL)
        return;
    choose_id(recorder, result->action_id, id);
    struct track *track = begin_track(recorder, id, vm->name);
    if (track == NULL)
        return;
    supervisor_calibrate(vm);
    sample_before(track, vm, result, now);
    action.id = track->id;
    action.vm = track->vm;
    action.kind = api_text(api_action_kind_name(result->kind));
    action.asked_by = result->asked_by[0] != '\0' ? result->asked_by : api_text("policy");
    action.started_ns = time_realtime() - (int64_t)min_of(result->duration_ns, (uint64_t)INT64_MAX);
    action.duration_ns = result->duration_ns;
    action.guest = (Vmreclaim__Agent__V1__ActionResult *)result;
    action.footprint_before = track->samples[0].footprint;
    track->state = TRACK_SETTLING;
    track->due = now + SETTLE;
    if (track_keep(track, &action) < 0)
        end_track(recorder, track);
}

static void on_vm_event(const struct vm_event *event, void *userdata)
{
    if (event->kind == VM_EVENT_ACTION && event->action != NULL)
        on_guest_action(userdata, event->vm, event->action);
}

/* ---- what is due ---- */

static void close_guest_action(struct recorder *recorder, struct track *track, struct vm *vm,
                               Action *action, nsec_t now)
{
    action->finished = 1;
    action->footprint_after = vm->waterfall.footprint;
    if (action->footprint_before != 0)
        action->host_returned = (int64_t)(action->footprint_before - vm->waterfall.footprint);
    record(recorder, track, vm, action, now);
}

static void check_again(struct recorder *recorder, struct track *track, const struct vm *vm,
                        Action *action, nsec_t now)
{
    Vmreclaim__Controller__V1__ActionSample **samples = action->samples;
    size_t count = action->n_samples;

    track_sample(track, vm, PHASE_LATER, now);
    action->samples = track->sample_pointers;
    action->n_samples = track->sample_count;
    action->checked_again = 1;
    action->host_returned_later = (int64_t)(action->footprint_before - vm->waterfall.footprint);
    (void)store_put_action(recorder->store, action);
    /* The message frees its own. */
    action->samples = samples;
    action->n_samples = count;
}

/* Whether the VM's hypervisor is the one that the action was measured on. */
bool recorder_is_comparable(const struct vm *vm, const Action *action)
{
    nsec_t tick = NSEC_PER_SEC / (nsec_t)sysconf(_SC_CLK_TCK);
    int64_t age = time_realtime() - action->started_ns;

    return action->footprint_before != 0 && hypervisor_process_is_open(&vm->process) &&
           (int64_t)(vm->process.start_time * tick) <= (int64_t)time_boottime() - age + ALLOWANCE;
}

/* A record that settles or waits; the VM has just been measured. Its message is freed by its own
 * pointers, so what `record` lends to it is taken back first. */
static void continue_track(struct vm *vm, void *userdata)
{
    struct track *track = userdata;
    struct recorder *recorder = track->recorder;
    nsec_t now = time_boottime();
    Action *action =
        vmreclaim__controller__v1__action__unpack(NULL, track->packed_length, track->packed);

    track->is_asking = false;
    if (vm == NULL || action == NULL || vm->waterfall.time == 0) {
        if (action != NULL && track->state == TRACK_SETTLING)
            (void)store_put_action(recorder->store, action);
        end_track(recorder, track);
    } else if (track->state == TRACK_SETTLING) {
        Action lent = *action;
        close_guest_action(recorder, track, vm, &lent, now);
    } else {
        if (recorder_is_comparable(vm, action))
            check_again(recorder, track, vm, action, now);
        end_track(recorder, track);
    }
    if (action != NULL)
        vmreclaim__controller__v1__action__free_unpacked(action, NULL);
}

static void do_due(struct recorder *recorder, struct track *track)
{
    struct vm *vm = registry_find_name(&recorder->api->supervisor->registry, track->vm);

    track->is_asking =
        vm != NULL && fresh_sample_start(&track->sample, vm, continue_track, track) == 0;
    if (track->is_asking)
        return;
    if (vm != NULL)
        (void)supervisor_measure_exactly(recorder->api->supervisor, vm);
    continue_track(vm, track);
}

/* Each VM once a minute, a sixtieth of them per tick. */
static void record_waterfalls(struct recorder *recorder)
{
    uint64_t index = 0;

    list_for_each (link, &recorder->api->supervisor->registry.vms) {
        const struct vm *vm = list_entry(link, struct vm, link);
        struct api_vm_scratch scratch;
        if (index++ % MINUTE != recorder->seconds % MINUTE || vm->waterfall_time == 0)
            continue;
        api_waterfall_to_message(vm, false, &scratch);
        (void)store_put_waterfall(recorder->store, vm->name, &scratch.waterfall);
    }
}

void recorder_tick(struct recorder *recorder, nsec_t now, int64_t time)
{
    list_for_each_safe (link, following, &recorder->tracks) {
        struct track *track = list_entry(link, struct track, link);
        if (track->state != TRACK_RUNNING && !track->is_asking && now >= track->due)
            do_due(recorder, track);
    }
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

/* ---- records that a restart interrupted ---- */

static int resume(const Action *action, void *userdata)
{
    struct recorder *recorder = userdata;
    int64_t age = time_realtime() - (action->started_ns + (int64_t)action->duration_ns);
    struct track *track;

    if (!action->finished || action->checked_again || age < 0 || age > (int64_t)LATER)
        return 0;
    track = begin_track(recorder, action->id, action->vm);
    if (track == NULL)
        return 0;
    for (size_t i = 0; i < action->n_samples && i < TRACK_SAMPLES_MAX - 1; i++)
        track_add_sample(track, action->samples[i]);
    track->state = TRACK_WAITING;
    track->due = time_boottime() + (LATER - (nsec_t)age);
    if (track_keep(track, action) < 0)
        end_track(recorder, track);
    return 0;
}

int recorder_init(struct recorder *recorder, struct api *api, struct store *store)
{
    *recorder = (struct recorder){
        .api = api,
        .store = store,
        .actions = {.userdata = recorder,
                    .on_started = on_started,
                    .on_progress = on_progress,
                    .on_finished = on_finished},
        .listener = {.on_event = on_vm_event, .userdata = recorder},
    };
    list_init(&recorder->tracks);
    int r = uv_timer_init(api->supervisor->loop, &recorder->timer);
    if (r < 0)
        return r;
    recorder->timer.data = recorder;
    (void)store_actions(store, NULL, time_realtime() - (int64_t)RESUME_SPAN, RECORDER_TRACKS_MAX,
                        resume, recorder, NULL);
    supervisor_listen(api->supervisor, &recorder->listener);
    return uv_timer_start(&recorder->timer, on_timer, TICK_MS, TICK_MS);
}

void recorder_stop(struct recorder *recorder)
{
    supervisor_unlisten(&recorder->listener);
    uv_close((uv_handle_t *)&recorder->timer, NULL);
    store_tick(recorder->store, time_boottime());
}

void recorder_finish(struct recorder *recorder)
{
    list_for_each_safe (link, following, &recorder->tracks)
        end_track(recorder, list_entry(link, struct track, link));
}
