/* Host rules on the model. */
#include "tests/sim/host-rules.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/pulses/plan.h"
#include "tests/sim/constants.h"

#define DAY_    86400
#define MIB_    (1024.0 * 1024)
#define NEVER   20 /* an order that no block has: nothing is reported */
#define TOUCH   (512 * MIB_)
#define INFLATE (950 * MIB_) /* per second, as on metal */

#define STATISTICS_SECONDS 10
#define FAULTS_PER_CPU     2000.0 /* ASSUMED: minor faults of a CPU that works for a second */

#define SMOLVM_IDLE  600          /* seconds */
#define SMOLVM_CALM  0.01         /* ASSUMED: of all CPUs */
#define SMOLVM_LEAVE (512 * MIB_) /* ASSUMED: beside the memory in use */

#define VM0_SECONDS 5
#define VM0_INFLATE (384 * MIB_)
#define VM0_DEFLATE (192 * MIB_)
#define VM0_TARGET  (256 * MIB_)
#define VM0_TICK    (256 * MIB_)
#define VM0_FLOOR   (1024 * MIB_)

struct host {
    enum host_rule rule;
    struct policy policy;
    struct model model;
    struct contest contest; /* the agent of ours */
    bool agent_is_idle;
    struct pulse_watch watch;
    struct pulse_history history;
    double faults;
    bool is_pulsing;
    double taken;  /* by the pulse */
    double before; /* the host's footprint then */
    unsigned pulses;
    unsigned calm;   /* seconds that the CPUs are idle */
    bool has_pulsed; /* in this idle period */
};

const char *host_rule_name(enum host_rule rule)
{
    static const char *const names[HOST_RULE_COUNT] = {
        "nothing",    "pulses, no agent", "pulses, agent",       "smolvm's rule",
        "vm0's rule", "reporting alone",  "reporting and agent",
    };

    return names[rule];
}

/* ---- our pulses ---- */

static double headroom_of(const struct host *host)
{
    static const struct pulse_past nothing;
    uint64_t least = pulse_headroom_min((uint64_t)host->model.total, &nothing);

    return (double)(least > host->policy.pulse_headroom ? least : host->policy.pulse_headroom);
}

static void end_pulse(struct host *host)
{
    double brought;

    model_deflate(&host->model, host->model.balloon);
    brought = host->before - model_footprint(&host->model);
    host->is_pulsing = false;
    pulse_note_end(&host->history, host->model.now * NSEC_PER_SEC,
                   brought > 0 ? (uint64_t)brought : 0, host->policy.pulse_min_gain);
}

static void go_on(struct host *host, bool takes_cache, double room)
{
    double want = room < INFLATE ? room : INFLATE;
    double did = want < MIB_ ? 0 : model_inflate(&host->model, want, takes_cache);

    host->taken += did;
    if (did < want - MIB_ || room - did < 64 * MIB_)
        end_pulse(host);
}

static void begin_pulse(struct host *host)
{
    host->is_pulsing = true;
    host->taken = 0;
    host->before = model_footprint(&host->model);
    host->pulses++;
}

/* A program that takes memory ends it, before the second in which it would be short is over. */
static void give_way(struct host *host)
{
    const struct model *model = &host->model;

    if (host->is_pulsing && (model->use_wanted > model->in_use + MIB_ || model->stream > 32 * MIB_))
        end_pulse(host);
}

static struct guest_reading reading_of(const struct host *host)
{
    const struct model *model = &host->model;
    double free = model_free(model);

    return (struct guest_reading){
        .source = host->rule == HOST_AGENT ? READING_AGENT : READING_STATISTICS,
        .read = model->now * NSEC_PER_SEC,
        .total = (uint64_t)(model->total - model->balloon),
        .free = (uint64_t)free,
        .available = (uint64_t)(free + model_cold(model)),
    };
}

static struct pulse_facts facts_of(const struct host *host)
{
    return (struct pulse_facts){
        .now = host->model.now * NSEC_PER_SEC,
        .time = (int64_t)host->model.now,
        .is_reachable = true,
        .has_balloon = true,
        .runs = true,
        .has_agent = host->rule == HOST_AGENT,
        .agent_is_idle = host->agent_is_idle,
        .ram = (uint64_t)host->model.total,
        .footprint = (uint64_t)model_footprint(&host->model),
        .foreign_owner = "",
        .reading = reading_of(host),
    };
}

static void read_statistics(struct host *host)
{
    const struct guest_reading reading = reading_of(host);
    const struct pulse_counters counters = {
        .minor_faults = (uint64_t)host->faults,
        .major_faults = (uint64_t)(host->model.read_back / 4096 / 32), /* readahead */
    };

    pulse_watch_take(&host->watch, &reading, &counters, host->policy.idle_window);
}

/* The engine as it ships, of a guest that does not report and knows that the host takes what is
 * free: it frees cache, and says whether the guest is idle. */
static void ask_agent(struct host *host)
{
    contest_step(&host->contest, &host->model);
    host->agent_is_idle = host->contest.decision.reason == ENGINE_NOTHING_TO_GAIN;
}

static void pulses_step(struct host *host)
{
    struct pulse_facts facts;

    if (host->rule == HOST_AGENT)
        ask_agent(host);
    if (host->is_pulsing) {
        go_on(host, false, model_free(&host->model) - headroom_of(host));
        return;
    }
    if (host->model.now % STATISTICS_SECONDS == 0)
        read_statistics(host);
    facts = facts_of(host);
    if (pulse_decide(&facts, &host->watch, &host->history, &host->policy).reason == PULSE_IS_DUE)
        begin_pulse(host);
}

/* ---- the rivals ---- */

static void smolvm_step(struct host *host)
{
    struct model *model = &host->model;
    bool is_calm = model->load <= SMOLVM_CALM * model->cpus;

    host->calm = is_calm ? host->calm + 1 : 0;
    host->has_pulsed = host->has_pulsed && is_calm;
    if (host->is_pulsing) {
        go_on(host, true, model->total - model->balloon - model->in_use - SMOLVM_LEAVE);
    } else if (host->calm >= SMOLVM_IDLE && !host->has_pulsed) {
        host->has_pulsed = true;
        begin_pulse(host);
    }
}

static void vm0_step(struct host *host)
{
    struct model *model = &host->model;
    double free = model_free(model);
    double available = free + model_cache(model);
    double room = model->total - model->balloon - VM0_FLOOR;
    double step = free - VM0_TARGET;

    if (model->now % VM0_SECONDS != 0)
        return;
    if (available < VM0_DEFLATE)
        model_deflate(model, VM0_TARGET - available);
    else if (free > VM0_INFLATE && room > 0)
        (void)model_inflate(model, step < VM0_TICK ? step : VM0_TICK, true);
}

/* ---- the day ---- */

static void step(struct host *host)
{
    switch (host->rule) {
    case HOST_AGENTLESS:
    case HOST_AGENT:
        pulses_step(host);
        break;
    case HOST_SMOLVM:
        smolvm_step(host);
        break;
    case HOST_VM0:
        vm0_step(host);
        break;
    case HOST_AGENT_WHOLE:
        contest_step(&host->contest, &host->model);
        break;
    default:
        break;
    }
}

void host_day_run(enum host_rule rule, uint64_t seed, struct host_result *ret_result)
{
    bool is_reporting = rule == HOST_REPORTING || rule == HOST_AGENT_WHOLE;
    struct host host = {.rule = rule};
    struct workload workload;
    double footprint = 0;

    policy_init(&host.policy, POLICY_BALANCED);
    day_begin(&workload, &host.model, seed, &day_as_written, is_reporting ? 9 : NEVER);
    host.model.use_speed = TOUCH;
    host.model.use_wanted = host.model.in_use;
    contest_init(&host.contest, CONTEST_OURS, &host.policy, &host.model);
    engine_set_host_takes_free(&host.contest.engine, true);
    for (unsigned second = 0; second < DAY_; second++) {
        double in_use = host.model.in_use;

        day_step(&workload, &host.model);
        give_way(&host);
        model_step(&host.model);
        host.faults += host.model.load * FAULTS_PER_CPU;
        if (host.model.in_use > in_use)
            host.faults += (host.model.in_use - in_use) / 4096;
        step(&host);
        footprint += model_footprint(&host.model);
    }
    *ret_result = (struct host_result){
        .byte_hours = host.model.above_need / 3600,
        .refaults = host.model.read_back / 4096,
        .stalled = host.model.stalled,
        .pulses = host.pulses,
        .footprint_mean = footprint / DAY_,
    };
}
