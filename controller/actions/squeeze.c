/* Squeezes. */
#include "controller/actions/squeeze.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/message/copy.h"
#include "controller/actions/ending.h"
#include "controller/actions/prospects.h"
#include "controller/crash/crash.h"
#include "controller/explain/finding.h"
#include "controller/leases/requests.h"
#include "controller/vms/hypervisor.h"

typedef Vmreclaim__Controller__V1__Action Action;

/* ---- states ---- */

#define BIT(state) (1u << (state))

static const unsigned followers[SQUEEZE_STATE_COUNT] = {
    [SQUEEZE_WAITING] = BIT(SQUEEZE_SAMPLING) | BIT(SQUEEZE_ENDED),
    [SQUEEZE_SAMPLING] = BIT(SQUEEZE_STEPPING) | BIT(SQUEEZE_BUSY) | BIT(SQUEEZE_ENDED),
    [SQUEEZE_STEPPING] =
        BIT(SQUEEZE_STEPPING) | BIT(SQUEEZE_BUSY) | BIT(SQUEEZE_HOLDING) | BIT(SQUEEZE_ENDED),
    [SQUEEZE_BUSY] = BIT(SQUEEZE_STEPPING) | BIT(SQUEEZE_BUSY) | BIT(SQUEEZE_ENDED),
    [SQUEEZE_HOLDING] = BIT(SQUEEZE_ENDED),
};

static bool is_running(enum squeeze_state state)
{
    return state == SQUEEZE_SAMPLING || state == SQUEEZE_STEPPING || state == SQUEEZE_BUSY;
}

static void check(const struct squeeze *squeeze)
{
    assert((squeeze->vm == NULL) == (squeeze->state == SQUEEZE_ENDED));
    assert((squeeze->action != NULL) <= (squeeze->state == SQUEEZE_STEPPING));
    assert(squeeze->sample.client == NULL || squeeze->state == SQUEEZE_SAMPLING);
    assert(squeeze->taken_count == squeeze->plan.count);
    assert(squeeze->state != SQUEEZE_WAITING || squeeze->started == 0);
}

static void move(struct squeeze *squeeze, enum squeeze_state next)
{
    struct squeezes *squeezes = squeeze->squeezes;

    assert((followers[squeeze->state] & BIT(next)) != 0);
    squeezes->running += is_running(next);
    squeezes->running -= is_running(squeeze->state);
    squeeze->state = next;
}

static void report(struct squeeze *squeeze)
{
    check(squeeze);
    if (squeeze->changed != NULL)
        squeeze->changed(squeeze, squeeze->userdata);
}

static void destroy(struct squeeze *squeeze)
{
    for (size_t i = 0; i < squeeze->taken_count; i++)
        message_free(squeeze->taken[i].record == NULL ? NULL : &squeeze->taken[i].record->base);
    list_remove(&squeeze->link);
    free(squeeze);
}

/* Who asked frees it, maybe before this returns. */
static void end(struct squeeze *squeeze)
{
    fresh_sample_cancel(&squeeze->sample);
    if (squeeze->stopped == 0)
        squeeze->stopped = time_boottime();
    squeeze->action = NULL;
    squeeze->vm = NULL;
    move(squeeze, SQUEEZE_ENDED);
    if (squeeze->changed == NULL)
        destroy(squeeze);
    else
        report(squeeze);
}

static void fail(struct squeeze *squeeze, const char *problem)
{
    squeeze_plan_stop(&squeeze->plan, SQUEEZE_END_FAILED);
    if (squeeze->problem[0] == '\0')
        text_copy_line(squeeze->problem, sizeof(squeeze->problem), problem);
    squeeze->size = 0;
}

/* ---- what the plan is shown ---- */

static void note_footprint(struct squeeze *squeeze)
{
    const struct host_memory *host = &squeeze->vm->measured.host;

    squeeze->footprint = host->time == 0 ? 0 : host->footprint;
}

static void look(struct squeeze *squeeze, struct squeeze_input *ret_input)
{
    struct prospects prospects;

    prospects_of(squeeze->vm, &prospects);
    note_footprint(squeeze);
    ret_input->now = time_boottime();
    ret_input->footprint = squeeze->footprint;
    ret_input->gains = prospects.gains;
}

/* ---- steps ---- */

void squeeze_request(const struct squeeze_asked *asked, const char *asked_by,
                     const struct squeeze_order *order, struct action_request *ret_request)
{
    struct action_request request = {.kind = &action_reporting};

    switch (order->step) {
    case SQUEEZE_CACHE:
    case SQUEEZE_DROP:
        request.kind = &action_reclaim;
        request.reclaim.bytes = order->bytes;
        request.reclaim.drop = order->step == SQUEEZE_DROP;
        request.reclaim.time_limit = order->time_limit;
        break;
    case SQUEEZE_COMPACT:
        request.kind = &action_compact;
        request.compact.time_limit = order->time_limit;
        request.compact.force = true;
        break;
    case SQUEEZE_ORDER:
        request.reporting.set_order = true;
        request.reporting.order = order->order;
        request.reporting.duration = order->time_limit;
        request.reporting.kick = true;
        break;
    case SQUEEZE_KICK:
        request.reporting.kick = true;
        break;
    case SQUEEZE_RESTORE:
        request.reporting.end_while = true;
        break;
    case SQUEEZE_PULSE:
        request.kind = &action_pulse;
        break;
    default:
        assert(order->step == SQUEEZE_HOLD);
        request.kind = &action_balloon;
        request.balloon.size = order->bytes;
        request.balloon.lifetime = asked->hold_time;
        request.balloon.doubts = false;
        snprintf(request.owner, sizeof(request.owner), "%s", asked_by);
        break;
    }
    action_id_make(request.id);
    memcpy(request.program, asked->program, sizeof(request.program));
    *ret_request = request;
}

static struct squeeze_taken *last_taken(struct squeeze *squeeze)
{
    assert(squeeze->taken_count > 0);
    return &squeeze->taken[squeeze->taken_count - 1];
}

/* The step is over without a record, or with one that says how it failed. */
static void step_ends(struct squeeze *squeeze, enum squeeze_outcome outcome, int64_t brought,
                      const char *reason)
{
    struct squeeze_taken *taken = last_taken(squeeze);

    taken->is_over = true;
    text_copy_line(taken->reason, sizeof(taken->reason), reason);
    squeeze->action = NULL;
    crash_point("a step of a squeeze has ended");
    squeeze_plan_took(&squeeze->plan, outcome, brought);
}

static enum squeeze_outcome outcome_of(const struct squeeze *squeeze, const Action *record)
{
    if (squeeze->request.kind == &action_pulse)
        return lease_pulse(squeeze->vm).end == PULSE_END_PRESSURE ? SQUEEZE_SHORT : SQUEEZE_TAKEN;
    if (record->guest == NULL)
        return SQUEEZE_TAKEN;
    switch ((int)record->guest->outcome) {
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE:
        return SQUEEZE_SHORT;
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY:
    case VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FAILED:
        return SQUEEZE_REFUSED;
    default:
        return SQUEEZE_TAKEN;
    }
}

static void keep_record(struct squeeze_taken *taken, const Action *record)
{
    Action shown = *record;

    shown.samples = NULL;
    shown.n_samples = 0;
    taken->record = (Action *)message_copy(&shown.base);
}

/* Nothing more can be done to the VM now. */
static bool is_fatal(int status)
{
    return status == -ECANCELED || status == -ENOTCONN || status == -EPERM;
}

static void advance(struct squeeze *squeeze);

static void on_step_done(const struct action_end *ended, void *userdata)
{
    struct squeeze *squeeze = userdata;
    enum squeeze_outcome outcome = SQUEEZE_REFUSED;
    int64_t brought = 0;

    if (ended->record != NULL) {
        keep_record(last_taken(squeeze), ended->record);
        brought = ended->record->host_returned;
        outcome = ended->status == 0 ? outcome_of(squeeze, ended->record) : SQUEEZE_REFUSED;
    }
    if (ended->status < 0 && !squeeze->is_cut && is_fatal(ended->status))
        fail(squeeze, ended->message);
    squeeze->has_lease = ended->status == 0 && squeeze->request.kind == &action_balloon;
    step_ends(squeeze, outcome, brought, ended->status < 0 ? ended->message : "");
    squeeze->is_cut = false;
    advance(squeeze);
}

/* Starts the action of the step. False: it was refused, the step is over. */
static bool try_step(struct squeeze *squeeze)
{
    struct error error;
    int r;

    if (squeeze->vm->action != NULL) {
        move(squeeze, SQUEEZE_BUSY);
        return true;
    }
    r = action_start(squeeze->squeezes->actions, squeeze->vm, &squeeze->request, squeeze->asked_by,
                     on_step_done, squeeze, &squeeze->action, &error);
    crash_point("a step of a squeeze was begun");
    if (r == 0) {
        move(squeeze, SQUEEZE_STEPPING);
        return true;
    }
    if (is_fatal(r))
        fail(squeeze, error.text);
    step_ends(squeeze, SQUEEZE_REFUSED, 0, error.text);
    return false;
}

/* ---- the lease ---- */

/* The one that its last step has taken; NULL: there is none, or it is given back. */
static const struct lease *find_lease(const struct squeeze *squeeze)
{
    const struct balloon_control *balloon = lease_balloon(squeeze->vm);

    if (!squeeze->has_lease || balloon == NULL)
        return NULL;
    for (uint32_t i = 0; i < balloon->lease_count; i++)
        if (balloon_counts(&balloon->leases[i]) &&
            strcmp(balloon->leases[i].lease.owner, squeeze->asked_by) == 0)
            return &balloon->leases[i].lease;
    return NULL;
}

static void note_lease(struct squeeze *squeeze)
{
    const struct lease *lease = find_lease(squeeze);

    squeeze->held = lease->bytes;
    squeeze->held_until = lease->due;
    squeeze->size = lease_balloon(squeeze->vm)->actual;
}

/* The guest has what others' leases leave it. */
static bool is_back(const struct squeeze *squeeze)
{
    const struct balloon_control *balloon = lease_balloon(squeeze->vm);

    return balloon == NULL || balloon_wanted(balloon) <= balloon->actual + BALLOON_SLACK;
}

/* The last step was taken: it is held, or over. */
static void finish(struct squeeze *squeeze)
{
    squeeze->stopped = time_boottime();
    if (find_lease(squeeze) == NULL || squeeze->changed == NULL) {
        end(squeeze);
        return;
    }
    note_lease(squeeze);
    move(squeeze, SQUEEZE_HOLDING);
    report(squeeze);
}

static void watch_lease(struct squeeze *squeeze)
{
    note_footprint(squeeze);
    if (find_lease(squeeze) != NULL) {
        note_lease(squeeze);
        report(squeeze);
    } else if (is_back(squeeze)) {
        squeeze->size = squeeze->vm->hypervisor.facts.balloon_actual;
        end(squeeze);
    }
}

/* ---- from step to step ---- */

static void begin_step(struct squeeze *squeeze, const struct squeeze_order *order)
{
    struct squeeze_taken *taken = &squeeze->taken[squeeze->taken_count++];

    *taken = (struct squeeze_taken){.step = order->step};
    squeeze_request(&squeeze->plan.asked, squeeze->asked_by, order, &squeeze->request);
    snprintf(taken->action, sizeof(taken->action), "%s", squeeze->request.id);
}

/* Why a step cannot even be asked for; NULL: it can. */
static const char *obstacle(const struct squeeze *squeeze, const struct squeeze_order *order)
{
    if (order->step != SQUEEZE_HOLD || order->bytes != 0)
        return NULL;
    if (squeeze->vm->links.agent == NULL)
        return "without an agent nobody says how much the guest needs while it is held";
    return "its balloon is in use, not ours, or returns nothing: see 'vmreclaim vm show'";
}

static void advance(struct squeeze *squeeze)
{
    struct squeeze_input input;
    struct squeeze_order order;
    const char *why;

    do {
        if (squeeze->vm->life.removed) {
            fail(squeeze, "the VM went away meanwhile");
            end(squeeze);
            return;
        }
        look(squeeze, &input);
        order = squeeze_plan_next(&squeeze->plan, &input);
        if (order.step == SQUEEZE_NO_STEP) {
            finish(squeeze);
            return;
        }
        why = obstacle(squeeze, &order);
        if (why != NULL) {
            squeeze->taken[squeeze->taken_count++] = (struct squeeze_taken){.step = order.step};
            step_ends(squeeze, SQUEEZE_REFUSED, 0, why);
            continue;
        }
        begin_step(squeeze, &order);
    } while (why != NULL || !try_step(squeeze));
    report(squeeze);
}

/* ---- begin ---- */

static void on_sample(struct vm *vm, void *userdata)
{
    struct squeeze *squeeze = userdata;

    if (vm != squeeze->vm && !squeeze->vm->life.removed)
        (void)vm_measure_exactly(squeeze->vm);
    note_footprint(squeeze);
    squeeze->footprint_before = squeeze->footprint;
    advance(squeeze);
}

static void run(struct squeeze *squeeze)
{
    squeeze->started = time_boottime();
    squeeze_plan_begin(&squeeze->plan, &squeeze->plan.asked, squeeze->started);
    move(squeeze, SQUEEZE_SAMPLING);
    if (fresh_sample_start(&squeeze->sample, squeeze->vm, on_sample, squeeze) < 0)
        on_sample(NULL, squeeze);
}

/* From the loop alone: whoever hears of one may end all others. */
static void start_waiting(struct squeezes *squeezes)
{
    list_for_each_safe (link, following, &squeezes->list) {
        struct squeeze *squeeze = list_entry(link, struct squeeze, link);

        if (squeezes->running >= SQUEEZES_SIDE_BY_SIDE)
            return;
        if (squeeze->state == SQUEEZE_WAITING) {
            run(squeeze);
            return; /* it may have ended, and started others */
        }
    }
}

static struct squeeze *find(const struct squeezes *squeezes, const struct vm *vm)
{
    list_for_each (link, &squeezes->list) {
        struct squeeze *squeeze = list_entry(link, struct squeeze, link);

        if (squeeze->vm == vm)
            return squeeze;
    }
    return NULL;
}

int squeeze_may_start(const struct squeezes *squeezes, const struct vm *vm, struct error *error)
{
    const struct squeeze *squeeze = find(squeezes, vm);

    if (vm->halted)
        return error_set(error, -EPERM,
                         "VM '%s' is halted: nothing is done to it until 'vmreclaim resume'",
                         vm->name);
    if (squeeze != NULL && squeeze->state == SQUEEZE_HOLDING)
        return error_set(
            error, -EBUSY,
            "VM '%s' is kept small by a squeeze of %s; 'vmreclaim release %s' ends that", vm->name,
            squeeze->asked_by, vm->name);
    if (squeeze != NULL)
        return error_set(error, -EBUSY, "VM '%s' is being squeezed already, by %s", vm->name,
                         squeeze->asked_by);
    return 0;
}

int squeeze_start(struct squeezes *squeezes, struct vm *vm, const struct squeeze_asked *asked,
                  const char *asked_by, squeeze_changed changed, void *userdata,
                  struct squeeze **ret_squeeze, struct error *error)
{
    struct squeeze *squeeze;
    int r = squeeze_may_start(squeezes, vm, error);

    if (r < 0)
        return r;
    squeeze = calloc(1, sizeof(*squeeze));
    if (squeeze == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    squeeze->squeezes = squeezes;
    squeeze->vm = vm;
    squeeze->plan.asked = *asked;
    squeeze->changed = changed;
    squeeze->userdata = userdata;
    snprintf(squeeze->vm_name, sizeof(squeeze->vm_name), "%s", vm->name);
    snprintf(squeeze->asked_by, sizeof(squeeze->asked_by), "%s", asked_by);
    list_append(&squeezes->list, &squeeze->link);
    *ret_squeeze = squeeze;
    return 0;
}

void squeeze_forget(struct squeeze *squeeze)
{
    squeeze->changed = NULL;
    squeeze->plan.asked.hold = false;
    squeeze_plan_stop(&squeeze->plan, SQUEEZE_END_LEFT);
    if (squeeze->state == SQUEEZE_ENDED)
        destroy(squeeze);
    else if (squeeze->state == SQUEEZE_WAITING || squeeze->state == SQUEEZE_HOLDING)
        end(squeeze);
}

/* ---- every second ---- */

static void visit(struct squeeze *squeeze, nsec_t now)
{
    switch (squeeze->state) {
    case SQUEEZE_STEPPING:
        note_footprint(squeeze);
        if (squeeze_plan_is_late(&squeeze->plan, now) && squeeze->action != NULL) {
            squeeze->is_cut = true;
            action_cut_short(squeeze->action, -ETIMEDOUT, "cut short: the squeeze's time is over");
            return;
        }
        report(squeeze);
        break;
    case SQUEEZE_BUSY:
        if (squeeze_plan_is_late(&squeeze->plan, now) ||
            (squeeze->changed == NULL && squeeze->plan.under_way != SQUEEZE_RESTORE))
            step_ends(squeeze, SQUEEZE_REFUSED, 0, "another action was under way all the time");
        else if (try_step(squeeze))
            break;
        advance(squeeze);
        break;
    case SQUEEZE_HOLDING:
        watch_lease(squeeze);
        break;
    default:
        report(squeeze);
        break;
    }
}

static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    struct squeezes *squeezes = userdata;
    struct squeeze *squeeze = find(squeezes, vm);

    if (squeeze != NULL)
        visit(squeeze, now);
    start_waiting(squeezes);
}

/* The actions have heard of it before. */
static void on_event(const struct vm_event *event, void *userdata)
{
    struct squeezes *squeezes = userdata;
    struct squeeze *squeeze = find(squeezes, event->vm);

    if (squeeze == NULL || event->kind != VM_EVENT_REMOVED)
        return;
    fail(squeeze, "the VM went away meanwhile");
    end(squeeze);
}

/* ---- the whole ---- */

void squeezes_init(struct squeezes *squeezes, struct supervisor *supervisor,
                   struct actions *actions)
{
    *squeezes = (struct squeezes){
        .supervisor = supervisor,
        .actions = actions,
        .listener = {.on_event = on_event,
                     .on_visit = on_visit,
                     .userdata = squeezes,
                     .acts = true},
    };
    list_init(&squeezes->list);
    supervisor_listen(supervisor, &squeezes->listener);
}

static struct squeeze *find_open(const struct squeezes *squeezes)
{
    list_for_each (link, &squeezes->list) {
        struct squeeze *squeeze = list_entry(link, struct squeeze, link);

        if (squeeze->vm != NULL)
            return squeeze;
    }
    return NULL;
}

void squeezes_stop(struct squeezes *squeezes)
{
    struct squeeze *squeeze;

    while ((squeeze = find_open(squeezes)) != NULL) {
        if (squeeze->action != NULL)
            action_forget_asker(squeeze->action);
        fail(squeeze, "vmreclaimd is stopping");
        end(squeeze);
    }
    supervisor_unlisten(&squeezes->listener);
}
