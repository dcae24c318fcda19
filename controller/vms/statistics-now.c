/* Asking a guest for its balloon statistics now. */
#include "controller/vms/statistics-now.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/util.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"
#include "controller/vms/reading.h"
#include "controller/vms/statistics.h"

#define ROUND_TIME   (2 * NSEC_PER_SEC)
#define READ_TIMEOUT (1 * NSEC_PER_SEC)
#define PAUSE_MIN    (2 * NSEC_PER_MSEC)
#define PAUSE_MAX    (50 * NSEC_PER_MSEC)
#define HOLD_TIME    (15 * NSEC_PER_SEC) /* of the interval, after the last question */

/* What is asked of one VM. */
struct asking {
    struct vm *vm;
    uv_timer_t timer;
    struct list waiting; /* struct statistics_asked */
    nsec_t end;          /* of the round, CLOCK_BOOTTIME */
    bool is_poked;       /* ... and the guest was asked in it, or is being asked */
    int64_t second;      /* ... in which, UNIX */
    nsec_t begun;        /* ... and the last statistics of before were read, CLOCK_BOOTTIME */
    nsec_t pause;        /* until the next look */
};

static void on_timer(uv_timer_t *timer);

static void wait(struct asking *asking, nsec_t pause)
{
    uv_timer_start(&asking->timer, on_timer, pause / NSEC_PER_MSEC, 0);
}

/* ---- rounds ---- */

static void begin_round(struct asking *asking)
{
    asking->end = time_boottime() + ROUND_TIME;
    asking->is_poked = false;
    asking->pause = PAUSE_MIN;
    vm_interval_hold(asking->vm, time_boottime() + HOLD_TIME);
    wait(asking, 0);
}

static void on_closed(uv_handle_t *handle)
{
    free(container_of((uv_timer_t *)handle, struct asking, timer));
}

static void close_asking(struct asking *asking)
{
    asking->vm->asking = NULL;
    uv_close((uv_handle_t *)&asking->timer, on_closed);
}

/* Takes out those whom statistics of `told` answer. */
static void take_answered(struct asking *asking, nsec_t told, struct list *ret_answered)
{
    list_init(ret_answered);
    list_for_each_safe (link, following, &asking->waiting) {
        if (list_entry(link, struct statistics_asked, link)->since > told)
            continue;
        list_remove(link);
        list_append(ret_answered, link);
    }
}

/* Whoever is answered may ask again. The VM may be gone after that. */
static void end_round(struct asking *asking, int status)
{
    struct vm *vm = asking->vm;
    struct list answered;

    take_answered(asking, status == 0 ? vm->statistics.told : UINT64_MAX, &answered);
    if (list_is_empty(&asking->waiting))
        close_asking(asking);
    else
        begin_round(asking);
    if (status == 0)
        vm_emit(vm, VM_EVENT_STATISTICS, "the balloon's driver was asked");
    while (!list_is_empty(&answered)) {
        struct statistics_asked *asked = list_entry(answered.next, struct statistics_asked, link);

        list_remove(&asked->link);
        asked->done(status, asked->userdata);
    }
}

/* ---- one round ---- */

static void look_again(struct asking *asking)
{
    wait(asking, asking->pause);
    asking->pause = min_of(asking->pause * 2, PAUSE_MAX);
}

static void on_poked(struct vm *vm, int status)
{
    struct asking *asking = vm->asking;

    if (asking == NULL)
        return;
    if (status < 0)
        end_round(asking, status);
    else
        look_again(asking);
}

static void poke(struct asking *asking)
{
    int r = vm_interval_poke(asking->vm, on_poked);

    asking->is_poked = true;
    asking->second = time_realtime() / (int64_t)NSEC_PER_SEC;
    if (r < 0)
        end_round(asking, r);
}

static void on_read(const struct driver_result *result, void *userdata)
{
    struct vm *vm = userdata;
    struct asking *asking = vm->asking;
    nsec_t now = time_boottime();

    vm_hypervisor_note(vm, result);
    if (result->status == 0)
        vm_statistics_take(vm, result->statistics, now, time_realtime());
    if (asking == NULL)
        return;
    if (result->status < 0) {
        end_round(asking, result->status);
    } else if (!asking->is_poked) {
        asking->begun = now;
        poke(asking);
    } else if (vm->statistics.told >= asking->begun) {
        end_round(asking, 0);
    } else if (asking->second < time_realtime() / (int64_t)NSEC_PER_SEC) {
        poke(asking);
    } else {
        look_again(asking);
    }
}

static void look(struct asking *asking)
{
    struct vm *vm = asking->vm;
    int r = 0;

    if (!vm->hypervisor.ready || vm->hypervisor.silent != 0)
        r = -ENOTCONN;
    else if (time_boottime() >= asking->end)
        r = -ETIMEDOUT;
    else if (!vm_interval_is_held(vm))
        look_again(asking); /* it is being written down */
    else
        r = vm->address.driver->start(vm->hypervisor.session, DRIVER_READ_STATISTICS, 0,
                                      READ_TIMEOUT, on_read, vm);
    if (r < 0)
        end_round(asking, r);
}

static void on_timer(uv_timer_t *timer)
{
    look(container_of(timer, struct asking, timer));
}

/* ---- asking ---- */

const char *vm_statistics_why_not(const struct vm *vm)
{
    uint32_t capabilities = vm->hypervisor.facts.capabilities;

    if (!vm->hypervisor.ready || vm->hypervisor.silent != 0)
        return "its hypervisor does not answer";
    if (vm->hypervisor.facts.balloon != ANSWER_YES)
        return "it has no balloon";
    if ((capabilities & DRIVER_CAN_READ_STATISTICS) == 0)
        return "its hypervisor has no balloon statistics";
    if ((capabilities & DRIVER_CAN_SET_STATISTICS_INTERVAL) == 0)
        return statistics_trust_text(STATISTICS_TIMELESS);
    if ((capabilities & DRIVER_TELLS_EVENTS) == 0)
        return "its monitor serves other clients too, and is not kept from them";
    if (!vm_may_be_changed(vm))
        return vm->halted ? "it is halted" : "it is only observed: it has no file and no policy";
    if (vm->supervisor->intervals == NULL || time_boottime() < vm->interval.retry)
        return "its hypervisor refuses to ask the guest";
    return NULL;
}

const char *vm_why_unread(const struct vm *vm, nsec_t now)
{
    enum statistics_trust trust = vm_judge_statistics(vm, now);
    const char *why;

    if (vm->links.agent != NULL)
        return "its agent does not answer";
    why = vm_statistics_why_not(vm);
    if (why != NULL)
        return why;
    return trust == STATISTICS_HOLD || trust == STATISTICS_OLD
               ? "its balloon driver was asked and has not answered"
               : statistics_trust_text(trust);
}

static struct asking *create(struct vm *vm)
{
    struct asking *asking = calloc(1, sizeof(*asking));

    if (asking == NULL)
        return NULL;
    asking->vm = vm;
    list_init(&asking->waiting);
    if (uv_timer_init(vm->supervisor->loop, &asking->timer) < 0) {
        free(asking);
        return NULL;
    }
    vm->asking = asking;
    return asking;
}

int vm_statistics_ask(struct vm *vm, struct statistics_asked *asked, statistics_done done,
                      void *userdata)
{
    bool is_first = vm->asking == NULL;

    if (vm_statistics_why_not(vm) != NULL)
        return -EOPNOTSUPP;
    if (is_first && create(vm) == NULL)
        return -ENOMEM;
    *asked =
        (struct statistics_asked){.since = time_boottime(), .done = done, .userdata = userdata};
    list_append(&vm->asking->waiting, &asked->link);
    if (is_first)
        begin_round(vm->asking);
    return 0;
}

void vm_statistics_cancel(struct statistics_asked *asked)
{
    list_remove(&asked->link);
}

void vm_statistics_now_on_event(const struct vm_event *event)
{
    struct vm *vm = event->vm;

    if (vm->asking != NULL && event->kind == VM_EVENT_STATE && vm->life.state == VM_GONE)
        end_round(vm->asking, -ENOTCONN);
    assert(vm->asking == NULL || event->kind != VM_EVENT_REMOVED);
}
