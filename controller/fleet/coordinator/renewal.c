/* A pass over all hosts each second: 20,000 take less than a millisecond. */
#include "controller/fleet/coordinator/renewal.h"

#define TURN_MS 1000

/* Of two clocks. */
#define SLACK ((int64_t)600 * 1000000000)

static bool is_due(const struct host_entry *entry, int64_t now)
{
    const DesiredState *wanted = entry->wanted;

    return wanted != NULL &&
           (entry->is_formers || entry->is_older_there || wanted->issued_ns > now + SLACK ||
            wanted->expires_ns < now + RENEWAL_LEFT);
}

void renewal_turn(struct renewal *renewal, int64_t now)
{
    struct fleet_hosts *hosts = renewal->hosts;
    struct host_entry **all = fleet_hosts_all(hosts);

    if (!lease_is_held(renewal->lease))
        return;
    for (size_t i = 0; i < hosts->count && renewal->writer->count < RENEWALS_MAX; i++)
        if (is_due(all[i], now) && writer_may_write(renewal->writer, all[i]->id) &&
            writer_renew(renewal->writer, all[i]->id, renewal->lease->epoch) < 0)
            return;
}

static void on_timer(uv_timer_t *timer)
{
    renewal_turn(timer->data, time_realtime());
}

void renewal_init(struct renewal *renewal, uv_loop_t *loop, struct fleet_hosts *hosts,
                  struct writer *writer, const struct lease *lease)
{
    *renewal = (struct renewal){.hosts = hosts, .writer = writer, .lease = lease};
    (void)uv_timer_init(loop, &renewal->timer);
    renewal->timer.data = renewal;
    (void)uv_timer_start(&renewal->timer, on_timer, TURN_MS, TURN_MS);
}

void renewal_stop(struct renewal *renewal)
{
    uv_close((uv_handle_t *)&renewal->timer, NULL);
}
