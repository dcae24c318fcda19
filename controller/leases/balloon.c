/* Decisions about one balloon. */
#include "controller/leases/balloon.h"

#include <assert.h>
#include <errno.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/balloon-pulse.h"
#include "controller/leases/term.h"

#define STEP_MAX        (512 * MIB) /* taken at a time */
#define CANARY_BYTES    (64 * MIB)
#define STALL_TIME      (20 * NSEC_PER_SEC)
#define CANARY_TIME     (10 * NSEC_PER_SEC)
#define GRACE           (3 * NSEC_PER_SEC) /* hypervisors report sizes late, at most one per second */
#define ECHO_TIME       (3 * NSEC_PER_SEC) /* what stalls after a step may be of it */
#define YIELD_DELAY     (5 * NSEC_PER_SEC) /* a restored snapshot is known for one by then */
#define NUDGE_BYTES     (1 * MIB)
#define NUDGE_TIME      (5 * NSEC_PER_SEC) /* for the guest to report its size */
#define RETRY_DELAY_MIN (30 * NSEC_PER_SEC)
#define RETRY_DELAY_MAX (600 * NSEC_PER_SEC)

static void add_news(struct balloon_control *control, enum balloon_news news)
{
    control->news |= 1u << news;
}

enum balloon_news balloon_take_news(struct balloon_control *control)
{
    for (enum balloon_news news = BALLOON_NO_NEWS + 1; news < BALLOON_NEWS_COUNT; news++) {
        if ((control->news & 1u << news) == 0)
            continue;
        control->news &= ~(1u << news);
        return news;
    }
    return BALLOON_NO_NEWS;
}

/* ---- what is seen ---- */

/* The size must be exact: what is short would be missing from the next baseline. */
bool balloon_is_over(const struct balloon_control *control)
{
    return control->lease_count == 0 && control->unanswered == 0 && !control->writing &&
           !control->raise && !control->resync && control->target == control->baseline &&
           control->actual >= control->baseline;
}

static bool is_near(uint64_t a, uint64_t b)
{
    return distance_between(a, b) <= BALLOON_SLACK;
}

/* Whether the size lies between where the guest was seen last and its target. */
static bool is_on_the_way(const struct balloon_control *control, uint64_t actual)
{
    uint64_t low = min_of(control->from, control->target);
    uint64_t high = max_of(control->from, control->target);

    return actual + BALLOON_SLACK >= low && actual <= high + BALLOON_SLACK;
}

/* A command that was not answered in time is carried out late, when the hypervisor hung: a size
 * that only it explains is ours. */
static bool is_explained_by_doubt(const struct balloon_control *control, uint64_t actual)
{
    return control->doubted != 0 && actual + BALLOON_SLACK >= control->doubted &&
           actual <= control->target + BALLOON_SLACK;
}

/* All of them end, the pulse too, and the guest gets everything back at once. */
static void end_all(struct balloon_control *control, enum balloon_news news, enum pulse_end end,
                    nsec_t now)
{
    control->raise = true;
    balloon_end_pulse(control, end, now);
    add_news(control, news);
}

/* Someone else's target is the new baseline; a raise of ours would fight it. */
static void yield_to_other(struct balloon_control *control, uint64_t actual, nsec_t now)
{
    balloon_end_pulse(control, PULSE_END_FOREIGN, now);
    balloon_release_all(control);
    control->baseline = actual;
    control->target = actual;
    control->actual = actual;
    control->from = actual;
    control->strange = 0;
    add_news(control, BALLOON_NEWS_FOREIGN);
}

static void follow(struct balloon_control *control, const struct balloon_input *input)
{
    bool was_reached = is_near(control->actual, control->target);

    if (!is_near(control->actual, input->actual))
        control->moved = input->now;
    control->actual = input->actual;
    control->from = input->actual;
    if (was_reached || !is_near(control->actual, control->target))
        return;
    control->retry_delay = 0;
    if (control->lease_count > 0 && control->target == balloon_wanted(control) &&
        !pulse_is_on(&control->pulse))
        add_news(control, BALLOON_NEWS_REACHED);
}

/* The guest was read since its size was found to be strange. What it had before says nothing of
 * need: a guest without memory does not answer. */
static bool is_heard_since(const struct balloon_control *control, const struct balloon_input *input)
{
    return input->guest_is_fresh && input->guest_read >= control->strange;
}

/* With deflate-on-oom a guest in need takes pages back by itself. One that is not heard may have
 * gone back to a snapshot instead. */
static bool is_guest_in_need(const struct balloon_control *control,
                             const struct balloon_input *input)
{
    return input->deflate_on_oom && input->actual > control->target &&
           input->actual <= control->baseline + BALLOON_SLACK &&
           (!is_heard_since(control, input) ||
            input->available < balloon_headroom(input->ram, true));
}

/* A lease takes memory, or has just done so. */
static bool is_taking(const struct balloon_control *control, const struct balloon_input *input)
{
    return balloon_wanted(control) < control->target ||
           control->actual > control->target + BALLOON_SLACK ||
           input->now - control->moved < ECHO_TIME;
}

bool balloon_is_need(const struct balloon_control *control, const struct balloon_input *input,
                     uint64_t available, bool has_killed)
{
    return has_killed || pulse_is_on(&control->pulse) ||
           available < balloon_headroom(input->ram, input->deflate_on_oom) ||
           !is_taking(control, input);
}

static void see_actual(struct balloon_control *control, const struct balloon_input *input)
{
    bool is_in_need;

    if (input->actual == 0)
        return;
    if (balloon_is_over(control)) {
        /* Nothing of ours is in the balloon: whatever is found is the baseline. */
        control->baseline = input->actual;
        control->target = input->actual;
        control->actual = input->actual;
        control->from = input->actual;
        return;
    }
    if (is_on_the_way(control, input->actual) || control->telling || control->resync) {
        control->strange = 0;
        follow(control, input);
        return;
    }
    if (input->now - control->told < GRACE) {
        control->actual = input->actual; /* late news of an older command, or someone else's */
        return;
    }
    if (is_explained_by_doubt(control, input->actual)) {
        control->doubted = 0;
        control->resync = true;
        follow(control, input);
        return;
    }
    if (control->strange == 0)
        control->strange = input->now;
    is_in_need = is_guest_in_need(control, input);
    if (input->now - control->strange < YIELD_DELAY &&
        !(is_in_need && is_heard_since(control, input)))
        return;
    if (!is_in_need) {
        yield_to_other(control, input->actual, input->now);
        return;
    }
    control->actual = input->actual;
    end_all(control, BALLOON_NEWS_PRESSURE, PULSE_END_PRESSURE, input->now);
}

/* Memory was plugged or unplugged. A command under way may have come before or after it: what it
 * makes of the guest's size is corrected by the next one. */
static void see_maximum(struct balloon_control *control, const struct balloon_input *input)
{
    uint64_t before = control->maximum;
    uint64_t maximum = input->maximum;

    if (maximum == 0 || maximum == before)
        return;
    control->maximum = maximum;
    if (before == 0)
        return;
    balloon_end_pulse(control, PULSE_END_STOPPED, input->now);
    control->baseline = balloon_moved_size(control->baseline, before, maximum);
    control->target = balloon_moved_size(control->target, before, maximum);
    control->actual = balloon_moved_size(control->actual, before, maximum);
    control->from = balloon_moved_size(control->from, before, maximum);
    if (control->doubted != 0)
        control->doubted = balloon_moved_size(control->doubted, before, maximum);
    for (uint32_t i = 0; i < control->lease_count; i++) {
        control->leases[i].lease.baseline = control->baseline;
        control->leases[i].lease.maximum = maximum;
        control->leases[i].written = false;
    }
}

static void see_canary(struct balloon_control *control, const struct balloon_input *input)
{
    uint64_t fell;

    if (control->trust != BALLOON_CANARY || control->telling ||
        !is_near(control->actual, control->target))
        return;
    fell = saturating_subtract(control->canary_footprint, input->footprint);
    /* Memory that was not resident can leave without the host noticing: no proof, no doubt. */
    if (fell >= CANARY_BYTES / 4 || input->footprint == 0 ||
        control->canary_footprint + CANARY_BYTES < control->baseline) {
        control->trust = BALLOON_TRUSTED;
        return;
    }
    if (input->now - control->moved < CANARY_TIME)
        return; /* the guest's own work may hide it for a while */
    control->trust = BALLOON_INERT;
    end_all(control, BALLOON_NEWS_INERT, PULSE_END_INERT, input->now);
}

static void see_expiry(struct balloon_control *control, nsec_t now)
{
    for (uint32_t i = 0; i < control->lease_count; i++) {
        struct balloon_lease *entry = &control->leases[i];

        if (!balloon_counts(entry) || !lease_is_over(&entry->lease, now))
            continue;
        balloon_set_state(entry, LEASE_RELEASING);
        add_news(control, BALLOON_NEWS_EXPIRED);
    }
}

static void see_stall(struct balloon_control *control, const struct balloon_input *input)
{
    if (control->telling || control->stalled ||
        control->actual <= control->target + BALLOON_SLACK || !input->running ||
        input->now - control->moved < STALL_TIME)
        return;
    control->stalled = true;
    if (control->trust == BALLOON_CANARY)
        control->trust = BALLOON_UNTRIED;
    control->retry_delay = control->retry_delay == 0
                               ? RETRY_DELAY_MIN
                               : min_of(control->retry_delay * 2, RETRY_DELAY_MAX);
    control->retry = input->now + control->retry_delay;
    add_news(control, BALLOON_NEWS_STALLED);
}

static void see(struct balloon_control *control, const struct balloon_input *input)
{
    see_maximum(control, input);
    if (input->voided && control->lease_count > 0)
        end_all(control, BALLOON_NEWS_VOID, PULSE_END_STOPPED, input->now);
    else if (input->pressure && control->lease_count > 0)
        end_all(control, BALLOON_NEWS_PRESSURE, PULSE_END_PRESSURE, input->now);
    /* What the balloon does while a new boot finds itself is nobody's doing. */
    if (!control->raise)
        see_actual(control, input);
    see_expiry(control, input->now);
    see_canary(control, input);
    see_stall(control, input);
    balloon_see_pulse(control, input);
}

/* ---- what to do ---- */

static struct balloon_action act_on_journal(struct balloon_control *control)
{
    assert(!control->writing);
    for (uint32_t i = 0; i < control->lease_count; i++) {
        if (control->leases[i].written)
            continue;
        control->writing = true;
        return (struct balloon_action){.kind = BALLOON_PUT, .lease = control->leases[i].lease};
    }
    return (struct balloon_action){.kind = BALLOON_NOTHING};
}

static struct balloon_action tell(struct balloon_control *control, uint64_t target)
{
    assert(target != 0);
    assert(!control->telling || (control->raise && target == control->baseline) ||
           balloon_pulse_hurries(control));
    control->telling = true;
    control->telling_target = target;
    control->unanswered++;
    return (struct balloon_action){.kind = BALLOON_TELL, .target = target};
}

bool balloon_waits_for_reading(const struct balloon_control *control,
                               const struct balloon_input *input)
{
    if (!input->ready || !input->running || control->telling || control->raise || control->resync)
        return false;
    if (control->strange != 0)
        return !is_heard_since(control, input);
    return !input->guest_is_fresh && input->guest_read < control->told &&
           balloon_wanted(control) < control->target && balloon_may_step_down(control, input);
}

static bool is_doubted(const struct balloon_control *control)
{
    for (uint32_t i = 0; i < control->lease_count; i++)
        if (control->leases[i].is_doubted && balloon_counts(&control->leases[i]))
            return true;
    return false;
}

/* The next size on the way down; the current target: not now. */
static uint64_t next_down(struct balloon_control *control, uint64_t wanted,
                          const struct balloon_input *input)
{
    uint64_t step = control->trust == BALLOON_TRUSTED ? STEP_MAX : CANARY_BYTES;

    if (!balloon_may_step_down(control, input))
        return control->target;
    if (pulse_takes(&control->pulse))
        return wanted; /* it has decided on this step, by a reading of its own */
    if (!input->guest_is_fresh)
        return control->target;
    if (!is_doubted(control) || !input->deflate_on_oom)
        step = min_of(step, balloon_takeable(input));
    if (step < BALLOON_SLACK)
        return control->target;
    return control->target - wanted > step ? control->target - step : wanted;
}

static struct balloon_action take(struct balloon_control *control, uint64_t wanted,
                                  const struct balloon_input *input)
{
    uint64_t next;

    if (control->strange != 0)
        return (struct balloon_action){.kind = BALLOON_NOTHING};
    /* A stalled guest keeps what it has, and is asked again from there. */
    if (control->stalled && input->now < control->retry) {
        if (control->target < control->actual)
            return tell(control, control->actual);
        return (struct balloon_action){.kind = BALLOON_NOTHING};
    }
    control->stalled = false;
    next = next_down(control, wanted, input);
    if (next == control->target)
        return (struct balloon_action){.kind = BALLOON_NOTHING};
    if (control->trust == BALLOON_UNTRIED) {
        control->trust = BALLOON_CANARY;
        control->canary_footprint = input->footprint;
    }
    control->moved = input->now;
    return tell(control, next);
}

/* A lease whose memory the hypervisor was commanded to take is held; one that is given back is
 * forgotten. */
static struct balloon_action settle(struct balloon_control *control)
{
    for (uint32_t i = 0; i < control->lease_count; i++) {
        struct balloon_lease *entry = &control->leases[i];

        if (entry->lease.state == LEASE_RELEASING) {
            control->writing = true;
            return (struct balloon_action){.kind = BALLOON_FORGET, .lease = entry->lease};
        }
        if (entry->lease.state == LEASE_REQUESTED && control->target < control->baseline &&
            !balloon_is_pulse(control, entry)) {
            balloon_set_state(entry, LEASE_HELD);
            add_news(control, BALLOON_NEWS_HELD);
            return act_on_journal(control);
        }
    }
    return (struct balloon_action){.kind = BALLOON_NOTHING};
}

/* The guest was given everything back and does not say that it has it. */
static struct balloon_action nudge(struct balloon_control *control,
                                   const struct balloon_input *input)
{
    nsec_t delay = max_of(control->nudge_delay, NUDGE_TIME);

    if (control->lease_count > 0 || control->actual >= control->target ||
        control->target <= NUDGE_BYTES || !input->running || control->strange != 0 ||
        input->now - control->moved < delay)
        return (struct balloon_action){.kind = BALLOON_NOTHING};
    assert(control->target == control->baseline);
    control->nudging = true;
    control->nudge_delay = min_of(delay * 2, RETRY_DELAY_MAX);
    return tell(control, control->target - NUDGE_BYTES);
}

static bool waits_for_nudge(const struct balloon_control *control,
                            const struct balloon_input *input)
{
    return control->nudging && control->target < control->baseline &&
           control->actual != control->target && input->now - control->told < NUDGE_TIME;
}

static struct balloon_action decide(struct balloon_control *control,
                                    const struct balloon_input *input)
{
    struct balloon_action action;
    uint64_t wanted;

    if (control->baseline == 0)
        return (struct balloon_action){.kind = BALLOON_NOTHING};
    see(control, input);
    if (control->raise && input->ready &&
        !(control->telling && control->telling_target == control->baseline)) {
        balloon_release_all(control);
        return tell(control, control->baseline);
    }
    if (input->ready && balloon_pulse_hurries(control))
        return tell(control, balloon_wanted(control));
    if (control->writing)
        return (struct balloon_action){.kind = BALLOON_NOTHING};
    action = act_on_journal(control);
    if (action.kind != BALLOON_NOTHING || control->telling || !input->ready)
        return action;
    wanted = balloon_wanted(control);
    if (control->resync)
        return tell(control, max_of(control->actual, wanted));
    if (wanted > control->target && (input->hold_raise || waits_for_nudge(control, input)))
        return action; /* nothing */
    control->nudging = false;
    if (wanted > control->target)
        return tell(control, wanted);
    action = settle(control);
    if (action.kind != BALLOON_NOTHING)
        return action;
    return wanted == control->target ? nudge(control, input) : take(control, wanted, input);
}

/* Memory is taken only from a guest that runs, was read and is not in doubt. It is owed as long as
 * its lease is in the journal. */
static void check_action(const struct balloon_control *control, const struct balloon_input *input,
                         const struct balloon_action *action)
{
    switch (action->kind) {
    case BALLOON_NOTHING:
        break;
    case BALLOON_PUT:
        assert(action->lease.id != 0);
        break;
    case BALLOON_TELL:
        assert(input->ready && control->telling && control->telling_target == action->target);
        assert(action->target >= control->target || control->raise || control->resync ||
               control->nudging ||
               (input->running && control->strange == 0 &&
                (input->guest_is_fresh || pulse_takes(&control->pulse))));
        break;
    case BALLOON_FORGET:
        assert(action->lease.state == LEASE_RELEASING);
        assert(!control->telling && !control->raise && control->target >= balloon_wanted(control));
        break;
    }
}

struct balloon_action balloon_step(struct balloon_control *control,
                                   const struct balloon_input *input)
{
    struct balloon_action action;

    balloon_check(control);
    assert(input->now >= control->told && input->now >= control->moved);
    action = decide(control, input);
    check_action(control, input, &action);
    balloon_check(control);
    return action;
}

/* ---- how it went ---- */

static void put_done(struct balloon_control *control, const struct lease *lease, int status)
{
    struct balloon_lease *entry = balloon_find_lease(control, lease->id);

    if (entry == NULL)
        return;
    /* What is not in the journal must not be taken. Giving back does not wait for it. */
    if (status < 0 && lease->state == LEASE_REQUESTED) {
        balloon_drop_lease(control, lease->id);
        add_news(control, BALLOON_NEWS_NO_JOURNAL);
        return;
    }
    if (entry->lease.state == lease->state && entry->lease.baseline == lease->baseline &&
        entry->lease.maximum == lease->maximum)
        entry->written = true;
}

/* Refused is not done. Everything else may have been done or may be done yet. Commands are carried
 * out in order, so the same one again settles it. */
static void tell_failed(struct balloon_control *control, uint64_t target, int status, nsec_t now)
{
    balloon_end_pulse(control, PULSE_END_LOST, now);
    if (status == -EREMOTEIO) {
        add_news(control, BALLOON_NEWS_REFUSED);
    } else {
        control->resync = true;
        control->doubted = control->doubted == 0 ? target : min_of(control->doubted, target);
    }
    /* The guest was not asked: that the host got nothing proves nothing. */
    if (control->trust == BALLOON_CANARY)
        control->trust = BALLOON_UNTRIED;
    control->retry_delay = control->retry_delay == 0 ? RETRY_DELAY_MIN : control->retry_delay;
    control->retry = now + control->retry_delay;
}

static void tell_done(struct balloon_control *control, uint64_t target, int status, nsec_t now)
{
    assert(control->unanswered > 0); /* each command is answered once */
    assert(now >= control->moved && target != 0);
    control->unanswered--;
    control->telling = false;
    if (status < 0) {
        tell_failed(control, target, status, now);
        return;
    }
    /* The answer that settles a doubt comes before the guest's sizes of meanwhile. */
    if (!control->resync)
        control->doubted = 0;
    control->raise = control->raise && target != control->baseline;
    control->resync = false;
    control->strange = 0;
    control->from = control->actual;
    control->target = target;
    control->moved = now;
    control->told = now;
}

/* Memory is back, or was never taken. */
static void forget_done(struct balloon_control *control, uint64_t id)
{
    const struct balloon_lease *entry = balloon_find_lease(control, id);

    assert(entry == NULL || entry->lease.state == LEASE_RELEASING);
    balloon_drop_lease(control, id);
    if (control->lease_count == 0)
        add_news(control, BALLOON_NEWS_RELEASED);
}

void balloon_done(struct balloon_control *control, const struct balloon_action *action, int status,
                  nsec_t now)
{
    assert(status <= 0);
    switch (action->kind) {
    case BALLOON_PUT:
        assert(control->writing);
        control->writing = false;
        put_done(control, &action->lease, status);
        break;
    case BALLOON_TELL:
        tell_done(control, action->target, status, now);
        break;
    case BALLOON_FORGET:
        assert(control->writing);
        control->writing = false;
        /* Still in the journal: it will be forgotten when the daemon starts again. */
        forget_done(control, action->lease.id);
        break;
    case BALLOON_NOTHING:
        break;
    }
    balloon_check(control);
}
