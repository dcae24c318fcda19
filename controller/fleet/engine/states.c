/* A rollout's states: what each does by itself. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/fleet/engine/round.h"
#include "controller/fleet/engine/waves.h"

/* ---- steps ---- */

/* A wave that is not through in time waits for an operator. */
static int wait_or_pause(struct round *round, struct round_progress progress, const char *what)
{
    char refusal[ROUND_REFUSAL_SIZE], reason[ROUND_REFUSAL_SIZE + 96];

    if (!fleet_view_is_whole(round->view) || round_elapsed(round) < ROLLOUT_DEADLINE)
        return 0;
    round_find_refusal(round, refusal);
    text_format(reason, sizeof(reason), "%zu of %zu hosts %s have the policy; 9 of 10 must%s%s",
                progress.in_force, progress.wanted, what, refusal[0] == '\0' ? "" : "; ", refusal);
    return round_pause(round, reason);
}

/* What hosts did before the first of them is treated: a wave that is everybody has nothing else to
 * be compared with. */
static bool past_is_known(const struct round *round)
{
    return !gates_look_at_past(round->rollout) ||
           round->view->now - round->engine->marks.begin >= ROUND_PAST_WINDOW;
}

static int open_canary(struct round *round)
{
    bool is_opened;
    int r;

    if (!fleet_view_is_whole(round->view) || !past_is_known(round))
        return 0;
    r = round_open(round, 0, &is_opened);
    if (r < 0 || is_opened || round_elapsed(round) < ROLLOUT_DEADLINE)
        return r;
    return round_pause(round, "no host of the first wave is there; see: fleet hosts");
}

/* All hosts so far are pinned by their operators: nothing can be learnt of the policy. */
static int soak_or_pause(struct round *round)
{
    char reason[128];

    if (round_progress(round, 0).wanted > 0)
        return round_move(round, ROLLOUT_STATE(SOAKING), NULL);
    snprintf(reason, sizeof(reason),
             "none of %zu hosts takes the policy: their operators hold another one",
             round->rollout->n_hosts);
    return round_pause(round, reason);
}

static int step_writing(struct round *round)
{
    const Rollout *rollout = round->rollout;
    struct round_progress progress = round_progress(round, rollout->wave_begin);
    enum gates_outcome outcome;
    int r;

    if (rollout->n_hosts == 0)
        return open_canary(round);
    r = round_judge(round, false, &outcome);
    if (r == 0 && !round->result->changed)
        r = round_take_late(round);
    if (r < 0 || round->result->changed)
        return r;
    round_name_unwritten(round, rollout->wave_begin);
    if (round->result->count > 0)
        return 0;
    if (round_is_through(progress))
        return soak_or_pause(round);
    r = round_note_refusal(round);
    return r < 0 || round->result->changed ? r : wait_or_pause(round, progress, "of the wave");
}

static int step_soaking(struct round *round)
{
    enum gates_outcome outcome;
    int r = round_judge(round, false, &outcome);

    if (r == 0 && !round->result->changed)
        r = round_take_late(round);
    if (r < 0 || round->result->changed)
        return r;
    round_name_unwritten(round, round->rollout->wave_begin);
    if (round->result->count > 0 || round_elapsed(round) < round_soak(round))
        return 0;
    return round_move(round, ROLLOUT_STATE(JUDGING), NULL);
}

/* Nobody is left but who was lost. Who is back gets it with the last wave, which goes on for that.
 * Who is not counts: survivors alone do not make it complete. */
static int finish(struct round *round)
{
    struct round_progress progress = round_progress(round, 0);
    size_t late = round->rollout->n_late;
    int r = round_take_late(round);

    if (r < 0)
        return r;
    if (round->rollout->n_late < late)
        return round_move(round, ROLLOUT_STATE(WRITING), "hosts that were lost are back");
    progress.wanted += round->rollout->n_late;
    if (round_is_through(progress))
        return round_move(round, ROLLOUT_STATE(COMPLETE), NULL);
    return wait_or_pause(round, progress, "in all");
}

static int advance(struct round *round)
{
    const Rollout *rollout = round->rollout;
    struct round_progress progress = round_progress(round, rollout->wave_begin);
    bool is_opened = false;
    int r;

    if (!round_is_through(progress))
        return wait_or_pause(round, progress, "of the wave");
    r = round_keep_last(round);
    if (r == 0)
        r = round_open(round, rollout->wave + 1, &is_opened);
    return r < 0 || is_opened ? r : finish(round);
}

/* After a pause: what was not judged for good is not judged for good now. */
static int step_resumed(struct round *round)
{
    enum gates_outcome outcome;
    RolloutState next = round->rollout->resumes_to;
    int r = round_judge(round, false, &outcome);

    if (r < 0 || outcome != GATES_PASS)
        return r;
    round->rollout->resumes_to = ROLLOUT_STATE(UNSPECIFIED);
    return round_move(round, next, "resumed");
}

static int step_judging(struct round *round)
{
    RolloutState next = round->rollout->resumes_to;
    nsec_t window = round->view->now - round->engine->marks.begin;
    enum gates_outcome outcome;
    int r;

    if (next != ROLLOUT_STATE(UNSPECIFIED) && next != ROLLOUT_STATE(JUDGING))
        return step_resumed(round);
    r = round_judge(round, window >= min_of(round_soak(round), ROUND_WINDOW), &outcome);
    if (r < 0 || outcome != GATES_PASS || window < min_of(round_soak(round), ROUND_WINDOW))
        return r;
    return advance(round);
}

/* ---- reverting ---- */

/* That are there and still say that they run it. */
static size_t count_unconfirmed(const struct round *round)
{
    return round_progress(round, 0).in_force;
}

static int step_reverting(struct round *round)
{
    size_t unconfirmed;
    char reason[96];

    if (round->engine->reverted != 0 && round->view->now - round->engine->reverted < NSEC_PER_SEC)
        return 0;
    round_name_unreverted(round, ROLLOUT_REVERTS_PER_SECOND);
    if (round->result->count > 0) {
        round->engine->reverted = round->view->now;
        return 0;
    }
    unconfirmed = count_unconfirmed(round);
    if (unconfirmed == 0)
        return round_move(round, ROLLOUT_STATE(REVERTED), round->rollout->reason);
    if (round_elapsed(round) < ROLLOUT_DEADLINE)
        return 0;
    snprintf(reason, sizeof(reason), "%zu hosts have not confirmed; see: fleet hosts", unconfirmed);
    return round_move(round, ROLLOUT_STATE(REVERTED), reason);
}

static int step_complete(struct round *round)
{
    int r = round_take_newcomers(round);

    if (r == 0 && !round->result->changed)
        round_name_unwritten(round, 0);
    return r;
}

/* ---- the machine ---- */

static const struct {
    int (*step)(struct round *round); /* NULL: it waits for an order */
    bool decides;                     /* on who is there: it waits until that is known */
    bool judges;                      /* by what is measured of all VMs */
} states[ROLLOUT_STATE_COUNT] = {
    [ROLLOUT_STATE(WRITING)] = {step_writing, false, true},
    [ROLLOUT_STATE(SOAKING)] = {step_soaking, true, true},
    [ROLLOUT_STATE(JUDGING)] = {step_judging, true, true},
    [ROLLOUT_STATE(REVERTING)] = {step_reverting, false, false},
    [ROLLOUT_STATE(COMPLETE)] = {step_complete, false, false},
};

struct rollout_engine *rollout_engine_create(void)
{
    return calloc(1, sizeof(struct rollout_engine));
}

void rollout_engine_destroy(struct rollout_engine *engine)
{
    if (engine == NULL)
        return;
    marks_finish(&engine->marks);
    free(engine->is_treated);
    free((void *)engine->hosts);
    free(engine);
}

static int make_room(struct rollout_engine *engine, size_t count)
{
    bool *is_treated;
    const char **hosts;

    if (count <= engine->room)
        return 0;
    is_treated = reallocarray(engine->is_treated, count, sizeof(*is_treated));
    if (is_treated == NULL)
        return -ENOMEM;
    engine->is_treated = is_treated;
    hosts = reallocarray((void *)engine->hosts, count, sizeof(*hosts));
    if (hosts == NULL)
        return -ENOMEM;
    engine->hosts = hosts;
    engine->room = count;
    return 0;
}

static void note_treated(struct round *round)
{
    memset(round->engine->is_treated, 0, round->view->count * sizeof(bool));
    for (size_t i = 0; i < round->rollout->n_hosts; i++) {
        const struct fleet_host *host = round_host(round, i);

        if (host != NULL)
            round->engine->is_treated[host - round->view->hosts] = true;
    }
}

static bool is_judged(RolloutState state)
{
    return (size_t)state < ROLLOUT_STATE_COUNT && states[state].judges;
}

/* A window begins with each wave. */
static int look(struct round *round)
{
    struct rollout_engine *engine = round->engine;
    const Rollout *rollout = round->rollout;
    uint32_t wave = rollout->n_hosts == 0 ? 0 : rollout->wave + 1;

    if (engine->state != rollout->state || engine->since_ns != rollout->since_ns)
        engine->since = round->view->now;
    engine->state = rollout->state;
    engine->since_ns = rollout->since_ns;
    note_treated(round);
    if (engine->marked_wave != wave)
        marks_forget(&engine->marks);
    engine->marked_wave = wave;
    if (!is_judged(rollout->state)) { /* it is measured no more */
        marks_forget(&engine->marks);
        return 0;
    }
    return marks_follow(&engine->marks, round->view, engine->is_treated);
}

/* Whoever leads writes the document before anything else: an earlier coordinator is fenced. */
static int claim(struct round *round)
{
    round->rollout->epoch = round->view->epoch;
    round->result->changed = true;
    return 0;
}

/* What other coordinators write is not taken on trust. */
static bool is_sound(const Rollout *rollout)
{
    return rollout_check(rollout, NULL) == 0 && rollout->wave < wave_count(rollout) &&
           rollout->wave_begin <= rollout->n_hosts;
}

static int act(struct round *round)
{
    RolloutState state = round->rollout->state;

    if (!is_sound(round->rollout))
        return -EINVAL;
    if (round->rollout->epoch < round->view->epoch)
        return claim(round);
    if (states[state].decides && !fleet_view_is_whole(round->view))
        return 0;
    return states[state].step(round);
}

int rollout_step(struct rollout_engine *engine, Rollout *rollout, const struct fleet_view *view,
                 struct rollout_result *ret)
{
    struct round round = {engine, rollout, view, ret};
    int r;

    *ret = (struct rollout_result){.changed = false};
    if (rollout->epoch > view->epoch)
        return -ESTALE;
    r = make_room(engine, view->count + rollout->n_hosts + 1);
    if (r == 0)
        r = look(&round);
    if (r == 0 && (size_t)rollout->state < ROLLOUT_STATE_COUNT &&
        states[rollout->state].step != NULL)
        r = act(&round);
    assert(!ret->changed || ret->count == 0);
    return r;
}
