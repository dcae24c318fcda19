/* Gates over a round's hosts. */
#include <string.h>

#include "controller/fleet/engine/round.h"
#include "controller/fleet/engine/waves.h"

/* Those that the rollout means and has not reached. */
static bool is_untreated(const struct round *round, size_t index)
{
    const struct fleet_host *host = &round->view->hosts[index];

    return !round->engine->is_treated[index] && host->status != NULL &&
           wave_means(round->rollout, host);
}

static void sum_up_wave(struct round *round)
{
    struct rollout_engine *engine = round->engine;
    const Rollout *rollout = round->rollout;

    memset(&engine->wave, 0, sizeof(engine->wave));
    for (size_t i = rollout->wave_begin; i < rollout->n_hosts; i++) {
        const struct fleet_host *host = round_host(round, i);
        const char *reason;

        if (host != NULL &&
            fleet_applied(host, rollout->policy, rollout->id, &reason) != FLEET_PINNED)
            tally_add(&engine->wave, &engine->marks, round->view,
                      (size_t)(host - round->view->hosts));
    }
}

static void sum_up(struct round *round)
{
    struct rollout_engine *engine = round->engine;
    const Rollout *rollout = round->rollout;

    memset(&engine->treated, 0, sizeof(engine->treated));
    memset(&engine->untreated, 0, sizeof(engine->untreated));
    for (size_t i = 0; i < round->view->count; i++) {
        const struct fleet_host *host = &round->view->hosts[i];
        const char *reason;
        enum fleet_applied applied = fleet_applied(host, rollout->policy, rollout->id, &reason);

        if (is_untreated(round, i))
            tally_add(&engine->untreated, &engine->marks, round->view, i);
        if (!engine->is_treated[i] || applied == FLEET_PINNED)
            continue;
        tally_add(&engine->treated, &engine->marks, round->view, i);
        if (applied == FLEET_REFUSED)
            tally_add_refusal(&engine->treated, host, reason);
    }
    sum_up_wave(round);
}

static int act_on(struct round *round, enum gates_outcome outcome, const char *text)
{
    if (outcome == GATES_REVERT)
        return round_move(round, ROLLOUT_STATE(REVERTING), text);
    if (outcome == GATES_PAUSE || outcome == GATES_NO_DATA)
        return round_pause(round, text);
    return 0;
}

int round_judge(struct round *round, bool is_final, enum gates_outcome *ret_outcome)
{
    struct rollout_engine *engine = round->engine;
    struct gates_input input = {
        .treated = &engine->treated,
        .wave = &engine->wave,
        .untreated = &engine->untreated,
        .window = round->view->now - engine->marks.begin,
        .is_final = is_final,
    };
    char text[GATES_TEXT_SIZE];
    int r;

    *ret_outcome = GATES_WAIT;
    if (engine->judged != 0 && round->view->now - engine->judged < ROUND_JUDGING_INTERVAL)
        return 0;
    engine->judged = round->view->now;
    sum_up(round);
    r = gates_judge(round->rollout, &input, ret_outcome, text, &round->result->changed);
    return r < 0 ? r : act_on(round, *ret_outcome, text);
}

int round_keep_past(struct round *round, const size_t members[], size_t count)
{
    struct rollout_engine *engine = round->engine;

    if (round->view->now - engine->marks.begin < ROUND_PAST_WINDOW)
        return 0;
    memset(&engine->treated, 0, sizeof(engine->treated));
    for (size_t i = 0; i < count; i++)
        tally_add(&engine->treated, &engine->marks, round->view, members[i]);
    return gates_keep_past(round->rollout, &engine->treated);
}

int round_keep_last(struct round *round)
{
    sum_up(round);
    return gates_keep_last(round->rollout, &round->engine->wave);
}
