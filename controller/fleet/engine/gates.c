/* The gates' table. */
#include "controller/fleet/engine/gates.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/fleet/engine/judges.h"

/* Rates of a shorter window are chance. */
#define WINDOW_MIN (30 * NSEC_PER_SEC)
/* So often in a row without data: there will be none. */
#define WITHOUT_DATA_MAX 3

/* All gates, those first that revert. Where the bus is away all hosts are silent, but not all are
 * missed at the same moment: within the interval of statuses they are. So lost ones count twice
 * running, too. */
static const struct gate {
    const char *name;
    const char *unit;
    int64_t start; /* limit where the rollout sets none */
    enum gates_outcome on_failure;
    uint32_t runs;     /* so often in a row it has failed */
    bool needs_window; /* it looks at a rate */
    bool is_final;     /* it looks at a wave that has soaked */
    enum judgement (*judge)(struct judged *judged);
} gates[] = {
    {"oom-kills", "kills, and any above untreated", 0, GATES_REVERT, 1, false, false,
     judge_oom_kills},
    {"hosts-lost", "permyriad of treated hosts above untreated", 1000, GATES_REVERT, 2, false,
     false, judge_hosts_lost},
    {"agents-lost", "permyriad of treated agents above untreated", 100, GATES_REVERT, 2, false,
     false, judge_agents_lost},
    {"pressure", "permyriad of p95, and twice the others'", 100, GATES_REVERT, 2, true, false,
     judge_pressure},
    {"refaults", "percent of the others'", 200, GATES_REVERT, 2, true, false, judge_refaults},
    {"major-faults", "percent of the others'", 200, GATES_REVERT, 2, true, false,
     judge_major_faults},
    {"apply-errors", "hosts", 0, GATES_PAUSE, 1, false, false, judge_apply_errors},
    {"degraded", "hosts, and a larger part than of untreated", 0, GATES_PAUSE, 2, false, false,
     judge_degraded},
    {"actions-refused", "percent of the others'", 200, GATES_PAUSE, 2, true, false,
     judge_actions_refused},
    {"returned", "percent of the wave before, at least", 50, GATES_PAUSE, 1, true, true,
     judge_returned},
};

static int64_t limit_of(const Rollout *rollout, const struct gate *gate)
{
    for (size_t i = 0; i < rollout->n_gates; i++)
        if (strcmp(rollout->gates[i]->name, gate->name) == 0)
            return rollout->gates[i]->limit;
    return gate->start;
}

bool gates_look_at_past(const Rollout *rollout)
{
    for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
        if (gates[i].needs_window && !gates[i].is_final && limit_of(rollout, &gates[i]) >= 0)
            return true;
    return false;
}

int gate_check(const Vmreclaim__Fleet__V1__Gate *asked, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
        if (strcmp(asked->name, gates[i].name) == 0)
            return 0;
    error_set(error, -EINVAL, "there is no gate '%s'; there are:", TEXT_CUT(asked->name, 40));
    for (size_t i = 0; i < ARRAY_SIZE(gates); i++)
        error_append(error, -EINVAL, "%s %s", i == 0 ? "" : ",", gates[i].name);
    return -EINVAL;
}

/* ---- judging ---- */

static void count(uint32_t *counter, bool again, bool *ret_changed)
{
    uint32_t next = again ? *counter + 1 : 0;

    *ret_changed = *ret_changed || next != *counter;
    *counter = next;
}

static enum gates_outcome rate(const struct gate *gate, enum judgement judgement, bool is_final,
                               GateState *state, bool *ret_changed)
{
    if (judgement == JUDGED_WITHOUT_DATA && !is_final)
        return GATES_PASS;
    count(&state->failed_in_a_row, judgement == JUDGED_BADLY, ret_changed);
    count(&state->without_data, judgement == JUDGED_WITHOUT_DATA, ret_changed);
    if (judgement == JUDGED_WITHOUT_DATA)
        return state->without_data >= WITHOUT_DATA_MAX ? GATES_NO_DATA : GATES_WAIT;
    if (judgement == JUDGED_BADLY)
        return state->failed_in_a_row >= gate->runs ? gate->on_failure : GATES_WAIT;
    return GATES_PASS;
}

static int ask(const struct gate *gate, Rollout *rollout, const struct gates_input *input,
               struct judged *judged, enum gates_outcome *ret_outcome, bool *ret_changed)
{
    GateState *state = document_gate(rollout, gate->name);
    enum judgement judgement;
    bool was_changed = *ret_changed;

    if (state == NULL)
        return -ENOMEM;
    judged->state = state;
    text_copy(judged->text, sizeof(judged->text), "no figures of treated VMs");
    judgement = gate->judge(judged);
    text_make_safe(judged->text, TEXT_ONE_LINE);
    *ret_changed = false;
    *ret_outcome = rate(gate, judgement, input->is_final, state, ret_changed);
    if (*ret_changed &&
        document_set_text(&state->text, judgement == JUDGED_WELL ? "" : judged->text) < 0)
        return -ENOMEM;
    *ret_changed = *ret_changed || was_changed;
    return 0;
}

/* Waves are compared by their own hosts, where these have guests: what a policy finds at first and
 * takes, those of earlier waves gave then. */
static const struct tally *treated_of(const struct gate *gate, const struct gates_input *input)
{
    uint64_t bytes;

    return gate->is_final && judged_returned(input->wave, &bytes) ? input->wave : input->treated;
}

int gates_judge(Rollout *rollout, const struct gates_input *input, enum gates_outcome *ret_outcome,
                char ret_text[GATES_TEXT_SIZE], bool *ret_changed)
{
    *ret_outcome = GATES_PASS;
    ret_text[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(gates); i++) {
        const struct gate *gate = &gates[i];
        int64_t limit = limit_of(rollout, gate);
        struct judged judged = {
            .treated = treated_of(gate, input),
            .untreated = input->untreated,
            .limit = (uint64_t)limit,
        };
        enum gates_outcome outcome = GATES_PASS;
        int r = 0;

        if (limit < 0 || (gate->is_final && !input->is_final))
            continue;
        if (gate->needs_window && input->window < WINDOW_MIN)
            outcome = GATES_WAIT;
        else
            r = ask(gate, rollout, input, &judged, &outcome, ret_changed);
        if (r < 0)
            return r;
        if (outcome <= *ret_outcome)
            continue;
        *ret_outcome = outcome;
        text_format(ret_text, GATES_TEXT_SIZE, "%s: %s", gate->name, judged.text);
    }
    return 0;
}

/* ---- what was before ---- */

/* The mean of a rate over the waves is the rate of all. */
static int keep_past_rate(Rollout *rollout, const char *name, uint64_t value, uint64_t vms)
{
    GateState *state = document_gate(rollout, name);
    double sum;

    if (state == NULL)
        return -ENOMEM;
    sum = (double)state->past * (double)state->past_vms + (double)value * (double)vms;
    state->past_vms += vms;
    state->past = (uint64_t)(sum / (double)state->past_vms);
    return 0;
}

/* No sum has a higher p95 than all of its parts. */
static int keep_past_pressure(Rollout *rollout, uint64_t value, uint64_t vms)
{
    GateState *state = document_gate(rollout, "pressure");

    if (state == NULL)
        return -ENOMEM;
    state->past_vms += vms;
    state->past = max_of(state->past, value);
    return 0;
}

int gates_keep_past(Rollout *rollout, const struct tally *past)
{
    static const struct {
        const char *gate;
        unsigned kind;
    } rates[] = {
        {"refaults", FIGURE(REFAULTS)},
        {"major-faults", FIGURE(MAJOR_FAULTS)},
        {"actions-refused", FIGURE(ACTIONS_REFUSED)},
    };
    uint64_t value;
    int r = 0;

    if (tally_pressure(past, &value))
        r = keep_past_pressure(rollout, value, past->pressures);
    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rates); i++)
        if (tally_rate(past, rates[i].kind, &value))
            r = keep_past_rate(rollout, rates[i].gate, value, past->counters[rates[i].kind].vms);
    return r;
}

int gates_keep_last(Rollout *rollout, const struct tally *wave)
{
    GateState *state;
    uint64_t bytes;

    if (!judged_returned(wave, &bytes))
        return 0;
    state = document_gate(rollout, "returned");
    if (state == NULL)
        return -ENOMEM;
    state->has_last = true;
    state->last = bytes;
    return 0;
}
