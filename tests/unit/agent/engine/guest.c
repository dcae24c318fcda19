/* The guest of the engine's tests. */
#include "tests/unit/agent/engine/guest.h"

#include <string.h>

/* 4 CPUs, 8 GiB, all free and reported, 128 MiB of cache: nothing to do. */
void guest_init(struct guest *guest)
{
    memset(guest, 0, sizeof(*guest));
    guest->interval = SECONDS(1);
    policy_init(&guest->policy, POLICY_BALANCED);
    guest->policy.trickle = 0; /* where a test is about it, it says so */
    guest->sample = (struct memory_sample){
        .boottime = SECONDS(1000),
        .total = 8 * GIB,
        .free = 4 * GIB,
        .reported = 4 * GIB,
        .reported_is_known = true,
        .cache = 128 * MIB,
        .order_count = 11,
        .page_size = 4096,
        .pageblock_order = 9,
        .reporting_order = 9,
        .cpu_count = 4,
    };
    guest->sample.free_blocks[10] = 1024;
    engine_init(&guest->engine, &guest->policy, guest->sample.boottime);
}

void use_policy(struct guest *guest)
{
    engine_set_policy(&guest->engine, &guest->policy, guest->sample.boottime);
}

enum action_kind step(struct guest *guest)
{
    struct memory_sample *sample = &guest->sample;
    nsec_t capacity = sample->cpu_count * guest->interval;

    sample->boottime += guest->interval;
    sample->activity.cpu_user += capacity / 10000 * guest->user;
    sample->activity.cpu_busy += capacity / 10000 * (guest->user + guest->system);
    sample->activity.cpu_total += capacity;
    sample->activity.psi_memory_some += guest->psi_memory * guest->interval / NSEC_PER_SEC;
    sample->activity.psi_io_some += guest->psi_io * guest->interval / NSEC_PER_SEC;
    sample->activity.refault_file += guest->refaults * guest->interval / NSEC_PER_SEC;
    engine_step(&guest->engine, sample, &guest->decision);
    if (guest->decision.action != ACTION_NONE)
        guest->asked = guest->decision.action;
    return guest->decision.action;
}

enum action_kind run(struct guest *guest, unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        if (step(guest) != ACTION_NONE)
            return guest->decision.action;
        assert_false(guest->decision.stop);
    }
    return ACTION_NONE;
}

void assert_stop(struct guest *guest, unsigned seconds)
{
    for (unsigned i = 0; i < seconds && !guest->decision.stop; i++)
        assert_int_equal(step(guest), ACTION_NONE);
    assert_true(guest->decision.stop);
}

void finish(struct guest *guest, uint64_t gained, nsec_t cpu)
{
    struct engine_result result = {.action = guest->asked,
                                   .completed = true,
                                   .supported = true,
                                   .gained = gained,
                                   .cpu = cpu,
                                   .duration = SECONDS(1)};
    engine_finished(&guest->engine, &result, guest->sample.boottime);
}

void trap(struct guest *guest, uint64_t bytes)
{
    guest->sample.free_blocks[0] = bytes / 4096;
    guest->sample.trapped = bytes;
    guest->sample.free = 4 * GIB + bytes;
}

void assert_reason(const struct guest *guest, enum engine_reason reason)
{
    assert_string_equal(engine_reason_text(guest->decision.reason), engine_reason_text(reason));
}

/* Reclaims down to the floor, so that the next rung is free. */
void take_cache(struct guest *guest)
{
    while (guest->decision.action == ACTION_RECLAIM_CACHE) {
        guest->sample.cache -= guest->decision.bytes;
        finish(guest, guest->decision.bytes, NSEC_PER_MSEC);
        step(guest);
    }
}
