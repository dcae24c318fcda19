/* Editing rollouts. */
#include "controller/fleet/engine/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"

static const char *const names[ROLLOUT_STATE_COUNT] = {
    [ROLLOUT_STATE(DRAFT)] = "draft",       [ROLLOUT_STATE(WRITING)] = "writing",
    [ROLLOUT_STATE(SOAKING)] = "soaking",   [ROLLOUT_STATE(JUDGING)] = "judging",
    [ROLLOUT_STATE(PAUSED)] = "paused",     [ROLLOUT_STATE(REVERTING)] = "reverting",
    [ROLLOUT_STATE(REVERTED)] = "reverted", [ROLLOUT_STATE(ABORTED)] = "aborted",
    [ROLLOUT_STATE(COMPLETE)] = "complete", [ROLLOUT_STATE(SUPERSEDED)] = "superseded",
};

const char *rollout_state_name(RolloutState state)
{
    size_t index = (size_t)state;

    return index < ARRAY_SIZE(names) && names[index] != NULL ? names[index] : "?";
}

int document_set_text(char **field, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return -ENOMEM;
    if (*field != (const char *)protobuf_c_empty_string)
        free(*field);
    *field = copy;
    return 0;
}

int document_add_text(char ***list, size_t *count, const char *text)
{
    char **longer = reallocarray(*list, *count + 1, sizeof(*longer));

    if (longer == NULL)
        return -ENOMEM;
    *list = longer;
    longer[*count] = strdup(text);
    if (longer[*count] == NULL)
        return -ENOMEM;
    ++*count;
    return 0;
}

/* The history, the reason, and the gates' texts, at their longest. */
#define EDITS_BYTES ((size_t)48 * 1024)

size_t document_room(const Rollout *rollout)
{
    Rollout unedited = *rollout;
    size_t used;

    unedited.n_history = unedited.n_gate_states = 0;
    unedited.reason = (char *)protobuf_c_empty_string;
    used = vmreclaim__fleet__v1__rollout__get_packed_size(&unedited) + EDITS_BYTES;
    return used < DOCUMENT_BYTES_MAX ? DOCUMENT_BYTES_MAX - used : 0;
}

/* With tag and length. */
size_t document_host_bytes(const char *host)
{
    return strlen(host) + 3;
}

static void remove_text(char **list, size_t *count, size_t index)
{
    free(list[index]);
    --*count;
    for (size_t i = index; i < *count; i++)
        list[i] = list[i + 1];
}

/* `n_late`: it is not. */
static size_t find_late(const Rollout *rollout, const char *host)
{
    size_t i = 0;

    while (i < rollout->n_late && strcmp(rollout->late[i], host) != 0)
        i++;
    return i;
}

bool document_is_late(const Rollout *rollout, const char *host)
{
    return find_late(rollout, host) < rollout->n_late;
}

int document_add_late(Rollout *rollout, const char *host)
{
    return document_add_text(&rollout->late, &rollout->n_late, host);
}

int document_add_host(Rollout *rollout, const char *host)
{
    size_t late = find_late(rollout, host);

    if (late < rollout->n_late)
        remove_text(rollout->late, &rollout->n_late, late);
    return document_add_text(&rollout->hosts, &rollout->n_hosts, host);
}

static int add_line(Rollout *rollout, int64_t time_ns)
{
    char line[512];

    text_format(line, sizeof(line), "%lld %s wave %u%s%s", (long long)(time_ns / 1000000000),
                rollout_state_name(rollout->state), rollout->wave,
                rollout->reason[0] == '\0' ? "" : ": ", rollout->reason);
    if (rollout->n_history >= DOCUMENT_HISTORY_MAX)
        remove_text(rollout->history, &rollout->n_history, 0);
    return document_add_text(&rollout->history, &rollout->n_history, line);
}

int document_move(Rollout *rollout, RolloutState state, int64_t time_ns, const char *reason)
{
    char line[384];
    int r;

    text_copy_line(line, sizeof(line), reason == NULL ? "" : reason);
    r = document_set_text(&rollout->reason, line);

    if (r < 0)
        return r;
    rollout->state = state;
    rollout->since_ns = time_ns;
    return add_line(rollout, time_ns);
}

GateState *document_gate(Rollout *rollout, const char *name)
{
    GateState **longer, *gate;

    for (size_t i = 0; i < rollout->n_gate_states; i++)
        if (strcmp(rollout->gate_states[i]->name, name) == 0)
            return rollout->gate_states[i];
    longer = reallocarray(rollout->gate_states, rollout->n_gate_states + 1, sizeof(GateState *));
    if (longer == NULL)
        return NULL;
    rollout->gate_states = longer;
    gate = malloc(sizeof(*gate));
    if (gate == NULL)
        return NULL;
    vmreclaim__fleet__v1__gate_state__init(gate);
    longer[rollout->n_gate_states++] = gate;
    return document_set_text(&gate->name, name) < 0 ? NULL : gate;
}

RolloutState document_going_on(const Rollout *rollout)
{
    return rollout->state == ROLLOUT_STATE(JUDGING) &&
                   rollout->resumes_to != ROLLOUT_STATE(UNSPECIFIED)
               ? rollout->resumes_to
               : rollout->state;
}

void document_forget_failures(Rollout *rollout)
{
    for (size_t i = 0; i < rollout->n_gate_states; i++) {
        rollout->gate_states[i]->failed_in_a_row = 0;
        rollout->gate_states[i]->without_data = 0;
    }
}
