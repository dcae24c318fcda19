/* A loop's turns. */
#include "controller/telemetry/turns.h"

#include "common/base/number.h"
#include "common/base/time.h"

/* What is done in a turn lies between two checks; what it waits is known to libuv. */
static void on_check(uv_check_t *check)
{
    struct turns *turns = check->data;
    nsec_t now = time_monotonic();
    uint64_t idle = uv_metrics_idle_time(check->loop);

    if (turns->last != 0)
        histogram_add(&turns->times,
                      (int64_t)saturating_subtract(now - turns->last, idle - turns->idle));
    turns->last = now;
    turns->idle = idle;
}

int turns_init(struct turns *turns, uv_loop_t *loop)
{
    int r = uv_loop_configure(loop, UV_METRICS_IDLE_TIME);

    if (r < 0)
        return r;
    turns->last = 0;
    turns->idle = 0;
    histogram_init(&turns->times, &histogram_times);
    r = uv_check_init(loop, &turns->check);
    if (r < 0)
        return r;
    turns->check.data = turns;
    r = uv_check_start(&turns->check, on_check);
    uv_unref((uv_handle_t *)&turns->check);
    return r;
}

void turns_stop(struct turns *turns)
{
    uv_close((uv_handle_t *)&turns->check, NULL);
}
