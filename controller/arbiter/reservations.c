/* The table of reservations. */
#include "controller/arbiter/reservations.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define PAGE_SLACK MIB /* of what a VM leaves of it nobody can say that it will not come */

/* ---- states ---- */

/* Bit n: the state may follow. */
static const unsigned followers[RESERVATION_STATE_COUNT] = {
    [RESERVATION_FILLING] =
        1u << RESERVATION_READY | 1u << RESERVATION_SHORT | 1u << RESERVATION_RELEASED,
    [RESERVATION_READY] =
        1u << RESERVATION_USED | 1u << RESERVATION_OVER | 1u << RESERVATION_RELEASED,
};

static void move(struct reservation *reservation, enum reservation_state next)
{
    assert((followers[reservation->state] >> next & 1) != 0);
    reservation->state = next;
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

static void set_end(struct reservation *reservation, nsec_t duration, nsec_t now, int64_t time)
{
    nsec_t most = min_of(duration, (nsec_t)INT64_MAX / 4);

    reservation->due = now + most;
    reservation->expires = time + (int64_t)most;
}

/* ---- the table ---- */

int reservations_add(struct reservations *reservations, const struct reservation_asked *asked,
                     nsec_t now, int64_t time, struct reservation **ret_reservation,
                     struct error *error)
{
    struct reservation *added;

    if (asked->bytes == 0)
        return error_set(error, -EINVAL, "a reservation of nothing; say how much: '4GiB'");
    if (reservations->count >= RESERVATIONS_MAX)
        return error_set(error, -ENOSPC, "%d reservations are held; release one first",
                         RESERVATIONS_MAX);
    added = &reservations->list[reservations->count++];
    *added = (struct reservation){.id = ++reservations->next_id,
                                  .asked = *asked,
                                  .state = RESERVATION_FILLING,
                                  .created = time};
    set_end(added, asked->wait == 0 ? RESERVATION_WAIT_TIME : asked->wait, now, time);
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

static uint64_t wanted(const struct reservation *reservation)
{
    if (reservation_has_ended(reservation))
        return 0;
    return saturating_subtract(reservation->asked.bytes, reservation->used);
}

uint64_t reservations_bytes(const struct reservations *reservations)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < reservations->count; i++)
        bytes += wanted(&reservations->list[i]);
    return bytes;
}

uint64_t reservations_room(const struct reservations *reservations, uint64_t room)
{
    return saturating_subtract(room, reservations_bytes(reservations));
}

void reservation_note_footprint(struct reservation *reservation, uint64_t footprint)
{
    reservation->used = saturating_subtract(footprint, reservation->used_since);
}

void reservation_release(struct reservation *reservation)
{
    move(reservation, RESERVATION_RELEASED);
}

/* ---- the step ---- */

static void fill(struct reservation *reservation, uint64_t *room)
{
    reservation->there = min_of(wanted(reservation), *room);
    reservation->most = max_of(reservation->most, reservation->there);
    *room -= reservation->there;
}

/* Of one that is hardly more than the slack half is enough. */
static bool is_used(const struct reservation *reservation)
{
    uint64_t bytes = reservation->asked.bytes;

    return reservation->used + min_of(PAGE_SLACK, bytes / 2) >= bytes;
}

static void advance(struct reservation *reservation, const struct reservations_input *input)
{
    bool is_whole = reservation->there >= wanted(reservation);

    if (reservation->state == RESERVATION_FILLING && is_whole) {
        nsec_t hold = reservation->asked.hold;

        move(reservation, RESERVATION_READY);
        set_end(reservation, hold == 0 ? RESERVATION_HOLD_TIME : hold, input->now, input->time);
    } else if (reservation->state == RESERVATION_READY && is_used(reservation)) {
        move(reservation, RESERVATION_USED);
    } else if (input->now >= reservation->due) {
        move(reservation,
             reservation->state == RESERVATION_READY ? RESERVATION_OVER : RESERVATION_SHORT);
    }
    if (reservation->state == RESERVATION_READY)
        reservation->why[0] = '\0';
}

void reservations_step(struct reservations *reservations, const struct reservations_input *input)
{
    static const enum reservation_state order[] = {RESERVATION_READY, RESERVATION_FILLING};
    uint64_t room = input->room;

    for (size_t k = 0; k < ARRAY_SIZE(order); k++)
        for (size_t i = 0; i < reservations->count; i++)
            if (reservations->list[i].state == order[k])
                fill(&reservations->list[i], &room);
    for (size_t i = 0; i < reservations->count; i++)
        if (!reservation_has_ended(&reservations->list[i]))
            advance(&reservations->list[i], input);
}
