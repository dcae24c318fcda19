/* Pulses by policy. */
#include "controller/pulses/planner.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/leases/foreign.h"
#include "controller/policies/effective.h"
#include "controller/pulses/plan.h"
#include "controller/vms/links.h"
#include "controller/vms/reading.h"
#include "controller/vms/statistics-now.h"

#define LOOK_INTERVAL (5 * NSEC_PER_SEC)
#define REFUSED       (30 * NSEC_PER_SEC)

static_assert(sizeof(((struct vm *)NULL)->pulse_text) == PULSE_TEXT_SIZE, "the reason fits");

/* What is remembered of a VM. */
struct vm_pulses {
    struct pulse_watch watch;
    struct pulse_history history;
    struct foreign_watch foreign;
    nsec_t look;     /* CLOCK_BOOTTIME of the next */
    uint64_t wanted; /* what the last one was to bring at least */
};

static struct vm_pulses *get(struct vm *vm)
{
    if (vm->pulses == NULL)
        vm->pulses = calloc(1, sizeof(*vm->pulses));
    return vm->pulses;
}

/* ---- facts ---- */

static uint64_t in_balloon(const struct driver_facts *facts)
{
    return facts->balloon_actual == 0 || facts->balloon_maximum == 0
               ? 0
               : saturating_subtract(facts->balloon_maximum, facts->balloon_actual);
}

static bool is_idle(const struct vm *vm)
{
    return vm->life.state == VM_MANAGED && strcmp(vm->agent.engine_state, "idle") == 0;
}

static void fill_host(const struct vm *vm, struct pulse_facts *facts)
{
    const struct driver_facts *said = &vm->hypervisor.facts;

    facts->is_reachable =
        vm->hypervisor.ready && vm->hypervisor.known && vm->hypervisor.silent == 0;
    facts->has_balloon =
        said->balloon == ANSWER_YES && (said->capabilities & DRIVER_CAN_SET_BALLOON) != 0;
    facts->reports = vm_reports(vm);
    facts->is_pinned = said->vfio_devices > 0;
    facts->is_encrypted = said->encrypted;
    facts->is_locked = said->locked;
    facts->has_huge_pages = lease_meets_huge_pages(vm);
    facts->runs = said->run_state == RUN_STATE_RUNNING;
    facts->in_balloon = in_balloon(said);
    facts->ram = said->ram;
    facts->footprint = vm->measured.host.time == 0 ? 0 : vm->measured.host.footprint;
}

static struct pulse_facts gather(const struct pulse_planner *planner, const struct vm *vm,
                                 nsec_t now)
{
    struct pulse_facts facts = {
        .now = now,
        .time = time_realtime() / (int64_t)NSEC_PER_SEC,
        .is_halted = vm->halted,
        .is_starved = vm->starvation.since != 0,
        .is_occupied = vm->action != NULL || vm->leased,
        .is_full_up = planner->on >= PULSES_MAX,
        .has_agent = vm->links.agent != NULL,
        .agent_is_idle = is_idle(vm),
        .foreign_owner = lease_foreign_owner(vm),
        .foreign_moved = vm->pulses->foreign.moved,
    };

    fill_host(vm, &facts);
    vm_read_guest(vm, now, &facts.reading);
    if (!facts.has_agent)
        facts.unread = vm_statistics_why_not(vm);
    return facts;
}

static void watch_guest(const struct vm *vm, const struct pulse_facts *facts,
                        const struct policy *policy)
{
    const struct driver_statistics *last = &vm->statistics.last;
    const struct pulse_counters counters = {last->minor_faults, last->major_faults, last->swap_in,
                                            last->swap_out};

    pulse_watch_take(&vm->pulses->watch, &facts->reading, &counters, policy->idle_window);
}

/* ---- acting ---- */

static void on_done(const struct action_end *end, void *userdata)
{
    struct pulse_planner *planner = userdata;

    assert(planner->on > 0);
    planner->on--;
}

static void say(struct vm *vm, const char *text)
{
    text_copy_line(vm->pulse_text, sizeof(vm->pulse_text), text);
}

static void start(struct pulse_planner *planner, struct vm *vm, const struct policy *policy,
                  nsec_t now)
{
    const struct action_request request = {.kind = &action_pulse, .pulse = pulse_limits_of(policy)};
    struct error error;
    char asked_by[80];

    snprintf(asked_by, sizeof(asked_by), "policy %s", policy->name);
    vm->pulses->wanted = policy->pulse_min_gain;
    planner->on++;
    if (action_start(planner->actions, vm, &request, asked_by, on_done, planner, NULL, &error) ==
        0) {
        say(vm, "one is under way");
        return;
    }
    planner->on--;
    vm->pulses->look = now + REFUSED;
    say(vm, error.text);
}

/* Reporting is no news. */
static void explain(struct vm *vm, const struct pulse_plan *plan, const struct pulse_facts *facts,
                    const struct policy *policy)
{
    if (plan->reason == PULSE_REPORTED)
        vm->pulse_text[0] = '\0';
    else
        pulse_plan_text(plan, facts, &vm->pulses->history, policy, vm->pulse_text);
}

static void look(struct pulse_planner *planner, struct vm *vm, nsec_t now)
{
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);
    struct pulse_facts facts = gather(planner, vm, now);
    struct pulse_plan plan;

    if (has_policy && policy.pulse)
        watch_guest(vm, &facts, &policy);
    plan =
        pulse_decide(&facts, &vm->pulses->watch, &vm->pulses->history, has_policy ? &policy : NULL);
    vm->takes_free = pulse_takes_free(&facts, has_policy ? &policy : NULL);
    if (vm->links.agent != NULL && vm->announced)
        vm_links_tell_order(vm);
    vm->pulses->look = now + LOOK_INTERVAL;
    if (plan.reason == PULSE_IS_DUE)
        start(planner, vm, &policy, now);
    else
        explain(vm, &plan, &facts, &policy);
}

static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    struct pulse_planner *planner = userdata;
    struct vm_pulses *pulses = get(vm);

    if (pulses != NULL && now >= pulses->look)
        look(planner, vm, now);
}

/* ---- what happens ---- */

static void see_end(struct vm_pulses *pulses, const Vmreclaim__Controller__V1__Action *record,
                    nsec_t now)
{
    uint64_t brought = record->host_returned > 0 ? (uint64_t)record->host_returned : 0;

    if (strcmp(record->kind, "pulse") != 0)
        return;
    pulse_note_end(&pulses->history, now, brought, pulses->wanted);
    pulses->look = 0;
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct vm *vm = event->vm;
    struct vm_pulses *pulses = vm->pulses;

    if (pulses == NULL)
        return;
    switch (event->kind) {
    case VM_EVENT_BALLOON:
    case VM_EVENT_HYPERVISOR:
        foreign_watch_look(&pulses->foreign, vm, time_boottime());
        break;
    case VM_EVENT_ACTION_ENDED:
        see_end(pulses, event->record, time_boottime());
        break;
    case VM_EVENT_RESET:
    case VM_EVENT_RESTORED:
        pulses->watch = (struct pulse_watch){.calm_since = 0};
        break;
    case VM_EVENT_REMOVED:
        free(pulses);
        vm->pulses = NULL;
        break;
    default:
        break;
    }
}

/* ---- the whole ---- */

void pulse_planner_init(struct pulse_planner *planner, struct supervisor *supervisor,
                        struct actions *actions)
{
    *planner = (struct pulse_planner){
        .supervisor = supervisor,
        .actions = actions,
        .listener = {.on_event = on_event, .on_visit = on_visit, .userdata = planner, .acts = true},
    };
    list_init(&planner->listener.link);
    supervisor_listen(supervisor, &planner->listener);
}

/* The listener stays: what is remembered of VMs goes with them. */
void pulse_planner_stop(struct pulse_planner *planner)
{
    planner->listener.on_visit = NULL;
}
