/* asking -> held -> (renewed) -> lost */
#include "controller/fleet/coordinator/lease.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"

bool lease_is_held(const struct lease *lease)
{
    return lease->epoch != 0 && time_boottime() < lease->held_until;
}

void lease_give_up(struct lease *lease, const char *why)
{
    if (lease->epoch == 0)
        return;
    log_warning("this coordinator does not lead any more: %s", why);
    lease->epoch = 0;
    lease->revision = 0;
}

static void hold(struct lease *lease, uint64_t revision)
{
    lease->revision = revision;
    lease->held_until = lease->begun + lease->time / 10 * 8;
    if (lease->epoch != 0)
        return;
    lease->epoch = revision;
    log_notice("this coordinator leads, epoch %" PRIu64, lease->epoch);
}

/* What timed out may hold or not: asked for again, it is another's or ours to find. */
static void on_answer(const struct bus_answer *answer, void *userdata)
{
    struct lease *lease = userdata;

    lease->is_asking = false;
    if (answer->status == 0)
        hold(lease, answer->sequence);
    else if (answer->status == -ESTALE)
        lease_give_up(lease, "the lease is another's");
}

static void ask(struct lease *lease)
{
    uint64_t expected = lease->epoch != 0 ? lease->revision : BUS_NOTHING;

    lease->begun = time_boottime();
    lease->is_asking = bus_put(lease->bus, LEASE_SUBJECT, lease->name, strlen(lease->name),
                               expected, on_answer, lease) == 0;
}

static void on_timer(uv_timer_t *timer)
{
    struct lease *lease = timer->data;

    if (lease->epoch != 0 && !lease_is_held(lease))
        lease_give_up(lease, "it could not be renewed in time");
    if (lease->bus_is_there && !lease->is_asking)
        ask(lease);
}

void lease_on_bus(struct lease *lease, bool is_there)
{
    lease->bus_is_there = is_there;
}

void lease_on_message(struct lease *lease, const struct bus_message *message)
{
    if (strcmp(message->subject, LEASE_SUBJECT) != 0)
        return;
    snprintf(lease->leader, sizeof(lease->leader), "%.*s", (int)message->length,
             (const char *)message->data);
}

void lease_init(struct lease *lease, uv_loop_t *loop, const char *name, nsec_t time)
{
    uint64_t third = time / 3 / NSEC_PER_MSEC;

    *lease = (struct lease){.time = time};
    snprintf(lease->name, sizeof(lease->name), "%s", name);
    (void)uv_timer_init(loop, &lease->timer);
    lease->timer.data = lease;
    (void)uv_timer_start(&lease->timer, on_timer, third / 10, third);
}

void lease_stop(struct lease *lease)
{
    uv_close((uv_handle_t *)&lease->timer, NULL);
}
