/* The life cycle of actions. */
#include "controller/actions/machine.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/actions/ending.h"
#include "controller/vms/hypervisor.h"

#define TICK         (250 * NSEC_PER_MSEC)
#define SETTLE_NOISE MIB

/* ---- after ---- */

/* Without a sample of this very VM, the host alone is measured. */
static void measure_instead(struct action *action, const struct vm *sampled)
{
    if (sampled != action->vm && !action->vm->life.removed)
        (void)vm_measure_exactly(action->vm);
}

static void on_sample_after(struct vm *vm, void *userdata)
{
    struct action *action = userdata;

    measure_instead(action, vm);
    action_end(action, 0, NULL);
}

/* The guest's side of the record is of the same moment as the host's. */
static void sample_and_end(struct action *action)
{
    action_move(action, ACTION_AFTER);
    if (fresh_sample_start(&action->sample, action->vm, on_sample_after, action) == 0)
        return;
    measure_instead(action, NULL);
    action_end(action, 0, NULL);
}

/* ---- settling ---- */

static void settle(struct action *action)
{
    action->lowest = action->footprint_before;
    action->last_fall = time_boottime();
    action->settle_end = action->last_fall + action->request.kind->means->settle_max;
    action_move(action, ACTION_SETTLING);
}

static void watch_footprint(struct action *action, nsec_t now)
{
    const struct host_memory *host = &action->vm->measured.host;

    if (vm_measure(action->vm) < 0) {
        sample_and_end(action);
        return;
    }
    if (host->footprint + SETTLE_NOISE <= action->lowest) {
        action->lowest = host->footprint;
        action->last_fall = now;
    }
    if (now - action->last_fall >= action->request.kind->means->settle_quiet ||
        now >= action->settle_end)
        sample_and_end(action);
}

void action_acted(struct action *action, bool settles)
{
    assert(action->state == ACTION_ACTING);
    if (settles)
        settle(action);
    else
        sample_and_end(action);
}

void action_fail(struct action *action, int status, const char *reason)
{
    assert(action->state == ACTION_ACTING && status < 0);
    (void)vm_measure_exactly(action->vm);
    action_end(action, status, reason);
}

/* ---- the timer ---- */

static void look(struct action *action, nsec_t now)
{
    const struct action_means *means = action->request.kind->means;
    enum action_look found = means->look == NULL ? ACTION_GOES_ON : means->look(action, now);

    if (found != ACTION_GOES_ON)
        action_acted(action, found == ACTION_HAS_ACTED);
}

static void visit(struct action *action, nsec_t now)
{
    if ((action->state != ACTION_ACTING && action->state != ACTION_SETTLING) ||
        now < action->next_look)
        return;
    action->next_look = now + action->request.kind->means->interval;
    measures_take_during(&action->measures, action->vm, now);
    if (action->state == ACTION_SETTLING)
        watch_footprint(action, now);
    else
        look(action, now);
    /* It may have ended. */
}

/* Each is moved to the end before its turn: any of them may end meanwhile. */
static void on_timer(uv_timer_t *timer)
{
    struct actions *actions = timer->data;
    nsec_t now = time_boottime();

    for (size_t i = actions->running_count; i > 0 && !list_is_empty(&actions->running); i--) {
        struct action *action = list_entry(actions->running.next, struct action, link);

        list_remove(&action->link);
        list_append(&actions->running, &action->link);
        visit(action, now);
    }
}

/* ---- before ---- */

/* The VM has just been measured: the action begins here. */
static int begin(struct action *action, struct error *error)
{
    struct vm *vm = action->vm;
    nsec_t started = time_boottime();
    int64_t started_time = time_realtime();
    int r;

    action->footprint_before = vm->measured.host.footprint;
    if (hypervisor_process_is_open(&vm->measured.process)) {
        action->pid = vm->measured.process.pid;
        action->start_time = vm->measured.process.start_time;
    }
    if (action->request.kind->asked != NULL)
        action->asked = action->request.kind->asked(action);
    drift_begin(vm, &action->drift);
    (void)measures_take(&action->measures, vm,
                        VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE);
    r = action->request.kind->act(action, error);
    if (r < 0)
        return r;
    action->started = started;
    action->started_time = started_time;
    action->next_look = action->started + action->request.kind->means->interval;
    action->actions->count++;
    action_move(action, ACTION_ACTING);
    action_report_begin(action);
    return 0;
}

static void on_sample_before(struct vm *vm, void *userdata)
{
    struct action *action = userdata;
    struct error error;
    int r;

    measure_instead(action, vm);
    if (action->vm->life.removed)
        r = error_set(&error, -ENOTCONN, "VM '%s' went away meanwhile", action->vm_name);
    else
        r = begin(action, &error);
    if (r < 0)
        action_refuse(action, r, error.text);
}

int action_look_before(const struct action_kind *kind, struct vm *vm, struct fresh_sample *sample,
                       void (*done)(struct vm *vm, void *userdata), void *userdata)
{
    return kind->asks_driver && vm->links.agent == NULL
               ? fresh_reading_start(sample, vm, done, userdata)
               : fresh_sample_start(sample, vm, done, userdata);
}

static int sample_before(struct action *action)
{
    return action_look_before(action->request.kind, action->vm, &action->sample, on_sample_before,
                              action);
}

static struct action *create(struct actions *actions, struct vm *vm,
                             const struct action_request *request, const char *asked_by)
{
    struct action *action = calloc(1, sizeof(*action));

    if (action == NULL)
        return NULL;
    action->actions = actions;
    action->vm = vm;
    action->request = *request;
    if (action->request.id[0] == '\0')
        action_id_make(action->request.id);
    snprintf(action->vm_name, sizeof(action->vm_name), "%s", vm->name);
    snprintf(action->asked_by, sizeof(action->asked_by), "%s", asked_by);
    action_enter(action);
    uv_timer_start(&actions->timer, on_timer, TICK / NSEC_PER_MSEC, TICK / NSEC_PER_MSEC);
    return action;
}

/* -EBUSY while another is under way that does not end for it. */
static int check_room(const struct vm *vm, const struct action_request *request,
                      struct error *error)
{
    const struct action *other = vm->action;

    if (other == NULL || request->kind->gives_back)
        return 0;
    return error_set(error, -EBUSY, "VM '%s': %s %s of %s is still under way", vm->name,
                     other->request.kind->name, other->request.id, other->asked_by);
}

static int check_halt(const struct vm *vm, const struct action_request *request,
                      struct error *error)
{
    if (!vm->halted || request->kind->gives_back)
        return 0;
    return error_set(error, -EPERM,
                     "VM '%s' is halted: nothing is done to it until 'vmreclaim resume %s', or "
                     "'vmreclaim resume --all'",
                     vm->name, vm->name);
}

int action_may_start(const struct vm *vm, const struct action_request *request, struct error *error)
{
    int r = check_halt(vm, request, error);

    if (r == 0)
        r = request->kind->check(vm, error);
    return r < 0 ? r : check_room(vm, request, error);
}

int action_start(struct actions *actions, struct vm *vm, const struct action_request *request,
                 const char *asked_by, action_done done, void *userdata, struct action **ret_action,
                 struct error *error)
{
    struct action *action;
    int r = action_may_start(vm, request, error);

    if (r < 0) {
        actions->refused[total_kind_of(request->kind->name)]++;
        return r;
    }
    if (vm->action != NULL)
        action_cut_short(vm->action, -ECANCELED,
                         "cut short by a release: what came back later is not in these figures");
    action = create(actions, vm, request, asked_by);
    if (action == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    if (sample_before(action) < 0) {
        measure_instead(action, NULL);
        r = begin(action, error);
    }
    if (r < 0) {
        action_refuse(action, r, error->text);
        return r;
    }
    action->done = done;
    action->userdata = userdata;
    if (ret_action != NULL)
        *ret_action = action;
    return 0;
}

void action_forget_asker(struct action *action)
{
    assert(action->state != ACTION_ENDED && action->done != NULL);
    action->done = NULL;
}

/* ---- the whole ---- */

static void on_vm_event(const struct vm_event *event, void *userdata)
{
    struct action *action = event->vm->action;

    if (action == NULL)
        return;
    if (event->kind == VM_EVENT_REMOVED)
        action_cut_short(action, -ENOTCONN, "the VM went away meanwhile");
    else if (event->kind == VM_EVENT_RENAMED)
        snprintf(action->vm_name, sizeof(action->vm_name), "%s", event->vm->name);
}

int actions_init(struct actions *actions, struct supervisor *supervisor,
                 struct lease_keeper *keeper)
{
    int r;

    *actions = (struct actions){
        .supervisor = supervisor,
        .keeper = keeper,
        .listener = {.on_event = on_vm_event, .userdata = actions, .acts = true},
    };
    list_init(&actions->running);
    list_init(&actions->listener.link);
    r = uv_timer_init(supervisor->loop, &actions->timer);
    if (r < 0)
        return r;
    actions->timer.data = actions;
    supervisor_listen(supervisor, &actions->listener);
    return 0;
}

void actions_stop(struct actions *actions)
{
    while (!list_is_empty(&actions->running))
        action_cut_short(list_entry(actions->running.next, struct action, link), -ECANCELED,
                         "vmreclaimd is stopping");
    assert(actions->running_count == 0);
    supervisor_unlisten(&actions->listener);
    uv_close((uv_handle_t *)&actions->timer, NULL);
}
