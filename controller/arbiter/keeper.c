/* The arbiter's eyes and hands. Writes vm->arbiter. */
#include "controller/arbiter/keeper.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/arbiter/act.h"
#include "controller/arbiter/recall.h"
#include "controller/leases/requests.h"

#define ASK_BACK_AGAIN (10 * NSEC_PER_SEC)

/* ---- VMs ---- */

/* Before anything is decided about it. */
static void prepare(struct arbiter_keeper *keeper, struct vm *vm)
{
    if (vm->arbiter == NULL)
        vm->arbiter = calloc(1, sizeof(*vm->arbiter));
    if (vm->arbiter == NULL || vm->arbiter->is_recalled || !vm->hypervisor.known)
        return;
    vm->arbiter->is_recalled = true;
    recall_vm(keeper, vm);
}

static int gather(struct arbiter_keeper *keeper, bool is_plan, nsec_t now)
{
    list_for_each (link, &keeper->supervisor->registry.vms)
        prepare(keeper, list_entry(link, struct vm, link));
    return keeping_gather(keeper, is_plan, now);
}

static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    prepare(userdata, vm);
    if (vm->arbiter != NULL)
        foreign_watch_look(&vm->arbiter->foreign, vm, now);
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct arbiter_keeper *keeper = userdata;
    struct vm *vm = event->vm;

    if (vm->arbiter == NULL)
        return;
    if (event->kind != VM_EVENT_REMOVED) {
        gather_take_event(vm->arbiter, event, time_boottime());
        return;
    }
    if (!keeper->supervisor->stopping)
        recall_forget(keeper, vm);
    gather_destroy(vm->arbiter);
    vm->arbiter = NULL;
}

/* ---- once a second ---- */

/* Leases of an earlier daemon come back with their VM's hypervisor. */
static void give_all_back(struct arbiter_keeper *keeper, nsec_t now)
{
    list_for_each_safe (link, following, &keeper->supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (vm->leased && vm->arbiter != NULL && lease_may_release(vm, ARBITER_OWNER) &&
            now >= vm->arbiter->ask_back) {
            vm->arbiter->ask_back = now + ASK_BACK_AGAIN;
            arbiter_give_all(keeper, vm, "the arbiter is off");
        }
    }
}

static struct arbiter_host look(const struct arbiter_keeper *keeper, nsec_t now)
{
    return gather_host(&keeper->host, &keeper->settings, reservations_bytes(&keeper->reservations),
                       now);
}

static void carry_out(struct arbiter_keeper *keeper, size_t count)
{
    const struct arbiter_scene *scene = &keeper->scene;

    for (size_t i = 0; i < count; i++) {
        const struct arbiter_request *request = &scene->requests[i];

        arbiter_act(keeper, scene->vms[request->vm], &scene->facts[request->vm], request);
    }
}

static void step(struct arbiter_keeper *keeper, nsec_t now)
{
    const struct arbiter_host host = look(keeper, now);
    struct arbiter_scene *scene = &keeper->scene;
    enum arbiter_state before = keeper->arbiter.state;
    size_t count;

    if (gather(keeper, false, now) < 0 || arbiter_step(&keeper->arbiter, &host, scene->facts,
                                                       scene->count, scene->requests, &count) < 0) {
        log_error("the arbiter has no memory to decide with; trying again");
        return;
    }
    keeper->view = arbiter_look(&host, scene->facts, scene->count);
    if (keeper->arbiter.state != before)
        log_notice("the arbiter is %s: the host has %s available, %s of it promised",
                   arbiter_state_name(keeper->arbiter.state), BYTES_TEXT(host.available),
                   BYTES_TEXT(keeper->view.promised));
    carry_out(keeper, count);
    for (size_t i = 0; i < scene->count; i++)
        recall_keep(keeper, scene->vms[i]);
}

/* Said once until it can be read again. */
static bool can_read_host(struct arbiter_keeper *keeper, nsec_t now)
{
    bool could = keeper->host_error.text[0] == '\0';

    if (keeping_read_host(keeper, now) == 0)
        return true;
    if (could)
        log_error("nothing is taken or given back by the arbiter: %s", keeper->host_error.text);
    return false;
}

static void on_timer(uv_timer_t *timer)
{
    struct arbiter_keeper *keeper = timer->data;
    nsec_t now = time_boottime();

    if (!keeper->settings.is_on)
        give_all_back(keeper, now);
    if (!keeper->settings.is_on && keeper->reservations.count == 0)
        return;
    if (!can_read_host(keeper, now))
        return;
    if (keeper->settings.is_on)
        step(keeper, now);
    reserve_tick(keeper, now);
}

/* ---- for the API ---- */

const struct host_facts *arbiter_keeper_host(struct arbiter_keeper *keeper, struct error *error)
{
    if (keeping_read_host(keeper, time_boottime()) < 0) {
        error_set(error, -EIO, "%s", keeper->host_error.text);
        return NULL;
    }
    return &keeper->host;
}

static void show(const struct arbiter_scene *scene, size_t i, const struct arbiter_request *request,
                 arbiter_plan_visitor visit, void *userdata)
{
    const struct arbiter_memory *memory = scene->facts[i].memory;
    const struct arbiter_figures *figures = request == NULL ? &memory->figures : &request->figures;
    struct arbiter_plan_row row = {
        .vm = scene->vms[i], .facts = &scene->facts[i], .request = request, .goal = figures->share};
    char text[ARBITER_TEXT_SIZE];

    row.text = request == NULL
                   ? arbiter_text(ARBITER_NO_STEP, memory->reason, 0, figures, text)
                   : arbiter_text(request->step, request->reason, request->bytes, figures, text);
    visit(&row, userdata);
}

static bool is_asked(const struct arbiter_scene *scene, size_t count, size_t i)
{
    for (size_t k = 0; k < count; k++)
        if (scene->requests[k].vm == i)
            return true;
    return false;
}

static void show_all(const struct arbiter_scene *scene, size_t count, arbiter_plan_visitor visit,
                     void *userdata)
{
    for (size_t k = 0; k < count; k++)
        show(scene, scene->requests[k].vm, &scene->requests[k], visit, userdata);
    for (size_t i = 0; i < scene->count; i++)
        if (!is_asked(scene, count, i))
            show(scene, i, NULL, visit, userdata);
}

int arbiter_keeper_plan(struct arbiter_keeper *keeper, arbiter_plan_visitor visit, void *userdata,
                        struct error *error)
{
    struct arbiter arbiter = {.state = keeper->arbiter.state,
                              .since = keeper->arbiter.since,
                              .plenty = keeper->arbiter.plenty};
    nsec_t now = time_boottime();
    struct arbiter_host host;
    size_t count;
    int r;

    if (arbiter_keeper_host(keeper, error) == NULL)
        return -EIO;
    host = look(keeper, now);
    r = gather(keeper, true, now);
    if (r == 0)
        r = arbiter_step(&arbiter, &host, keeper->scene.facts, keeper->scene.count,
                         keeper->scene.requests, &count);
    if (r == 0)
        show_all(&keeper->scene, count, visit, userdata);
    arbiter_finish(&arbiter);
    return r < 0 ? error_set(error, r, "out of memory") : 0;
}

/* ---- the whole ---- */

void arbiter_keeper_configure(struct arbiter_keeper *keeper,
                              const struct arbiter_settings *settings)
{
    bool was_on = keeper->settings.is_on;

    if (strcmp(keeper->settings.host_cgroup, settings->host_cgroup) != 0)
        keeper->host.time = 0;
    keeper->settings = *settings;
    if (was_on == settings->is_on)
        return;
    log_notice("the arbiter is %s", settings->is_on ? "on" : "off: what it holds is given back");
    keeper->view = (struct arbiter_view){.available = 0};
    arbiter_finish(&keeper->arbiter); /* what the host was in is of then */
}

void arbiter_keeper_init(struct arbiter_keeper *keeper, struct supervisor *supervisor,
                         struct actions *actions, struct store *store,
                         const struct arbiter_settings *settings)
{
    *keeper = (struct arbiter_keeper){
        .supervisor = supervisor,
        .actions = actions,
        .store = store,
        .settings = *settings,
        .listener = {.on_event = on_event, .on_visit = on_visit, .userdata = keeper, .acts = true},
    };
    list_init(&keeper->listener.link);
    list_init(&keeper->recalled);
    arbiter_init(&keeper->arbiter);
    reserve_load(keeper);
    recall_load(keeper);
    supervisor_listen(supervisor, &keeper->listener);
}

int arbiter_keeper_start(struct arbiter_keeper *keeper)
{
    int r = uv_timer_init(keeper->supervisor->loop, &keeper->timer);

    if (r < 0)
        return r;
    keeper->timer.data = keeper;
    return uv_timer_start(&keeper->timer, on_timer, ARBITER_INTERVAL / NSEC_PER_MSEC,
                          ARBITER_INTERVAL / NSEC_PER_MSEC);
}

/* The listener stays: what is remembered of VMs goes with them. */
void arbiter_keeper_stop(struct arbiter_keeper *keeper)
{
    keeper->listener.on_visit = NULL;
    uv_close((uv_handle_t *)&keeper->timer, NULL);
}

void arbiter_keeper_finish(struct arbiter_keeper *keeper)
{
    assert(keeper->acting_count == 0);
    arbiter_finish(&keeper->arbiter);
    keeping_finish(keeper);
    recall_finish(keeper);
}
