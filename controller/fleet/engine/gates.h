/* What a rollout is judged by: treated hosts against untreated ones in the same window, and against
 * their own past. Pure.
 *
 * A gate fails only above both; where one of them is not known, above the other. What nobody
 * measured is no success: the gate is then without data, and the rollout pauses. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_GATES_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_GATES_H

#include "common/base/error.h"
#include "controller/fleet/engine/document.h"
#include "controller/fleet/engine/tally.h"

enum gates_outcome {
    GATES_PASS,
    GATES_WAIT, /* one failed, and is asked again before that counts; or it is too early */
    GATES_NO_DATA,
    GATES_PAUSE,
    GATES_REVERT,
};

struct gates_input {
    const struct tally *treated;
    const struct tally *wave; /* of them those that the wave in flight has treated */
    const struct tally *untreated;
    nsec_t window; /* length of what they cover */
    bool is_final; /* the wave has soaked: gates that look at its whole are asked as well */
};

/* What `text` needs. */
#define GATES_TEXT_SIZE 256

/* Asks all gates, in the order of the table, and keeps in the document what counts in a row.
 * `ret_text`: which gate, host, VM and number, of all but GATES_PASS. `ret_changed`: the document
 * was edited. -ENOMEM. */
int gates_judge(Rollout *rollout, const struct gates_input *input, enum gates_outcome *ret_outcome,
                char ret_text[GATES_TEXT_SIZE], bool *ret_changed);

/* A gate compares treated hosts with their own past, and is not switched off. */
bool gates_look_at_past(const Rollout *rollout);

/* Adds to the document what a wave's hosts were before they are treated. -ENOMEM. */
int gates_keep_past(Rollout *rollout, const struct tally *past);

/* The wave is through: its figures are what the next one is compared with. -ENOMEM. */
int gates_keep_last(Rollout *rollout, const struct tally *wave);

/* 0; -EINVAL: there is no gate of that name, with those that there are. */
int gate_check(const Vmreclaim__Fleet__V1__Gate *gate, struct error *error);

#endif
