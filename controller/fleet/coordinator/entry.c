/* Messages are as protobuf-c unpacks them: every text is on the heap. */
#include "controller/fleet/coordinator/entry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

static DesiredPolicy *find(const DesiredState *state, const char *policy, size_t *ret_index)
{
    for (size_t i = 0; i < state->n_policies; i++)
        if (strcmp(state->policies[i]->name, policy) == 0) {
            *ret_index = i;
            return state->policies[i];
        }
    return NULL;
}

/* The old text may be one that protobuf-c shares. */
static void free_text(char *text)
{
    if (text != protobuf_c_empty_string)
        free(text);
}

static int set_text(char **field, const char *text)
{
    char *copy = strdup(text);

    if (copy == NULL)
        return -ENOMEM;
    free_text(*field);
    *field = copy;
    return 0;
}

static void free_texts(char **texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_text(texts[i]);
    free(texts);
}

static int set_texts(char ***field, size_t *field_count, char *const *texts, size_t count)
{
    char **copies = calloc(count + 1, sizeof(*copies));
    size_t copied = 0;

    while (copies != NULL && copied < count && (copies[copied] = strdup(texts[copied])) != NULL)
        copied++;
    if (copies == NULL || copied < count) {
        if (copies != NULL)
            free_texts(copies, copied);
        return -ENOMEM;
    }
    free_texts(*field, *field_count);
    *field = copies;
    *field_count = count;
    return 0;
}

static int add(DesiredState *state, const char *policy, DesiredPolicy **ret_entry)
{
    DesiredPolicy **list =
        realloc(state->policies, (state->n_policies + 1) * sizeof(DesiredPolicy *));
    DesiredPolicy *entry = calloc(1, sizeof(*entry));

    if (list != NULL)
        state->policies = list;
    if (list == NULL || entry == NULL) {
        free(entry);
        return -ENOMEM;
    }
    vmreclaim__fleet__v1__desired_policy__init(entry);
    list[state->n_policies++] = entry;
    *ret_entry = entry;
    return set_text(&entry->name, policy);
}

/* What the rollout replaces. */
static int keep_previous(DesiredPolicy *entry)
{
    int r = set_text(&entry->previous_text, entry->text);

    entry->previous_rank = entry->rank;
    if (r == 0)
        r = set_text(&entry->previous_rollout, entry->rollout);
    if (r == 0)
        r = set_texts(&entry->previous_selectors, &entry->n_previous_selectors, entry->selectors,
                      entry->n_selectors);
    return r;
}

int entry_apply(DesiredState *state, const Rollout *rollout)
{
    size_t index;
    DesiredPolicy *entry = find(state, rollout->policy, &index);
    int r = 0;

    if (entry != NULL && strcmp(entry->rollout, rollout->id) == 0)
        return 0;
    if (entry == NULL)
        r = add(state, rollout->policy, &entry);
    if (r == 0)
        r = keep_previous(entry);
    if (r < 0)
        return r;
    entry->rank = state->generation + 1; /* that it will be written in */
    r = set_text(&entry->text, rollout->text);
    if (r == 0)
        r = set_text(&entry->rollout, rollout->id);
    if (r == 0)
        r = set_texts(&entry->selectors, &entry->n_selectors, rollout->vm_selectors,
                      rollout->n_vm_selectors);
    return r < 0 ? r : 1;
}

static void drop(DesiredState *state, size_t index)
{
    vmreclaim__fleet__v1__desired_policy__free_unpacked(state->policies[index], NULL);
    state->policies[index] = state->policies[--state->n_policies];
}

/* What was before it is not known any more. */
static int take_previous(DesiredPolicy *entry)
{
    int r = set_text(&entry->text, entry->previous_text);

    entry->rank = entry->previous_rank;
    entry->previous_rank = 0;
    if (r == 0)
        r = set_text(&entry->rollout, entry->previous_rollout);
    if (r == 0)
        r = set_texts(&entry->selectors, &entry->n_selectors, entry->previous_selectors,
                      entry->n_previous_selectors);
    if (r == 0)
        r = set_texts(&entry->previous_selectors, &entry->n_previous_selectors, NULL, 0);
    if (r == 0)
        r = set_text(&entry->previous_text, "");
    return r == 0 ? set_text(&entry->previous_rollout, "") : r;
}

int entry_revert(DesiredState *state, const Rollout *rollout)
{
    size_t index;
    DesiredPolicy *entry = find(state, rollout->policy, &index);

    if (entry == NULL || strcmp(entry->rollout, rollout->id) != 0)
        return 0;
    if (entry->previous_text[0] != '\0') {
        int r = take_previous(entry);

        return r < 0 ? r : 1;
    }
    drop(state, index);
    return 1;
}
