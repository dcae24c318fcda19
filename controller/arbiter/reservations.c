/* The table of reservations. */
#include "controller/arbiter/reservations.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/number.h"

int reservations_add(struct reservations *reservations, const struct reservation_asked *asked,
                     nsec_t now, int64_t time, struct reservation **ret_reservation,
                     struct error *error)
{
    struct reservation *added;
    nsec_t wait = asked->wait == 0 ? RESERVATION_WAIT_TIME : asked->wait;

    if (asked->bytes == 0)
        return error_set(error, -EINVAL, "a reservation of nothing; say how much: '4GiB'");
    if (reservations->count >= RESERVATIONS_MAX)
        return error_set(error, -ENOSPC, "%d reservations are held; release one first",
                         RESERVATIONS_MAX);
    added = &reservations->list[reservations->count++];
    *added = (struct reservation){.id = ++reservations->next_id,
                                  .asked = *asked,
                                  .state = RESERVATION_FILLING,
                                  .due = now + wait,
                                  .created = time,
                                  .expires = time + (int64_t)wait};
    *ret_reservation = added;
    return 0;
}

struct reservation *reservations_find(struct reservations *reservations, uint64_t id)
{
    for (size_t i = 0; i < reservations->count; i++)
        if (reservations->list[i].id == id)
            return &reservations->list[i];
    return NULL;
}

void reservations_remove(struct reservations *reservations, struct reservation *reservation)
{
    size_t index = (size_t)(reservation - reservations->list);

    assert(index < reservations->count);
    reservations->count--;
    memmove(reservation, reservation + 1, (reservations->count - index) * sizeof(*reservation));
}

uint64_t reservations_bytes(const struct reservations *reservations)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < reservations->count; i++)
        if (!reservation_has_ended(&reservations->list[i]))
            bytes +=
                saturating_subtract(reservations->list[i].asked.bytes, reservations->list[i].used);
    return bytes;
}

bool reservation_has_ended(const struct reservation *reservation)
{
    return reservation->state > RESERVATION_READY;
}

const char *reservation_state_name(enum reservation_state state)
{
    static const char *const names[RESERVATION_STATE_COUNT] = {
        [RESERVATION_FILLING] = "filling", [RESERVATION_READY] = "ready",
        [RESERVATION_USED] = "used",       [RESERVATION_OVER] = "over",
        [RESERVATION_SHORT] = "short",     [RESERVATION_RELEASED] = "released",
    };

    return names[state];
}
