/* Pulses under leases. */
#include "controller/leases/balloon-pulse.h"

#include <assert.h>
#include <errno.h>

#include "common/base/util.h"

/* ---- what it is told ---- */

static bool is_back(const struct balloon_control *control, const struct balloon_input *input)
{
    uint64_t wanted = balloon_wanted(control);

    return !control->telling && !control->resync && control->target >= wanted &&
           input->actual + BALLOON_SLACK >= wanted;
}

/* Nobody of ours asked it to be so small: nothing more is taken until it is known who did. */
static bool is_below(const struct balloon_control *control, uint64_t actual)
{
    return !control->telling && actual + BALLOON_SLACK < control->target;
}

static struct pulse_input look(const struct balloon_control *control,
                               const struct balloon_input *input)
{
    uint64_t actual = input->actual != 0 ? input->actual : control->actual;

    return (struct pulse_input){
        .now = input->now,
        .ready = input->ready,
        .running = input->running,
        .may_take = !control->telling && !control->resync && !control->raise &&
                    balloon_may_step_down(control, input),
        .is_strange = control->strange != 0 || is_below(control, actual),
        .is_back = is_back(control, input),
        .ram = input->ram,
        .actual = actual,
        .target = control->target,
        .reading = {.time = input->guest_read,
                    .total = input->guest_total,
                    .free = input->guest_free},
    };
}

/* ---- its begin ---- */

/* Nothing else moves the balloon, so that what moves is the pulse's. */
static bool is_settled(const struct balloon_control *control, const struct balloon_input *input)
{
    return !control->telling && !control->raise && !control->resync && !control->writing &&
           control->target == balloon_wanted(control) &&
           distance_between(input->actual, control->target) <= BALLOON_SLACK;
}

int balloon_plan_pulse(const struct balloon_control *control, const struct pulse_limits *limits,
                       uint64_t floor, const struct balloon_input *input, uint64_t *ret_bytes,
                       struct error *error)
{
    const struct pulse_input world = look(control, input);
    uint64_t room = saturating_subtract(control->target, max_of(floor, BALLOON_SIZE_MIN));
    uint64_t bytes;
    int r;

    if (control->trust == BALLOON_INERT)
        return error_set(error, -EOPNOTSUPP, "%s", balloon_news_text(BALLOON_NEWS_INERT));
    if (control->lease_count == BALLOON_LEASES_MAX)
        return error_set(error, -ENOSPC, "the VM has %d leases already; release one",
                         BALLOON_LEASES_MAX);
    if (pulse_is_on(&control->pulse))
        return error_set(error, -EBUSY, "a pulse is under way already");
    if (!is_settled(control, input))
        return error_set(error, -EBUSY,
                         "its balloon is still moving for a lease; try again when it stands");
    r = pulse_plan(limits, &control->pulse.past, &world, &bytes, error);
    if (r < 0)
        return r;
    if (room < PULSE_STEP)
        return error_set(error, -EBUSY, "it has %s left, and %s must stay",
                         BYTES_TEXT(control->target), BYTES_TEXT(control->target - room));
    *ret_bytes = min_of(bytes, room);
    return 0;
}

int balloon_begin_pulse(struct balloon_control *control, const struct lease *lease,
                        const struct pulse_limits *limits, const struct balloon_input *input,
                        struct error *error)
{
    struct pulse_input world;
    uint64_t bytes;
    int r;

    balloon_check(control);
    assert(balloon_find_lease(control, lease->id) == NULL && lease->bytes != 0);
    r = balloon_plan_pulse(control, limits, lease->floor, input, &bytes, error);
    if (r < 0)
        return r;
    world = look(control, input);
    control->leases[control->lease_count++] = (struct balloon_lease){
        .lease = *lease,
        .written = lease->baseline == control->baseline && lease->maximum == control->maximum};
    assert(lease->state == LEASE_REQUESTED);
    pulse_begin(&control->pulse, lease->id, min_of(bytes, lease->bytes), limits,
                &control->pulse.past, &world);
    control->stalled = false;
    control->retry = 0;
    balloon_check(control);
    return 0;
}

/* ---- its life and its end ---- */

void balloon_end_pulse(struct balloon_control *control, enum pulse_end end, nsec_t now)
{
    pulse_abort(&control->pulse, end, now);
}

bool balloon_pulse_hurries(const struct balloon_control *control)
{
    uint64_t wanted = balloon_wanted(control);

    return control->pulse.state == PULSE_DEFLATING &&
           wanted > (control->telling ? control->telling_target : control->target);
}

void balloon_see_pulse(struct balloon_control *control, const struct balloon_input *input)
{
    struct balloon_lease *entry;
    struct pulse_input world;

    if (!pulse_is_on(&control->pulse))
        return;
    entry = balloon_find_lease(control, control->pulse.lease);
    /* It was released, or is over, or could not be written anew. */
    if (entry == NULL || !balloon_counts(entry))
        balloon_end_pulse(control, PULSE_END_CALLED_OFF, input->now);
    world = look(control, input);
    pulse_step(&control->pulse, &world);
    if (pulse_takes(&control->pulse))
        return;
    /* What is given back before anything was seen of it proves nothing. */
    if (control->trust == BALLOON_CANARY)
        control->trust = BALLOON_UNTRIED;
    if (entry == NULL)
        return;
    /* In the journal it is to be given back already. */
    balloon_set_state(entry, LEASE_RELEASING);
    entry->written = true;
}
