/* The arbiter's eyes and hands. */
#include "controller/arbiter/keeper.h"

#include <errno.h>

int arbiter_keeper_init(struct arbiter_keeper *keeper, struct supervisor *supervisor,
                        struct actions *actions, struct store *store,
                        const struct arbiter_settings *settings)
{
    *keeper = (struct arbiter_keeper){
        .supervisor = supervisor,
        .actions = actions,
        .store = store,
        .settings = *settings,
    };
    return 0;
}

void arbiter_keeper_configure(struct arbiter_keeper *keeper,
                              const struct arbiter_settings *settings)
{
    keeper->settings = *settings;
}

void arbiter_keeper_stop(struct arbiter_keeper *keeper)
{
    keeper->settings.is_on = false;
}

void arbiter_keeper_finish(struct arbiter_keeper *keeper)
{
}

const struct host_facts *arbiter_keeper_host(struct arbiter_keeper *keeper, struct error *error)
{
    nsec_t now = time_boottime();

    if (keeper->host.time != 0 && now - keeper->host.time < NSEC_PER_SEC)
        return &keeper->host;
    return host_read(keeper->supervisor->root, keeper->settings.host_cgroup, now, &keeper->host,
                     error) < 0
               ? NULL
               : &keeper->host;
}

int arbiter_keeper_plan(struct arbiter_keeper *keeper, arbiter_plan_visitor visit, void *userdata,
                        struct error *error)
{
    return arbiter_keeper_host(keeper, error) == NULL ? -EIO : 0;
}

int arbiter_reserve(struct arbiter_keeper *keeper, const struct reservation_asked *asked,
                    reservation_changed changed, void *userdata, uint64_t *ret_id,
                    struct error *error)
{
    struct reservation *reservation;
    int r = reservations_add(&keeper->reservations, asked, time_boottime(), time_realtime(),
                             &reservation, error);

    if (r < 0)
        return r;
    *ret_id = reservation->id;
    return 0;
}

void arbiter_forget_asker(struct arbiter_keeper *keeper, uint64_t id)
{
}

int arbiter_release(struct arbiter_keeper *keeper, uint64_t id, struct error *error)
{
    struct reservation *reservation = reservations_find(&keeper->reservations, id);

    if (reservation == NULL)
        return error_set(error, -ENOENT, "there is no reservation %llu", (unsigned long long)id);
    reservations_remove(&keeper->reservations, reservation);
    return 0;
}
