/* The tick, and who hears of what. */
#include "controller/vms/tick.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/proc/meminfo.h"
#include "controller/vms/agent.h"
#include "controller/vms/announce.h"
#include "controller/vms/found.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"
#include "controller/vms/life.h"
#include "controller/vms/links.h"
#include "controller/vms/statistics-now.h"
#include "controller/vms/statistics.h"

/* What guests' connections may hold together; ten thousand quiet ones hold 8 MiB. */
#define AGENT_BYTES_MAX       ((uint64_t)128 << 20)
#define AGENT_CONNECTIONS_MAX 32768u

/* What guests that use more than their share of the processor may use together. It is so little of
 * a core that it meets fewer commands to others than their slowest hundredth. */
#define DEBTORS_PERMYRIAD 20
#define DEBTORS_SAVED     (5 * NSEC_PER_MSEC)
#define DEBTORS_DEBT_MAX  (5 * NSEC_PER_SEC)

/* ---- events between the parts ---- */

/* A VM that is gone has nothing open. */
static void close_all(const struct vm_event *event)
{
    if (event->kind != VM_EVENT_STATE || event->vm->life.state != VM_GONE)
        return;
    vm_leave_hypervisor(event->vm);
    vm_links_drop(event->vm, "the VM is gone");
    assert(event->vm->hypervisor.session == NULL && event->vm->links.agent == NULL);
}

/* The guest is silent: maybe its hypervisor is, which otherwise is asked once a minute. */
static void ask_hypervisor(const struct vm_event *event)
{
    if (event->kind == VM_EVENT_STATE &&
        (event->vm->life.state == VM_STALLED || event->vm->life.state == VM_LOST))
        (void)vm_hypervisor_refresh(event->vm);
}

static void on_event(const struct vm_event *event, void *userdata)
{
    agent_on_event(event);
    ask_hypervisor(event);
    announce_on_event(event);
    vm_statistics_on_event(event);
    vm_interval_on_event(event);
    close_all(event);
    vm_statistics_now_on_event(event);
}

/* ---- tick ---- */

/* khugepaged works on guest memory when transparent huge pages are on, or on by madvise, which
 * hypervisors use for guest memory. */
static void read_transparent_huge_pages(struct supervisor *supervisor)
{
    char text[128];
    int length = file_read_into(supervisor->root, "sys/kernel/mm/transparent_hugepage/enabled",
                                text, sizeof(text));

    if (length > 0)
        supervisor->transparent_huge_pages = strstr(text, "[never]") == NULL;
    else if (length == -ENOENT) /* else it is as it was: maybe there is no descriptor left */
        supervisor->transparent_huge_pages = false;
}

static void read_host(struct supervisor *supervisor)
{
    struct meminfo meminfo;

    read_transparent_huge_pages(supervisor);
    if (meminfo_read(supervisor->root, &meminfo) == 0)
        supervisor->swap_used = saturating_subtract(meminfo.swap_total, meminfo.swap_free);
}

static void visit(struct supervisor *supervisor, struct vm *vm, nsec_t now)
{
    vm_hypervisor_visit(vm, now);
    if (vm->life.removed || vm_found_join(vm))
        return;
    vm_statistics_visit(vm, now);
    vm_links_visit(vm, now);
    list_for_each (link, &supervisor->listeners) {
        struct supervisor_listener *listener = list_entry(link, struct supervisor_listener, link);

        if (listener->on_visit != NULL)
            listener->on_visit(vm, now, listener->userdata);
    }
    vm_update_state(vm);
}

void supervisor_tick(struct supervisor *supervisor, nsec_t now)
{
    struct list *slot = &supervisor->slots[supervisor->slot];

    assert(!supervisor->stopping && supervisor->slot < SUPERVISOR_SLOTS);
    supervisor->slot = (supervisor->slot + 1) % SUPERVISOR_SLOTS;
    if (supervisor->slot == 0)
        read_host(supervisor);
    list_for_each_safe (link, following, slot)
        visit(supervisor, list_entry(link, struct vm, life.slot_link), now);
}

static void on_timer(uv_timer_t *timer)
{
    supervisor_tick(timer->data, time_boottime());
}

/* ---- the whole ---- */

int supervisor_init(struct supervisor *supervisor, uv_loop_t *loop, int root,
                    nsec_t sample_interval)
{
    int r;

    *supervisor = (struct supervisor){
        .loop = loop,
        .root = root,
        .sample_interval = sample_interval,
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 3},
    };
    boot_id_read(root, supervisor->host_boot_id);
    read_host(supervisor);
    ttrpc_budget_init(&supervisor->agent_budget, AGENT_BYTES_MAX, AGENT_CONNECTIONS_MAX);
    supervisor->agent_budget.processor = (struct ttrpc_share){
        .permyriad = DEBTORS_PERMYRIAD, .saved_max = DEBTORS_SAVED, .debt_max = DEBTORS_DEBT_MAX};
    strangers_init(&supervisor->strangers);
    registry_init(&supervisor->registry);
    list_init(&supervisor->listeners);
    supervisor->parts = (struct supervisor_listener){.on_event = on_event, .acts = true};
    supervisor_listen(supervisor, &supervisor->parts);
    for (size_t i = 0; i < SUPERVISOR_SLOTS; i++)
        list_init(&supervisor->slots[i]);
    r = uv_timer_init(loop, &supervisor->timer);
    if (r < 0)
        return r;
    supervisor->timer.data = supervisor;
    return uv_timer_start(&supervisor->timer, on_timer, SUPERVISOR_TICK / NSEC_PER_MSEC,
                          SUPERVISOR_TICK / NSEC_PER_MSEC);
}

void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping)
        return;
    supervisor->stopping = true;
    uv_close((uv_handle_t *)&supervisor->timer, NULL);
    list_for_each_safe (link, following, &supervisor->registry.vms)
        vm_remove(list_entry(link, struct vm, link));
}

void supervisor_finish(struct supervisor *supervisor)
{
    assert(supervisor->stopping && supervisor->unannounced_count == 0);
    registry_finish(&supervisor->registry);
    strangers_finish(&supervisor->strangers);
}
