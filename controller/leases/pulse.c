/* Decisions about one pulse. */
#include "controller/leases/pulse.h"

#include <assert.h>
#include <errno.h>

#include "common/base/util.h"

#define HEADROOM_MIN (256 * MIB)
#define HEADROOM_OF  20         /* a 20th of the guest's memory is 5 % */
#define GROWTH_MAX   (32 * MIB) /* of what the guest uses, within a step */
#define SLACK        (2 * MIB)  /* "reached"; a step of less is none */
#define STALE        (2 * NSEC_PER_SEC)
#define STALLED      (4 * NSEC_PER_SEC)
#define PAST_HOLDS   (600 * NSEC_PER_SEC)
/* Bytes per second. A guest that was not seen to allocate can: some twice what an emulated balloon
 * takes in a second. */
#define SPEED_MIN (256 * MIB)
#define RATE_MIN  (8 * MIB) /* less growth between two readings says nothing of a speed */

#define BIT(state) (1u << (state))

static const unsigned followers[PULSE_STATE_COUNT] = {
    [PULSE_NONE] = BIT(PULSE_LOOKING),
    [PULSE_LOOKING] = BIT(PULSE_INFLATING) | BIT(PULSE_DEFLATING),
    [PULSE_INFLATING] = BIT(PULSE_LOOKING) | BIT(PULSE_DEFLATING),
    [PULSE_DEFLATING] = BIT(PULSE_OVER),
    [PULSE_OVER] = BIT(PULSE_LOOKING),
};

bool pulse_state_may_follow(enum pulse_state state, enum pulse_state next)
{
    return (followers[state] & BIT(next)) != 0;
}

const char *pulse_end_text(enum pulse_end end)
{
    static const char *const texts[PULSE_END_COUNT] = {
        [PULSE_NOT_ENDED] = "",
        [PULSE_END_DEPTH] = "",
        [PULSE_END_NOTHING] = "the guest has no free memory above the headroom any more",
        [PULSE_END_GROWTH] = "cut short: the guest began to use more memory",
        [PULSE_END_HEADROOM] = "cut short: less was free in the guest than must stay",
        [PULSE_END_PRESSURE] = "cut short: the guest needed memory",
        [PULSE_END_STALE] = "cut short: the guest was not heard for two seconds",
        [PULSE_END_UNHEARD] = "cut short: the connection to the guest's agent ended",
        [PULSE_END_STALLED] = "cut short: the guest gave no more for four seconds",
        [PULSE_END_NO_DRIVER] =
            "the guest gave nothing in four seconds: does it run a balloon driver?",
        [PULSE_END_STOPPED] = "cut short: the guest was paused, migrated, reset or restored",
        [PULSE_END_LOST] = "cut short: the hypervisor took no commands",
        [PULSE_END_INERT] = "the guest gave memory, and the host got nothing of it",
        [PULSE_END_FOREIGN] = "cut short: someone else moves the balloon",
        [PULSE_END_TIME] = "cut short after two minutes; a second pulse takes the rest",
        [PULSE_END_CALLED_OFF] = "called off",
    };

    assert(end < PULSE_END_COUNT);
    return texts[end];
}

/* ---- what holds ---- */

bool pulse_takes(const struct pulse *pulse)
{
    return pulse->state == PULSE_LOOKING || pulse->state == PULSE_INFLATING;
}

bool pulse_is_on(const struct pulse *pulse)
{
    return pulse_takes(pulse) || pulse->state == PULSE_DEFLATING;
}

uint64_t pulse_depth(const struct pulse *pulse)
{
    return pulse->depth;
}

static void check(const struct pulse *pulse)
{
    assert(pulse->state < PULSE_STATE_COUNT && pulse->end < PULSE_END_COUNT);
    assert(pulse_takes(pulse) || pulse->depth == 0); /* nothing is left inflated */
    assert(pulse->depth <= pulse->bytes);
    assert((pulse->lease != 0) == (pulse->state != PULSE_NONE));
    assert((pulse->end != PULSE_NOT_ENDED) ==
           (pulse->state == PULSE_DEFLATING || pulse->state == PULSE_OVER));
    assert((pulse->ended != 0) == (pulse->end != PULSE_NOT_ENDED));
    assert(pulse->commanded == 0 || pulse->state == PULSE_INFLATING);
    assert(!pulse_takes(pulse) || pulse->bytes < pulse->base);
    assert(!pulse_takes(pulse) || (pulse->begun <= pulse->since && pulse->since <= pulse->moved));
}

static void move(struct pulse *pulse, enum pulse_state next)
{
    assert(pulse_state_may_follow(pulse->state, next));
    pulse->state = next;
}

void pulse_abort(struct pulse *pulse, enum pulse_end end, nsec_t now)
{
    assert(end != PULSE_NOT_ENDED);
    if (!pulse_takes(pulse))
        return;
    move(pulse, PULSE_DEFLATING);
    pulse->end = end;
    pulse->ended = now;
    pulse->depth = 0;
    pulse->commanded = 0;
    check(pulse);
}

void pulse_drop(struct pulse *pulse, nsec_t now)
{
    pulse_abort(pulse, PULSE_END_LOST, now);
    if (pulse->state == PULSE_DEFLATING)
        move(pulse, PULSE_OVER);
    check(pulse);
}

/* ---- room ---- */

/* Bytes that a guest takes at this speed meanwhile. */
static uint64_t taken_within(uint64_t speed, nsec_t time)
{
    double bytes = (double)speed * ((double)time / (double)NSEC_PER_SEC);

    return bytes >= (double)(UINT64_MAX / 2) ? UINT64_MAX / 2 : (uint64_t)bytes;
}

/* Bytes per second. */
static uint64_t speed_of(uint64_t bytes, nsec_t time)
{
    assert(time > 0);
    return (uint64_t)((double)bytes * (double)NSEC_PER_SEC / (double)time);
}

uint64_t pulse_headroom_min(uint64_t ram, const struct pulse_past *past)
{
    uint64_t headroom = max_of(HEADROOM_MIN, ram / HEADROOM_OF);
    uint64_t speed = max_of(past->fastest, SPEED_MIN);

    return max_of(headroom, taken_within(speed, past->reaction));
}

static uint64_t headroom_of(const struct pulse *pulse, uint64_t ram)
{
    return max_of(pulse->headroom, pulse_headroom_min(ram, &pulse->past));
}

/* The host was busy, or the guest was, some time ago: how it is now is seen by the first steps. */
static struct pulse_past of_now(const struct pulse_past *past, nsec_t now)
{
    struct pulse_past holds = *past;

    if (now - past->time > PAST_HOLDS)
        holds.reaction = 0;
    return holds;
}

int pulse_plan(const struct pulse_limits *limits, const struct pulse_past *past,
               const struct pulse_input *input, uint64_t *ret_bytes, struct error *error)
{
    const struct pulse_past holds = of_now(past, input->now);
    uint64_t headroom = max_of(limits->headroom, pulse_headroom_min(input->ram, &holds));
    uint64_t min_gain = max_of(limits->min_gain, PULSE_STEP);
    uint64_t spare = saturating_subtract(input->reading.free, headroom);

    if (!input->running)
        return error_set(error, -EBUSY, "the guest is paused or migrating");
    if (input->reading.time == 0 || input->now - input->reading.time > STALE)
        return error_set(error, -EBUSY,
                         "there is no fresh reading of the guest: neither its agent nor its "
                         "balloon's statistics answer");
    if (input->is_strange)
        return error_set(error, -EBUSY, "someone else has just moved its balloon");
    if (spare < min_gain)
        return error_set(error, -EBUSY,
                         "the guest has %s free, %s of it must stay: a pulse could take %s, and "
                         "less than %s is not worth it",
                         BYTES_TEXT(input->reading.free), BYTES_TEXT(headroom), BYTES_TEXT(spare),
                         BYTES_TEXT(min_gain));
    *ret_bytes = spare;
    return 0;
}

void pulse_begin(struct pulse *pulse, uint64_t id, uint64_t bytes,
                 const struct pulse_limits *limits, const struct pulse_past *past,
                 const struct pulse_input *input)
{
    assert(!pulse_is_on(pulse) && id != 0 && bytes < input->target);
    move(pulse, PULSE_LOOKING);
    *pulse = (struct pulse){
        .state = PULSE_LOOKING,
        .lease = id,
        .bytes = bytes,
        .headroom = limits->headroom,
        .base = input->target,
        .begun = input->now,
        .since = input->now,
        .moved = input->now,
        .seen = input->actual,
        .past = of_now(past, input->now),
    };
    check(pulse);
}

/* ---- what the guest does meanwhile ---- */

/* What the balloon can have taken at most since the look that the step was decided on. A driver by
 * which the guest's memory shrinks tells it exactly. */
static uint64_t ballooned(const struct pulse *pulse, const struct pulse_input *input)
{
    const struct pulse_reading *look = &pulse->look;

    if (input->reading.total < look->total)
        return look->total - input->reading.total;
    if (pulse->state == PULSE_INFLATING)
        return saturating_subtract(pulse->before, pulse->base - pulse->depth);
    return saturating_subtract(pulse->before, input->actual);
}

/* What the guest uses more than then, for sure. */
static uint64_t growth(const struct pulse *pulse, const struct pulse_input *input)
{
    uint64_t fell = saturating_subtract(pulse->look.free, input->reading.free);

    return pulse->look.time == 0 ? 0 : saturating_subtract(fell, ballooned(pulse, input));
}

/* Learns from a reading how fast the guest allocates, and how late that is known. */
static void learn(struct pulse *pulse, const struct pulse_input *input)
{
    const struct pulse_reading *reading = &input->reading;
    uint64_t grown = growth(pulse, input);
    uint64_t more = saturating_subtract(grown, pulse->grown);
    nsec_t between = reading->time - pulse->last.time;

    /* What begins just after a reading is seen when the next one comes. */
    if (pulse->last.time != 0) {
        nsec_t reaction = input->now - pulse->last.time + pulse->command;

        if (reaction > pulse->past.reaction) {
            pulse->past.reaction = reaction;
            pulse->past.time = input->now;
        }
        if (more >= RATE_MIN)
            pulse->past.fastest = max_of(pulse->past.fastest, speed_of(more, between));
    }
    pulse->grown = grown;
    pulse->last = *reading;
}

static void see_size(struct pulse *pulse, const struct pulse_input *input)
{
    uint64_t held = min_of(saturating_subtract(pulse->base, input->actual), pulse->bytes);

    if (input->actual < pulse->seen)
        pulse->moved = input->now;
    pulse->seen = min_of(pulse->seen, input->actual);
    pulse->taken = max_of(pulse->taken, held);
}

static bool is_answered(const struct pulse *pulse, const struct pulse_input *input)
{
    return input->target == pulse->base - pulse->depth;
}

static void see_answer(struct pulse *pulse, const struct pulse_input *input)
{
    if (pulse->commanded == 0 || !is_answered(pulse, input))
        return;
    pulse->command = max_of(pulse->command, input->now - pulse->commanded);
    pulse->moved = input->now;
    pulse->commanded = 0;
}

/* A guest in need takes pages back by itself where its driver may do that. */
static bool took_back(const struct pulse *pulse, const struct pulse_input *input)
{
    return input->actual > pulse->seen + SLACK && pulse->taken > 0;
}

/* Why it must end now; PULSE_NOT_ENDED: it need not. */
static enum pulse_end find_end(const struct pulse *pulse, const struct pulse_input *input)
{
    nsec_t heard = max_of(input->reading.time, pulse->begun);

    if (!input->ready)
        return PULSE_END_LOST;
    if (!input->running)
        return PULSE_END_STOPPED;
    if (took_back(pulse, input))
        return PULSE_END_PRESSURE;
    if (input->now - heard > STALE)
        return PULSE_END_STALE;
    if (input->reading.time > pulse->begun && growth(pulse, input) > GROWTH_MAX)
        return PULSE_END_GROWTH;
    if (input->reading.time > pulse->begun && input->reading.free < headroom_of(pulse, input->ram))
        return pulse->taken > 0 ? PULSE_END_HEADROOM : PULSE_END_NOTHING;
    if (input->now - pulse->begun > PULSE_TIME_MAX)
        return PULSE_END_TIME;
    if (pulse->state == PULSE_INFLATING && input->now - pulse->moved > STALLED)
        return pulse->taken > SLACK ? PULSE_END_STALLED : PULSE_END_NO_DRIVER;
    return PULSE_NOT_ENDED;
}

/* ---- steps ---- */

static void take_step(struct pulse *pulse, const struct pulse_input *input)
{
    uint64_t spare = saturating_subtract(input->reading.free, headroom_of(pulse, input->ram));
    uint64_t room = min_of(spare, pulse->bytes - pulse->depth);
    uint64_t step = min_of(PULSE_STEP, room);

    /* The first one is whole: of less it could not be told whether the host gets anything. */
    if (step < (pulse->depth == 0 ? PULSE_STEP : SLACK)) {
        pulse_abort(pulse, pulse->taken > 0 ? PULSE_END_DEPTH : PULSE_END_NOTHING, input->now);
        return;
    }
    pulse->look = input->reading;
    pulse->grown = 0;
    pulse->before = input->actual;
    pulse->depth += step;
    pulse->since = input->now;
    pulse->moved = input->now;
    pulse->commanded = input->now;
    move(pulse, PULSE_INFLATING);
}

static void look(struct pulse *pulse, const struct pulse_input *input)
{
    if (pulse->state == PULSE_INFLATING && is_answered(pulse, input) &&
        input->actual <= input->target + SLACK) {
        pulse->since = input->now;
        pulse->moved = input->now;
        move(pulse, PULSE_LOOKING);
    } else if (pulse->state == PULSE_LOOKING && input->may_take && !input->is_strange &&
               input->reading.time > pulse->since) {
        take_step(pulse, input);
    }
}

static void take(struct pulse *pulse, const struct pulse_input *input)
{
    enum pulse_end end;

    see_answer(pulse, input);
    if (input->reading.time > pulse->last.time)
        learn(pulse, input);
    end = find_end(pulse, input);
    see_size(pulse, input);
    if (end != PULSE_NOT_ENDED)
        pulse_abort(pulse, end, input->now);
    else
        look(pulse, input);
}

void pulse_step(struct pulse *pulse, const struct pulse_input *input)
{
    check(pulse);
    assert(!pulse_is_on(pulse) || input->now >= pulse->begun);
    assert(input->reading.time <= input->now);
    if (pulse_takes(pulse))
        take(pulse, input);
    else if (pulse->state == PULSE_DEFLATING && input->is_back)
        move(pulse, PULSE_OVER);
    check(pulse);
}
