/* The engines that are compared: ours as it ships, and rivals after their published rules. */
#ifndef VMRECLAIM_TESTS_SIM_CONTEST_H
#define VMRECLAIM_TESTS_SIM_CONTEST_H

#include "agent/engine/engine-state.h"
#include "agent/engine/engine.h"
#include "tests/sim/model.h"

enum contestant {
    CONTEST_REPORTING, /* free page reporting alone */
    CONTEST_OURS,
    CONTEST_WSL,         /* its default: drop_caches */
    CONTEST_WSL_GRADUAL, /* its other mode */
    CONTEST_KATA,
    CONTEST_COUNT,
};

/* WSL's thread: every 10 s; idle at most 0.5 % over 12 polls and in the last one. */
struct wsl {
    bool is_gradual;
    double busy[12], total[12];
    unsigned polls;
    double last_busy, last_total;
    bool was_idle;
    bool wants_compaction;
};

/* Kata's mem-agent: every 600 s; PSI gates; pages not used for three agings; compaction when small
 * free pieces grew or free memory shrank by over 1024 pages. */
struct kata {
    double last_psi;
    double last_free, last_small;
    bool has_last;
};

struct contest {
    enum contestant who;
    struct engine engine;
    struct engine_decision decision;
    enum action_kind running;
    nsec_t next_sample;
    struct wsl wsl;
    struct kata kata;
};

void contest_init(struct contest *contest, enum contestant who, const struct policy *policy,
                  struct model *model);

/* After each model_step(). */
void contest_step(struct contest *contest, struct model *model);

const char *contest_name(enum contestant who);

#endif
