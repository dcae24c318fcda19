/* The engine, run ahead. */
#include "agent/engine/outlook.h"

#include <assert.h>
#include <string.h>

#include "agent/engine/engine-state.h"
#include "agent/engine/engine.h"
#include "agent/engine/ladder.h"
#include "common/base/util.h"

/* The counters of a guest that goes on at the rate between the two samples. */
static void go_on(const struct outlook_question *question, struct memory_sample *sample, nsec_t to)
{
    const struct activity_counters *before = &question->first->activity;
    const struct activity_counters *after = &question->second->activity;
    double length = (double)(question->second->boottime - question->first->boottime);
    double part = length > 0 ? (double)(to - sample->boottime) / length : 0;

#define GO_ON(counter)                                                                             \
    (sample->activity.counter +=                                                                   \
     (uint64_t)((double)saturating_subtract(after->counter, before->counter) * part))
    GO_ON(cpu_user);
    GO_ON(cpu_busy);
    GO_ON(cpu_total);
    GO_ON(cpu_own);
    GO_ON(psi_memory_some);
    GO_ON(psi_memory_full);
    GO_ON(psi_io_some);
    GO_ON(refault_file);
    GO_ON(refault_anon);
#undef GO_ON
    sample->boottime = to;
    sample->sequence++;
}

static void return_free(struct memory_sample *sample, uint64_t bytes)
{
    if (sample->reported_is_known)
        sample->reported += bytes;
    else
        sample->reportable += bytes;
}

/* Free blocks below the reporting order become blocks that can be reported. */
static void join(struct memory_sample *sample, uint32_t order)
{
    uint64_t bytes = ladder_trapped(sample, order);
    uint32_t top = sample->order_count - 1;

    if (sample->order_count == 0 || top < order)
        return;
    for (uint32_t i = 0; i < order; i++)
        sample->free_blocks[i] = 0;
    sample->free_blocks[top] += bytes / sample->page_size >> top;
}

/* What the action does to the guest, when all goes well. */
static void perform(struct memory_sample *sample, const struct engine_decision *decision,
                    uint32_t found_order)
{
    uint64_t gain = decision->expected_gain;
    uint64_t waiting;
    uint32_t top = sample->order_count > 0 ? sample->order_count - 1 : 0;

    switch (action_traits(decision->action)->effect) {
    case ACTION_FREES_CACHE:
        gain = min_of(gain, sample->cache);
        sample->cache -= gain;
        sample->free += gain;
        sample->free_blocks[top] += gain / sample->page_size >> top;
        return_free(sample, gain);
        break;
    case ACTION_JOINS_BLOCKS:
        join(sample, found_order);
        return_free(sample, gain);
        break;
    case ACTION_SETS_ORDER:
        sample->reporting_order = decision->order;
        return_free(sample, gain);
        break;
    case ACTION_STARTS_PASS:
        waiting = memory_sample_waiting(sample);
        sample->reported += waiting;
        sample->reportable -= waiting;
        break;
    }
}

static void note(struct outlook *outlook, const struct engine_decision *decision, nsec_t after)
{
    struct outlook_step *step = outlook->steps;

    while (step < outlook->steps + outlook->step_count &&
           (step->action != decision->action || step->mode != decision->reason))
        step++;
    if (step == outlook->steps + OUTLOOK_STEPS_MAX)
        return;
    if (step == outlook->steps + outlook->step_count) {
        *step = (struct outlook_step){
            .action = decision->action, .mode = decision->reason, .first = after};
        outlook->step_count++;
    }
    assert(step->count == 0 || step->last <= after);
    step->count++;
    step->last = after;
    step->gain += decision->expected_gain;
    step->order = decision->order;
    outlook->gain += decision->expected_gain;
}

/* The decision is carried out before the next sample. */
static void carry_out(struct engine *engine, struct memory_sample *sample,
                      const struct engine_decision *decision)
{
    struct engine_result result = {.action = decision->action,
                                   .completed = true,
                                   .supported = true,
                                   .gained = decision->expected_gain};

    assert(decision->action == engine->running && !decision->stop);
    perform(sample, decision, engine->found_order);
    engine_finished(engine, &result, sample->boottime);
}

void engine_outlook(const struct outlook_question *question, struct outlook *ret_outlook)
{
    struct memory_sample sample = *question->second;
    nsec_t begin = sample.boottime;
    struct outlook outlook = {.step_count = 0};
    struct engine_decision decision;
    struct engine engine;

    engine_init(&engine, question->policy, question->first->boottime);
    engine_set_lowest_order(&engine, question->lowest_order);
    engine_set_wall_time(&engine, question->wall_time, begin);
    engine.unsupported = question->impossible;
    engine_step(&engine, question->first, &decision);
    if (decision.action != ACTION_NONE)
        carry_out(&engine, &sample, &decision);
    for (;;) {
        engine_step(&engine, &sample, &decision);
        outlook.reason = decision.reason;
        if (decision.action != ACTION_NONE) {
            note(&outlook, &decision, sample.boottime - begin);
            carry_out(&engine, &sample, &decision);
        }
        assert(decision.next_sample > sample.boottime); /* or this would never end */
        if (decision.next_sample - begin > question->length)
            break;
        go_on(question, &sample, decision.next_sample);
    }
    *ret_outlook = outlook;
}
