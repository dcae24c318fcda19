/* The guest of pulses. */
#include "tests/sim/pulse-model.h"

#include <assert.h>
#include <stddef.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/balloon-pulse.h"

#define TICK     NSEC_PER_MSEC
#define BEGIN    (1000 * NSEC_PER_SEC)
#define LIFE_MAX (400 * NSEC_PER_SEC)

/* hypervisors.md, section 6, of a guest of 2 GiB; the watermarks of others are alike. */
#define LOW_WATERMARK (62 * MIB)
#define MIN_WATERMARK                                                                              \
    (51 * MIB) /* the balloon takes nothing below it, others nothing below half                    \
                */
#define KILL_TIME   (300 * NSEC_PER_MSEC)
#define FIGHT_SPEED (30 * MIB)
#define ABORT_TIME  (20 * NSEC_PER_MSEC) /* an inflation goes on for so long */

/* A question or a command on its way. */
struct flight {
    bool is_on;
    nsec_t arrives;
    struct balloon_action action;
};

struct world {
    const struct pulse_guest *guest;
    struct balloon_control control;
    struct balloon_input input;
    nsec_t now;
    nsec_t next_look;
    /* the guest */
    uint64_t free;
    uint64_t cache;
    uint64_t actual; /* its size */
    uint64_t target; /* as its driver knows it */
    nsec_t raised;   /* when that last went up */
    uint64_t lowest; /* its size ever was */
    uint64_t got;    /* by the program */
    nsec_t stood;    /* since when the program gets nothing; 0: it gets */
    nsec_t finished; /* it has all */
    bool was_killed;
    /* between host and guest */
    struct flight command;
    struct flight answer;
    struct flight reading;
    uint64_t read_free;
    uint64_t read_total;
    nsec_t read_at;
};

/* Bytes in a tick. */
static uint64_t per_tick(uint64_t speed)
{
    return speed / 1000;
}

/* ---- the guest ---- */

/* What the page cache gives in a tick, when there is little. */
static uint64_t reclaim(struct world *w)
{
    uint64_t bytes =
        w->free < LOW_WATERMARK ? min_of(w->cache, per_tick(w->guest->reclaim_speed)) : 0;

    w->cache -= bytes;
    return bytes;
}

static void inflate(struct world *w)
{
    uint64_t room = saturating_subtract(w->free, MIN_WATERMARK);
    uint64_t wish = min_of(per_tick(w->guest->inflate_speed), room);
    uint64_t bytes = min_of(wish, w->actual - w->target);

    w->actual -= bytes;
    w->free -= bytes;
    w->lowest = min_of(w->lowest, w->actual);
}

static void deflate(struct world *w, uint64_t speed, uint64_t limit)
{
    uint64_t bytes = min_of(per_tick(speed), saturating_subtract(limit, w->actual));

    w->actual += bytes;
    w->free += bytes;
}

static void breathe(struct world *w)
{
    if (w->actual > w->target)
        inflate(w);
    else if (w->now >= w->raised + ABORT_TIME)
        deflate(w, w->guest->deflate_speed, w->target);
}

static bool is_taking(const struct world *w)
{
    return w->now >= BEGIN + w->guest->wanted_at && w->got < w->guest->wanted && !w->was_killed;
}

static void take(struct world *w)
{
    uint64_t room = saturating_subtract(w->free, MIN_WATERMARK / 2);
    uint64_t wish = min_of(per_tick(w->guest->touch_speed), w->guest->wanted - w->got);
    uint64_t bytes = min_of(wish, room);

    w->free -= bytes;
    w->got += bytes;
    if (w->got == w->guest->wanted)
        w->finished = w->now;
    if (bytes > 0) {
        w->stood = 0;
        return;
    }
    if (w->stood == 0)
        w->stood = w->now;
    if (w->guest->deflate_on_oom && w->actual < w->guest->ram)
        deflate(w, FIGHT_SPEED, w->guest->ram);
    else if (w->now - w->stood >= KILL_TIME)
        w->was_killed = true;
}

static void live(struct world *w)
{
    w->free += reclaim(w);
    breathe(w);
    if (is_taking(w))
        take(w);
}

/* ---- between host and guest ---- */

static void send(struct flight *flight, nsec_t arrives)
{
    assert(!flight->is_on);
    flight->is_on = true;
    flight->arrives = arrives;
}

static bool has_arrived(struct flight *flight, nsec_t now)
{
    bool is_here = flight->is_on && now >= flight->arrives;

    flight->is_on = flight->is_on && !is_here;
    return is_here;
}

/* The guest answers half way. */
static void read_guest(struct world *w)
{
    if (w->reading.is_on)
        return;
    w->read_at = w->now;
    w->read_free = w->free;
    w->read_total = w->guest->deflate_on_oom ? w->guest->ram : w->actual;
    send(&w->reading, w->now + w->guest->reading_time);
}

static void command(struct world *w, const struct balloon_action *action)
{
    struct flight *flight = w->command.is_on ? &w->answer : &w->command;

    /* A raise may overtake nothing: it follows the command before it. */
    flight->is_on = false;
    flight->action = *action;
    send(flight, w->now + w->guest->command_time);
}

static void obey(struct world *w, struct flight *flight)
{
    if (!has_arrived(flight, w->now))
        return;
    if (flight->action.target > w->target)
        w->raised = w->now;
    w->target = flight->action.target;
    balloon_done(&w->control, &flight->action, 0, w->now);
}

/* ---- the daemon ---- */

static void decide(struct world *w)
{
    struct balloon_action action;

    w->input.now = w->now;
    w->input.actual = w->actual;
    w->input.footprint = w->lowest;
    do {
        action = balloon_step(&w->control, &w->input);
        if (action.kind == BALLOON_TELL)
            command(w, &action);
        else if (action.kind != BALLOON_NOTHING)
            balloon_done(&w->control, &action, 0, w->now);
    } while (action.kind == BALLOON_PUT || action.kind == BALLOON_FORGET);
}

static void serve(struct world *w)
{
    bool has_news = has_arrived(&w->reading, w->now);

    obey(w, &w->command);
    obey(w, &w->answer);
    if (has_news) {
        w->input.guest_read = w->read_at;
        w->input.guest_free = w->read_free;
        w->input.guest_total = w->read_total;
        w->input.available = w->read_free + w->cache;
    }
    if (w->now >= w->next_look) {
        w->next_look = w->now + PULSE_INTERVAL;
        read_guest(w);
        has_news = true;
    }
    if (has_news)
        decide(w);
}

/* ---- a life ---- */

static bool begin(struct world *w)
{
    const struct pulse_limits limits = {0};
    struct lease lease = {.id = 1, .baseline = w->guest->ram, .maximum = w->guest->ram};
    struct error error;

    if (balloon_plan_pulse(&w->control, &limits, 0, &w->input, &lease.bytes, &error) < 0)
        return false;
    lease.due = w->now + PULSE_TERM;
    return balloon_begin_pulse(&w->control, &lease, &limits, &w->input, &error) == 0;
}

static void init(struct world *w, const struct pulse_guest *guest)
{
    *w = (struct world){
        .guest = guest,
        .now = BEGIN,
        .free = guest->free,
        .cache = guest->cache,
        .actual = guest->ram,
        .target = guest->ram,
        .lowest = guest->ram,
        .input =
            {
                .now = BEGIN,
                .ready = true,
                .running = true,
                .ram = guest->ram,
                .actual = guest->ram,
                .maximum = guest->ram,
                .deflate_on_oom = guest->deflate_on_oom,
                .guest_is_fresh = true,
                .guest_read = BEGIN,
                .guest_total = guest->ram,
                .guest_free = guest->free,
                .available = guest->free + guest->cache,
                .footprint = guest->ram,
            },
    };
    balloon_adopt(&w->control, guest->ram, guest->ram);
}

/* The program has run, and the guest has everything. */
static bool is_over(const struct world *w)
{
    bool is_done = w->finished != 0 || w->was_killed || w->guest->wanted == 0;

    return is_done && balloon_is_over(&w->control) && w->actual == w->guest->ram;
}

bool pulse_model_run(const struct pulse_guest *guest, struct pulse_life *ret_life)
{
    nsec_t alone = guest->wanted / per_tick(guest->touch_speed) * TICK;
    struct world w;

    init(&w, guest);
    if (!begin(&w))
        return false;
    while (!is_over(&w) && w.now < BEGIN + LIFE_MAX) {
        w.now += TICK;
        live(&w);
        serve(&w);
    }
    *ret_life = (struct pulse_life){
        .end = w.control.pulse.end,
        .was_killed = w.was_killed,
        .stall =
            w.finished == 0 ? 0 : saturating_subtract(w.finished - BEGIN - guest->wanted_at, alone),
        .taken = guest->ram - w.lowest,
        .returned = guest->ram - w.lowest,
        .duration = w.now - BEGIN,
        .is_whole = balloon_is_over(&w.control) && w.actual == guest->ram,
    };
    return true;
}
