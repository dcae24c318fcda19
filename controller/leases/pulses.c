/* The clock of pulses. */
#include "controller/leases/pulses.h"

#include "controller/leases/conduct.h"
#include "controller/vms/hypervisor.h"

#define BACK_TIME (10 * NSEC_PER_SEC) /* who takes longer is left to the slow clock */

static bool is_quick(const struct vm *vm)
{
    const struct balloon_control *control = lease_balloon(vm);

    return control != NULL && pulse_is_on(&control->pulse) &&
           (pulse_takes(&control->pulse) || time_boottime() - control->pulse.ended < BACK_TIME);
}

/* True: its pulse needs another look soon. */
static bool visit(struct lease_keeper *keeper, struct vm *vm)
{
    struct balloon_input input = conduct_look(vm);

    vm_watch_balloon(vm);
    if (pulse_takes(&lease_balloon(vm)->pulse))
        conduct_start_reading(keeper, vm);
    conduct_run(keeper, vm, &input);
    return is_quick(vm);
}

static void on_timer(uv_timer_t *timer)
{
    struct lease_keeper *keeper = timer->data;
    bool is_on = false;

    list_for_each_safe (link, following, &keeper->balloons) {
        const struct vm_leases *leases = list_entry(link, struct vm_leases, link);

        if (is_quick(leases->vm))
            is_on = visit(keeper, leases->vm) || is_on;
    }
    if (!is_on)
        uv_timer_stop(timer);
}

int pulses_init(struct lease_keeper *keeper)
{
    int r = uv_timer_init(keeper->supervisor->loop, &keeper->pulse_timer);

    keeper->pulse_timer.data = keeper;
    return r;
}

void pulses_stop(struct lease_keeper *keeper)
{
    uv_close((uv_handle_t *)&keeper->pulse_timer, NULL);
}

void pulses_wake(struct lease_keeper *keeper)
{
    if (uv_is_closing((uv_handle_t *)&keeper->pulse_timer) == 0 &&
        uv_is_active((uv_handle_t *)&keeper->pulse_timer) == 0)
        uv_timer_start(&keeper->pulse_timer, on_timer, 0, PULSE_INTERVAL / NSEC_PER_MSEC);
}
