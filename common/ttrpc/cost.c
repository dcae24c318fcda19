/* What a peer costs: bytes and frames by the second, and the processor's time. A peer beyond its
 * bounds rests: its socket is not read for a while, so that it fills and the peer waits.
 *
 * A share of the processor may belong to several connections. Before one is read, what the others
 * have used must be paid: else each would be read once for one debt. Of some shares one connection
 * is read per turn of the loop. Who was put off for others more often is a little earlier the next
 * time, so each gets its turn.
 *
 * A peer that rests and hangs up is closed. One that has only closed its own direction still waits
 * for answers, and for its turn. */
#include <assert.h>
#include <poll.h>
#include <sys/socket.h>

#include "common/base/number.h"
#include "common/ttrpc/connection.h"

static void on_rest_over(struct deadline *deadline)
{
    struct ttrpc_connection *connection = container_of(deadline, struct ttrpc_connection, throttle);

    assert(connection->throttled && connection->state == CONNECTION_OPEN);
    connection->throttled = false;
    connection_update_poll(connection);
}

/* Not read until `until`, CLOCK_MONOTONIC, or a later time that was set before. */
static void rest(struct ttrpc_connection *connection, nsec_t until)
{
    assert(connection->state == CONNECTION_OPEN);
    connection->throttled = true;
    connection->throttled_until = max_of(connection->throttled_until, until);
    ttrpc_loop_set_deadline(connection->loop, &connection->throttle, connection->throttled_until);
    connection_update_poll(connection);
}

/* ---- rates ---- */

/* Each byte and each frame takes its share of a second; the peer is paid up to `paid_until`. */
static void charge_rates(struct ttrpc_connection *connection, size_t bytes, uint32_t frames,
                         nsec_t now)
{
    const struct ttrpc_limits *limits = &connection->options.limits;
    nsec_t cost = 0;

    if (limits->bytes_per_second > 0)
        cost += bytes * NSEC_PER_SEC / limits->bytes_per_second;
    if (limits->frames_per_second > 0)
        cost += frames * NSEC_PER_SEC / limits->frames_per_second;
    if (cost == 0)
        return;
    connection->paid_until =
        max_of(connection->paid_until, saturating_subtract(now, NSEC_PER_SEC)) + cost;
    if (connection->paid_until > now)
        rest(connection, connection->paid_until);
}

/* ---- the processor ---- */

/* What a read costs besides the time measured around it: to fall asleep and wake, polling, timers.
 * On a virtual machine about ten times what a small message takes itself. */
#define TURN_COST (100 * NSEC_PER_USEC)

/* What of an answer is at the expense of who asked, and not of the peer. */
#define ANSWER_COST (100 * NSEC_PER_USEC)

#define PUT_OFF_MAX 1000u /* further ones make nobody earlier */

/* How much later than its share's debt is paid a connection is read again. */
static nsec_t place_in_line(const struct ttrpc_connection *connection)
{
    assert(connection->put_off <= PUT_OFF_MAX);
    return (PUT_OFF_MAX - connection->put_off) * NSEC_PER_USEC;
}

static bool has_more(const struct ttrpc_connection *connection)
{
    uint8_t byte;

    return recv(connection->descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* In debt with its own share, a peer that has sent more already lives on the share of all such
 * peers alone. Its own begins anew when it is read again. So many floods do not add up to more than
 * the common share. Who has nothing more waits for its own. */
static void charge_processor(struct ttrpc_connection *connection, nsec_t used, nsec_t now)
{
    struct ttrpc_share *own = connection->options.processor;
    struct ttrpc_budget *budget = connection->options.budget;
    nsec_t paid_until = ttrpc_share_charge(own, used, now);

    connection->put_off = 0;
    if (paid_until <= now)
        return;
    if (budget != NULL && budget->processor.permyriad > 0 && has_more(connection)) {
        nsec_t common = ttrpc_share_charge(&budget->processor, used, now);

        paid_until = min_of(common, now + own->debt_max);
        own->paid_until = max_of(paid_until, now);
    }
    if (paid_until > now)
        rest(connection, paid_until + place_in_line(connection));
}

/* Later than the others, but those who have been put off more often. */
static void put_off(struct ttrpc_connection *connection, nsec_t until)
{
    connection->put_off = min_of(connection->put_off + 1, PUT_OFF_MAX);
    rest(connection, until + place_in_line(connection));
}

static bool is_others_turn(const struct ttrpc_connection *connection)
{
    for (struct ttrpc_share *share = connection->options.processor; share != NULL;
         share = share->whole) {
        if (!share->one_in_turn)
            continue;
        if (share->turn == connection->loop->turn)
            return true;
        share->turn = connection->loop->turn;
    }
    return false;
}

bool cost_has_to_wait(struct ttrpc_connection *connection)
{
    const struct ttrpc_share *own = connection->options.processor;
    nsec_t now, paid_until;

    if (own == NULL)
        return false;
    now = time_monotonic();
    paid_until = ttrpc_share_paid_until(own);
    if (paid_until <= now && !is_others_turn(connection))
        return false;
    put_off(connection, max_of(paid_until, now));
    return true;
}

/* What a read that took `measured` cost beyond what was asked for. */
static nsec_t unasked_cost(const struct ttrpc_connection *connection, uint64_t answers_before,
                           nsec_t measured)
{
    assert(connection->answers >= answers_before);
    if (connection->answers == answers_before)
        return measured + TURN_COST;
    return measured - min_of(measured, ANSWER_COST);
}

/* ---- turns and answers ---- */

struct turn cost_begin_turn(struct ttrpc_connection *connection)
{
    assert(!connection->in_turn);
    connection->in_turn = true;
    return (struct turn){
        .begun = connection->options.processor != NULL ? time_of_thread() : 0,
        .answers = connection->answers,
    };
}

void cost_end_turn(struct ttrpc_connection *connection, const struct turn *turn, size_t bytes,
                   uint32_t frames)
{
    struct ttrpc_share *processor = connection->options.processor;
    nsec_t used = processor != NULL ? time_of_thread() - turn->begun : 0;
    nsec_t now = time_monotonic();

    assert(connection->in_turn && turn->answers <= connection->answers);
    connection->in_turn = false;
    if ((bytes == 0 && frames == 0) || connection->state != CONNECTION_OPEN) {
        if (processor != NULL)
            (void)ttrpc_share_charge(processor, used, now);
        return;
    }
    connection->used = now;
    charge_rates(connection, bytes, frames, now);
    if (processor != NULL)
        charge_processor(connection, unasked_cost(connection, turn->answers, used), now);
}

nsec_t cost_begin_answer(const struct ttrpc_connection *connection)
{
    bool is_measured = connection_is_server(connection) && connection->options.processor != NULL;

    return is_measured && !connection->in_turn ? time_of_thread() : 0;
}

void cost_end_answer(struct ttrpc_connection *connection, nsec_t begun)
{
    nsec_t paid_until;

    if (begun == 0)
        return;
    paid_until = ttrpc_share_charge(connection->options.processor, time_of_thread() - begun,
                                    time_monotonic());
    if (connection->throttled && connection->state == CONNECTION_OPEN)
        rest(connection, paid_until + place_in_line(connection));
}

/* ---- hanging up ---- */

void cost_peer_closed(struct ttrpc_connection *connection)
{
    struct pollfd both = {.fd = connection->descriptor};

    assert(connection->throttled);
    if (poll(&both, 1, 0) > 0) {
        connection_fail(connection, 0, "closed by the peer");
        return;
    }
    connection->half_closed = true;
    connection_update_poll(connection);
}

/* ---- beginning and end ---- */

void cost_init(struct ttrpc_connection *connection)
{
    deadline_init(&connection->throttle, on_rest_over);
}

void cost_stop(struct ttrpc_connection *connection)
{
    ttrpc_loop_clear_deadline(connection->loop, &connection->throttle);
}
