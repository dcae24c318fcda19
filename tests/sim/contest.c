/* Ours and the rivals on the model. The rivals are written from their published rules and
 * constants; where a rule leaves a choice it is the one that suits the rival. */
#include "tests/sim/contest.h"

#include <string.h>

#include "tests/sim/constants.h"

#define MIB_         (1024.0 * 1024)
#define WSL_POLL     10
#define WSL_WINDOW   12
#define WSL_FLOOR    (128 * MIB_)
#define KATA_PERIOD  600
#define KATA_AGINGS  3
#define KATA_PIECES  (1024 * 4096.0)
#define KATA_SECONDS 180

const char *contest_name(enum contestant who)
{
    static const char *const names[CONTEST_COUNT] = {"reporting alone", "vmreclaim", "WSL rules",
                                                     "WSL gradual", "Kata rules"};
    return names[who];
}

void contest_init(struct contest *contest, enum contestant who, const struct policy *policy,
                  struct model *model)
{
    memset(contest, 0, sizeof(*contest));
    contest->who = who;
    contest->wsl.is_gradual = who == CONTEST_WSL_GRADUAL;
    /* WSL's host boots the guest with reporting at order 5 */
    if (who == CONTEST_WSL || who == CONTEST_WSL_GRADUAL)
        model->order = 5;
    if (who == CONTEST_OURS)
        engine_init(&contest->engine, policy, model->now * NSEC_PER_SEC);
}

/* ---- ours ---- */

static void ours_finish(struct contest *contest, struct model *model)
{
    struct engine_result result = {
        .action = contest->running,
        .completed = true,
        .supported = true,
        .gained = (uint64_t)model->action.gained,
        .cpu = (nsec_t)(model->action.cpu * 1e9),
        .duration = (nsec_t)(model->action.seconds * 1e9),
    };

    contest->running = ACTION_NONE;
    engine_finished(&contest->engine, &result, model->now * NSEC_PER_SEC);
}

static void ours_step(struct contest *contest, struct model *model)
{
    struct memory_sample sample;

    if (contest->running != ACTION_NONE && !model->action.is_running)
        ours_finish(contest, model);
    if (model->now * NSEC_PER_SEC < contest->next_sample)
        return;
    model_sample(model, &sample);
    engine_step(&contest->engine, &sample, &contest->decision);
    contest->next_sample = contest->decision.next_sample;
    if (contest->decision.stop) {
        model->action.is_running = false;
    } else if (contest->decision.action != ACTION_NONE) {
        contest->running = contest->decision.action;
        model_start(model, (int)contest->running, (double)contest->decision.bytes,
                    contest->decision.order, contest->decision.drop_slab,
                    (double)contest->decision.time_limit / 1e9);
    }
}

/* ---- WSL ---- */

static bool wsl_is_idle(struct wsl *wsl, const struct model *model)
{
    double busy = model->cpu_busy - wsl->last_busy;
    double total = model->cpu_total - wsl->last_total;
    double all_busy = 0;
    double all_total = 0;

    wsl->busy[wsl->polls % WSL_WINDOW] = busy;
    wsl->total[wsl->polls % WSL_WINDOW] = total;
    wsl->polls++;
    wsl->last_busy = model->cpu_busy;
    wsl->last_total = model->cpu_total;
    for (unsigned i = 0; i < WSL_WINDOW; i++) {
        all_busy += wsl->busy[i];
        all_total += wsl->total[i];
    }
    return wsl->polls >= WSL_WINDOW && all_busy * 1000 <= all_total * 5 && busy * 1000 <= total * 5;
}

static void wsl_reclaim(struct wsl *wsl, struct model *model, bool is_entering)
{
    double step = model->total / 32;

    if (!wsl->is_gradual) {
        if (is_entering)
            model_start(model, ACTION_DROP_CACHES, 0, 0, true, 3600);
        return;
    }
    step = step < 256 * MIB_ ? 256 * MIB_ : step > 1024 * MIB_ ? 1024 * MIB_ : step;
    if (model_cache(model) - WSL_FLOOR < step)
        step = model_cache(model) - WSL_FLOOR;
    if (step > 0)
        model_start(model, ACTION_RECLAIM_CACHE, step, 0, false, 3600);
}

/* Its own CPU time is left out of the next poll: the counters are read again afterwards. */
static void wsl_step(struct contest *contest, struct model *model)
{
    struct wsl *wsl = &contest->wsl;
    bool is_idle;

    if (model->action.is_running)
        return;
    if (wsl->wants_compaction) {
        wsl->wants_compaction = false;
        model_start(model, ACTION_COMPACT, 0, 0, false, 3600);
        return;
    }
    if (contest->running != ACTION_NONE) {
        contest->running = ACTION_NONE;
        wsl->last_busy = model->cpu_busy;
        wsl->last_total = model->cpu_total;
    }
    if (model->now % WSL_POLL != 0)
        return;
    is_idle = wsl_is_idle(wsl, model);
    if (is_idle) {
        wsl_reclaim(wsl, model, !wsl->was_idle);
        wsl->wants_compaction = model->action.is_running || !wsl->was_idle;
        contest->running = ACTION_COMPACT;
    }
    wsl->was_idle = is_idle;
}

/* ---- Kata ---- */

static void kata_step(struct contest *contest, struct model *model)
{
    struct kata *kata = &contest->kata;
    double psi = model->psi_memory + model->psi_io;
    double small = model->free[MODEL_LOW] + model->free[MODEL_MID];
    bool is_calm;

    if (model->now % KATA_PERIOD != 0)
        return;
    is_calm = (psi - kata->last_psi) * 100 / KATA_PERIOD <= 1;
    kata->last_psi = psi;
    if (!is_calm)
        return;
    (void)model_evict(model, model->total, KATA_AGINGS * KATA_PERIOD, true);
    small = model->free[MODEL_LOW] + model->free[MODEL_MID];
    if (!kata->has_last || kata->last_free > model_free(model) + KATA_PIECES ||
        small > kata->last_small + KATA_PIECES) {
        model_start(model, ACTION_COMPACT, 0, 0, false, KATA_SECONDS);
        kata->has_last = true;
        kata->last_free = model_free(model);
        kata->last_small = small * (1 - model_constants.compact_joins);
    }
}

void contest_step(struct contest *contest, struct model *model)
{
    switch (contest->who) {
    case CONTEST_OURS:
        ours_step(contest, model);
        break;
    case CONTEST_WSL:
    case CONTEST_WSL_GRADUAL:
        wsl_step(contest, model);
        break;
    case CONTEST_KATA:
        kata_step(contest, model);
        break;
    case CONTEST_REPORTING:
    case CONTEST_COUNT:
        break;
    }
}
