/* Thousands of seeded random lives of a guest, and what must hold in each of them:
 *
 *   never acts while busy           own record of the load, not the engine's
 *   never acts under pressure
 *   never exceeds its CPU budget    in any hour, but for the second in which it runs out
 *   never takes below a floor
 *   always restores the order       and soon after waking
 *   never alternates faster than its hysteresis: compaction, order, trickle, pause after refaults
 *
 * usage: test-random [FIRST-SEED [COUNT]]. A failure prints the seed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/engine/engine-state.h"
#include "agent/engine/engine.h"
#include "common/base/util.h"
#include "tests/sim/model.h"
#include "tests/sim/random.h"

#define SECONDS   7200
#define HISTORY   8192 /* seconds of truth, a power of two */
#define NSEC_(s)  ((nsec_t)((double)(s)*1e9))
#define MIB_      (1024.0 * 1024)
#define OVERRUN   0.2 /* CPU seconds: orders and kicks cost 2 ms and are always allowed */
#define USER_PART 0.8 /* of the model's load: all that counts while our own work runs */

struct life {
    uint64_t seed;
    struct random random;
    struct model model;
    struct engine engine;
    struct policy policy;
    struct engine_decision decision;
    enum action_kind running;
    nsec_t next_sample;
    unsigned found_order;
    bool fails_once; /* the next action fails */
    /* the truth, by second */
    double load[HISTORY];     /* share of all CPUs */
    double cost[HISTORY];     /* CPU seconds of actions */
    double taken[HISTORY];    /* bytes asked for as trickle */
    double refaults[HISTORY]; /* pages */
    uint64_t born, gap_at, policy_at, busy_at;
    uint64_t compacted_at, idle_compacted_at, lowered_at, idle_lowered_at, lowered_since;
    bool lowered_in_trickle;
    double stall_begin;
    unsigned actions;
};

static void fail(const struct life *life, const char *what)
{
    fprintf(stderr, "seed %llu, second %llu: %s (action %d, reason '%s')\n",
            (unsigned long long)life->seed, (unsigned long long)life->model.now, what,
            (int)life->decision.action, engine_reason_text(life->decision.reason));
    exit(EXIT_FAILURE);
}

static double mean(const double *history, uint64_t now, uint64_t seconds)
{
    double sum = 0;

    for (uint64_t i = 0; i < seconds; i++)
        sum += history[(now - i) % HISTORY];
    return sum / (double)seconds;
}

/* ---- what happens to the guest ---- */

static void random_policy(struct life *life)
{
    static const char *const windows[] = {"6s", "20s", "1m", "2m"};
    struct random *random = &life->random;
    enum policy_profile profile = (enum policy_profile)random_below(random, POLICY_PROFILE_COUNT);
    struct policy *policy = &life->policy;

    policy_init(policy, profile);
    (void)policy_set(policy, "idle_window", windows[random_below(random, 4)], NULL);
    policy->sample_interval = NSEC_(1 + random_below(random, 5));
    policy->compact_interval = NSEC_(30 + random_below(random, 600));
    if (policy->cpu_budget != 0)
        policy->cpu_budget = NSEC_(1 + random_below(random, 30));
    if (random_below(random, 4) == 0) {
        policy->schedule_count = 1;
        (void)schedule_parse("*/20 * * * *", "5m",
                             schedule_effect_name((enum schedule_effect)random_below(random, 3)),
                             NULL, &policy->schedules[0], NULL);
    }
    engine_set_policy(&life->engine, policy, NSEC_(life->model.now));
    life->policy_at = life->model.now;
}

static void random_load(struct life *life)
{
    struct random *random = &life->random;
    static const double loads[] = {0, 0.001, 0.003, 0.06, 0.1, 0.3, 0.7, 1};

    life->model.load = loads[random_below(random, 8)] * life->model.cpus;
    if (random_below(random, 2) == 0)
        life->model.load = 0.001 * life->model.cpus;
    life->model.stall_memory = random_below(random, 8) == 0 ? 0.05 : 0;
}

/* The guest was stopped: time went on, counters did not. */
static void random_gap(struct life *life)
{
    uint64_t length = 200 + random_below(&life->random, 3000);

    for (uint64_t i = 1; i <= length; i++) {
        uint64_t second = (life->model.now + i) % HISTORY;
        life->load[second] = life->cost[second] = life->taken[second] = 0;
        life->refaults[second] = 0;
    }
    life->model.now += length;
    life->gap_at = life->model.now;
}

static void happen(struct life *life)
{
    struct random *random = &life->random;
    struct model *model = &life->model;

    switch (random_below(random, 400)) {
    case 0:
    case 1:
    case 2:
    case 3:
        random_load(life);
        break;
    case 4:
        model_use(model, model->total * (0.1 + 0.6 * random_unit(random)));
        break;
    case 5:
        model_read_once(model, model->total * 0.4 * random_unit(random));
        break;
    case 6:
    case 7: {
        unsigned set = (unsigned)random_below(random, MODEL_ACTIVITIES);
        model_run(model, set, !model->sets[set].is_running);
        break;
    }
    case 8:
        model->stream = random_below(random, 2) == 0 ? 0 : random_unit(random) * 20 * MIB_;
        break;
    case 9:
        if (random_below(random, 4) == 0)
            random_gap(life);
        break;
    case 10:
        if (random_below(random, 8) == 0)
            random_policy(life);
        break;
    case 11:
        if (random_below(random, 4) == 0)
            engine_set_lowest_order(&life->engine, (uint32_t)random_below(random, 3) * 5);
        break;
    case 12:
        life->next_sample = 0; /* a pressure event: a sample before its time */
        break;
    case 13:
        life->fails_once = random_below(random, 4) == 0;
        break;
    default:
        break;
    }
}

/* ---- what must hold ---- */

static bool is_forced(const struct life *life)
{
    return life->policy.schedule_count > 0 &&
           schedule_evaluate(life->policy.schedules, life->policy.schedule_count,
                             (int64_t)life->model.now) == SCHEDULE_FORCE;
}

static void check_calm(const struct life *life)
{
    uint64_t now = life->model.now;
    uint64_t window = life->policy.idle_window / NSEC_PER_SEC;
    double counted = min_of(1, POLICY_CALM_CPUS / (double)life->model.cpus);
    double limit = counted * life->policy.idle_cpu / 10000.0 / USER_PART;

    if (life->policy_at + 1 < now - window || window < 60) {
        if (mean(life->load, now, window) > limit * 1.3 + 0.001)
            fail(life, "idle work without an idle window");
    }
    if (now - life->gap_at < window)
        fail(life, "idle work with a gap in the window");
    if (mean(life->load, now, 5) > limit * 8)
        fail(life, "idle work right after waking");
}

static void check_gates(const struct life *life)
{
    uint64_t now = life->model.now;

    if (life->policy.profile == POLICY_OBSERVE)
        fail(life, "acts under observe");
    if (life->policy.schedule_count > 0 &&
        schedule_evaluate(life->policy.schedules, life->policy.schedule_count, (int64_t)now) ==
            SCHEDULE_FORBID)
        fail(life, "acts in a forbidden window");
    if (life->policy.psi_memory < 1000 && now - (uint64_t)life->stall_begin > 8 &&
        life->stall_begin > 0)
        fail(life, "acts under pressure");
    if (life->decision.reason == ENGINE_TRICKLE) {
        if (mean(life->load, now, 5) * USER_PART > 0.95)
            fail(life, "trickles from a busy guest");
    } else if (!is_forced(life)) {
        check_calm(life);
    }
}

static void check_cache(struct life *life)
{
    uint64_t now = life->model.now;
    double left = model_cache(&life->model) - (double)life->decision.bytes;
    double minute;

    if (left < (double)life->policy.cache_floor - MIB_)
        fail(life, "takes cache below the floor");
    if (life->decision.bytes > life->policy.cache_step)
        fail(life, "takes more than a step");
    for (uint64_t back = 12; back < 50; back++)
        if (now - back > life->gap_at + 15 && now - back > life->policy_at + 15 &&
            mean(life->refaults, now - back, 5) > 4.0 * life->policy.refault_rate)
            fail(life, "takes cache while it is read back");
    if (life->decision.reason != ENGINE_TRICKLE)
        return;
    life->taken[now % HISTORY] = (double)life->decision.bytes;
    minute = mean(life->taken, now, 60) * 60;
    if (now - life->policy_at > 60 && minute > (double)life->policy.trickle + MIB_)
        fail(life, "trickles more than the policy's bytes per minute");
}

/* Idle work for n times the least gain may come n * n times sooner. */
static void check_interval(const struct life *life, uint64_t since, const char *what)
{
    uint64_t times =
        life->decision.expected_gain / (life->policy.compact_min_gain > (uint64_t)(32 * MIB_)
                                            ? life->policy.compact_min_gain
                                            : (uint64_t)(32 * MIB_));
    uint64_t interval = life->policy.compact_interval / NSEC_PER_SEC;
    bool is_trickle = life->decision.reason == ENGINE_TRICKLE;

    if (since != 0 && since > life->policy_at && since > life->gap_at &&
        life->model.now - since <
            (is_trickle || times == 0 ? interval : interval / (times * times)))
        fail(life, what);
}

static void check_decision(struct life *life)
{
    uint64_t now = life->model.now;
    /* idle work keeps its own intervals, a trickle keeps both */
    bool is_trickle = life->decision.reason == ENGINE_TRICKLE;

    switch (life->decision.action) {
    case ACTION_NONE:
        return;
    case ACTION_RESTORE_ORDER:
        life->lowered_since = 0;
        return;
    case ACTION_RECLAIM_CACHE:
        check_cache(life);
        break;
    case ACTION_COMPACT:
        check_interval(life, is_trickle ? life->compacted_at : life->idle_compacted_at,
                       "compacts again too early");
        life->compacted_at = now;
        if (!is_trickle)
            life->idle_compacted_at = now;
        break;
    case ACTION_SET_ORDER:
        check_interval(life, is_trickle ? life->lowered_at : life->idle_lowered_at,
                       "lowers the order again too early");
        if (life->decision.order >= life->found_order)
            fail(life, "lowers the order upwards");
        life->lowered_at = life->lowered_since = now;
        if (!is_trickle)
            life->idle_lowered_at = now;
        life->lowered_in_trickle = is_trickle;
        break;
    default:
        break;
    }
    check_gates(life);
    life->actions++;
}

/* Whatever is going on, by itself. */
static void check_always(struct life *life)
{
    uint64_t now = life->model.now;
    /* one that was lowered while the guest worked stays as long as it may be trickled from */
    double awake = life->lowered_in_trickle ? 0.7 : 0.05;
    bool is_awake = life->model.load > awake * life->model.cpus;

    life->busy_at = is_awake ? (life->busy_at == 0 ? now : life->busy_at) : 0;
    life->stall_begin = life->model.stall_memory > 0
                            ? (life->stall_begin > 0 ? life->stall_begin : (double)now)
                            : 0;
    if (life->lowered_since != 0 && life->busy_at != 0 && now - life->busy_at > 30 &&
        life->lowered_since < life->busy_at && !is_forced(life))
        fail(life, "the order stays lowered in a busy guest");
    if (life->lowered_since != 0 && now - life->lowered_since > 300 &&
        life->lowered_since > life->gap_at)
        fail(life, "the order stays lowered");
    if (mean(life->cost, now, 3600) * 3600 > (double)life->policy.cpu_budget / 1e9 + OVERRUN &&
        now - life->policy_at > 3600)
        fail(life, "costs more than the budget");
}

/* ---- one life ---- */

static void finish(struct life *life)
{
    struct engine_result result = {
        .action = life->running,
        .completed = !life->fails_once,
        .supported = true,
        .gained = life->fails_once ? 0 : (uint64_t)life->model.action.gained,
        .cpu = NSEC_(life->model.action.cpu),
        .duration = NSEC_(life->model.action.seconds),
    };

    life->fails_once = false;
    life->running = ACTION_NONE;
    engine_finished(&life->engine, &result, NSEC_(life->model.now));
}

static void start(struct life *life)
{
    life->running = life->decision.action;
    model_start(&life->model, (int)life->running, (double)life->decision.bytes,
                life->decision.order, life->decision.drop_slab,
                (double)life->decision.time_limit / 1e9);
}

static void step(struct life *life)
{
    struct memory_sample sample;

    model_sample(&life->model, &sample);
    engine_step(&life->engine, &sample, &life->decision);
    if (life->decision.next_sample <= sample.boottime ||
        life->decision.next_sample > sample.boottime + life->policy.sample_interval)
        fail(life, "asks for the next sample at a wrong time");
    life->next_sample = life->decision.next_sample;
    check_decision(life);
    if (life->decision.stop)
        life->model.action.is_running = false;
    else if (life->decision.action != ACTION_NONE)
        start(life);
}

static void live(struct life *life, unsigned seconds, bool quiet_end)
{
    for (unsigned i = 0; i < seconds; i++) {
        struct model *model = &life->model;
        double refaults = model->refaults;
        double cost = model->own_cpu;
        if (!quiet_end)
            happen(life);
        model_step(model);
        life->load[model->now % HISTORY] = model->load / model->cpus;
        life->cost[model->now % HISTORY] = model->own_cpu - cost;
        life->taken[model->now % HISTORY] = 0;
        life->refaults[model->now % HISTORY] = (model->refaults - refaults) / 4096;
        if (life->running != ACTION_NONE && !model->action.is_running)
            finish(life);
        if (NSEC_(model->now) >= life->next_sample)
            step(life);
        check_always(life);
    }
}

static unsigned random_cpus(struct random *random)
{
    return random_below(random, 4) == 0 ? 32u << random_below(random, 4)
                                        : 1 + (unsigned)random_below(random, 8);
}

static unsigned run(uint64_t seed)
{
    static struct life life;

    memset(&life, 0, sizeof(life));
    life.seed = seed;
    random_init(&life.random, seed);
    life.found_order = random_below(&life.random, 4) == 0 ? 5 : 9;
    model_init(&life.model, (double)(1 + random_below(&life.random, 8)) * 1024 * MIB_, 300 * MIB_,
               random_cpus(&life.random), life.found_order);
    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++)
        life.model.sets[i].wanted = life.model.total * 0.2 * random_unit(&life.random);
    policy_init(&life.policy, POLICY_BALANCED);
    engine_init(&life.engine, &life.policy, NSEC_(1));
    engine_set_wall_time(&life.engine, (int64_t)NSEC_(1), NSEC_(1));
    random_policy(&life);
    live(&life, SECONDS, false);
    /* at the end the guest is busy: everything must be as it was found */
    life.model.load = life.model.cpus;
    live(&life, 60, true);
    if (life.model.order != life.found_order || life.lowered_since != 0)
        fail(&life, "the reporting order was not restored");
    return life.actions;
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    uint64_t actions = 0;

    for (uint64_t i = 0; i < count; i++)
        actions += run(first + i);
    printf("%llu lives of %d s, %llu actions\n", (unsigned long long)count, SECONDS,
           (unsigned long long)actions);
    /* a life without actions proves nothing */
    return actions > 5 * count ? EXIT_SUCCESS : EXIT_FAILURE;
}
