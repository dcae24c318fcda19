/* The seeded day. 16 GiB and 8 CPUs; phases of compiling, browsing and containers with breaks,
 * lunch and a night. The seed moves every length and size by up to a quarter. A language server and
 * a file watcher use 1 to 3 % of the CPUs in two breaks of three, as developers report; at night
 * the guest is idle but for a minute of cron jobs every hour. The workload does not depend on who
 * reclaims. */
#include "tests/sim/day.h"

#include <string.h>

#define GIB_ (1024.0 * 1024 * 1024)
#define MIB_ (1024.0 * 1024)
#define DAY_ 86400

enum { COMPILE, BROWSE, CONTAINERS, SYSTEM };

struct phase {
    const char *name;
    double minutes;
    double load;   /* CPUs */
    double in_use; /* GiB */
    double stream; /* MiB per second read once */
    unsigned sets; /* bits: activities that run */
};

#define BIT(n) (1u << (n))

static const struct phase workday[] = {
    {"boot", 5, 2, 1.2, 20, BIT(SYSTEM)},
    {"browse", 40, 0.6, 3.0, 0.3, BIT(BROWSE) | BIT(SYSTEM)},
    {"compile", 25, 7.5, 4.5, 6, BIT(COMPILE) | BIT(SYSTEM)},
    {"break", 15, 0.16, 3.2, 0.05, BIT(SYSTEM)},
    {"browse", 60, 0.6, 3.2, 0.3, BIT(BROWSE) | BIT(SYSTEM)},
    {"compile", 20, 7.5, 4.6, 6, BIT(COMPILE) | BIT(SYSTEM)},
    {"lunch", 50, 0.02, 3.0, 0, BIT(SYSTEM)},
    {"containers", 70, 1.6, 6.0, 4, BIT(CONTAINERS) | BIT(SYSTEM)},
    {"compile", 20, 7.5, 5.0, 6, BIT(COMPILE) | BIT(SYSTEM)},
    {"containers", 45, 1.6, 6.0, 3, BIT(CONTAINERS) | BIT(BROWSE) | BIT(SYSTEM)},
    {"break", 15, 0.16, 5.5, 0.05, BIT(SYSTEM)},
    {"browse", 60, 0.6, 3.4, 0.3, BIT(BROWSE) | BIT(SYSTEM)},
    {"compile", 15, 7.5, 4.4, 6, BIT(COMPILE) | BIT(SYSTEM)},
};

const struct day_shape day_as_written = {1, 1, 1, 1, 1, 1, 1, 1};

static double vary(struct workload *workload, double value)
{
    return value * (0.75 + 0.5 * random_unit(&workload->random));
}

static void enter(struct workload *workload, struct model *model, const struct phase *phase)
{
    const struct day_shape *shape = workload->shape;
    bool is_break = strcmp(phase->name, "break") == 0;

    model->load = phase->load * shape->load * (is_break ? shape->breaks : 1);
    model->stream = phase->stream * shape->stream * MIB_;
    model_use(model, phase->in_use * GIB_);
    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++)
        model_run(model, i, (phase->sets >> i & 1) != 0);
    workload->phase_end =
        model->now + (uint64_t)vary(workload, phase->minutes * 60 * shape->lengths);
}

/* A minute of cron jobs every hour; otherwise timers only. */
static void night(struct model *model)
{
    bool is_cron = model->now % 3600 < 60;

    model->load = is_cron ? 0.3 : 0.012;
    model->stream = is_cron ? 2 * MIB_ : 0;
    model_use(model, 1.6 * GIB_);
    for (unsigned i = 0; i < MODEL_ACTIVITIES; i++)
        model_run(model, i, i == SYSTEM && is_cron);
}

void day_step(struct workload *workload, struct model *model)
{
    if (workload->index < sizeof(workday) / sizeof(workday[0])) {
        if (model->now >= workload->phase_end) {
            enter(workload, model, &workday[workload->index]);
            workload->index++;
        }
    } else if (model->now >= workload->phase_end) {
        night(model);
    }
}

void day_begin(struct workload *workload, struct model *model, uint64_t seed,
               const struct day_shape *shape, unsigned order)
{
    *workload = (struct workload){.shape = shape};
    random_init(&workload->random, seed);
    model_init(model, 16 * GIB_ * shape->memory, 1.0 * GIB_, 8, order);
    model->sets[COMPILE].wanted = vary(workload, 2.5 * GIB_ * shape->sets);
    model->sets[BROWSE].wanted = vary(workload, 0.8 * GIB_ * shape->sets);
    model->sets[CONTAINERS].wanted = vary(workload, 2.0 * GIB_ * shape->sets);
    model->sets[SYSTEM].wanted = vary(workload, 0.25 * GIB_ * shape->sets);
}

void day_run(enum contestant who, uint64_t seed, const struct day_shape *shape,
             struct day_result *ret_result)
{
    struct workload workload;
    struct contest contest;
    struct policy policy;
    struct model model;
    double footprint = 0;

    policy_init(&policy, POLICY_BALANCED);
    policy.idle_window = (nsec_t)((double)policy.idle_window * shape->window);
    policy.trickle = (uint64_t)((double)policy.trickle * shape->trickle);
    day_begin(&workload, &model, seed, shape, 9);
    contest_init(&contest, who, &policy, &model);
    for (unsigned second = 0; second < DAY_; second++) {
        day_step(&workload, &model);
        model_step(&model);
        contest_step(&contest, &model);
        footprint += model_footprint(&model);
    }
    *ret_result = (struct day_result){
        .byte_hours = model.above_need / 3600,
        .refaults = model.read_back / 4096,
        .host_filled = model.host_filled,
        .cpu_seconds = model.own_cpu,
        .footprint_mean = footprint / DAY_,
    };
}
