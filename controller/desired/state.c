/* Reading a desired state. */
#include "controller/desired/state.h"

#include <assert.h>
#include <errno.h>
#include <sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/policies/revision.h"
#include "controller/selectors/target.h"

typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

#define ROLLOUT_MAX  64
#define SELECTOR_MAX 255

/* What a policy's revision points to. */
struct desired_names {
    char hash[SHA256_DIGEST_STRING_LENGTH];
    char author[sizeof(STORE_FLEET) + ROLLOUT_MAX];
};

static_assert(SHA256_DIGEST_LENGTH == DESIRED_DIGEST_SIZE, "");

/* ---- one policy ---- */

static int refuse_policy(const DesiredPolicy *policy, struct error *error)
{
    return error_prefix(error, -EPERM, "policy '%s' of the desired state",
                        TEXT_CUT(policy->name, 64));
}

static int check_rollout(const char *rollout, struct error *error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return strlen(rollout) <= ROLLOUT_MAX && rollout[strspn(rollout, allowed)] == '\0'
               ? 0
               : error_set(error, -EPERM, "no rollout is called '%s'", TEXT_CUT(rollout, 64));
}

static int check_selectors(const DesiredPolicy *policy, struct error *error)
{
    if (policy->n_selectors > DESIRED_SELECTORS_MAX)
        return error_set(error, -EPERM, "more than %d selectors", DESIRED_SELECTORS_MAX);
    for (size_t i = 0; i < policy->n_selectors; i++) {
        const char *selector = policy->selectors[i];
        size_t length = strlen(selector);

        if (length == 0 || length > SELECTOR_MAX || !text_is_utf8(selector, length))
            return error_set(error, -EPERM, "a selector is empty, too long, or no text");
        if (target_check(selector, "VM", error) < 0)
            return -EPERM;
    }
    return 0;
}

static int read_text(const DesiredPolicy *message, char hash[SHA256_DIGEST_STRING_LENGTH],
                     struct error *error)
{
    struct policy policy;

    if (policy_revision_read(message->text, message->name, &policy, error) < 0)
        return -EPERM;
    if (strcmp(policy.name, message->name) != 0)
        return error_set(error, -EPERM, "its text has the name '%s'", policy.name);
    assert(strlen(policy.hash) + 1 == SHA256_DIGEST_STRING_LENGTH);
    memcpy(hash, policy.hash, SHA256_DIGEST_STRING_LENGTH);
    return 0;
}

static int read_policy(struct desired_state *state, size_t index, int64_t now, struct error *error)
{
    const DesiredPolicy *message = state->opened.state->policies[index];
    struct desired_names *names = &state->names[index];
    int r = check_rollout(message->rollout, error);

    if (r == 0)
        r = check_selectors(message, error);
    if (r == 0)
        r = read_text(message, names->hash, error);
    if (r < 0)
        return refuse_policy(message, error);
    snprintf(names->author, sizeof(names->author), STORE_FLEET "%s",
             message->rollout[0] == '\0' ? "-" : message->rollout);
    state->policies[index] = (struct store_desired_policy){
        .revision = {.name = message->name,
                     .author = names->author,
                     .time = now,
                     .hash = names->hash,
                     .source_name = "fleet",
                     .text = message->text},
        .rollout = message->rollout,
        .selectors = message->selectors,
        .selector_count = message->n_selectors,
    };
    return 0;
}

/* ---- all of them ---- */

static int compare_names(const void *left, const void *right)
{
    return strcmp((*(DesiredPolicy *const *)left)->name, (*(DesiredPolicy *const *)right)->name);
}

/* Sorts them, which says nothing. */
static int check_names(DesiredPolicy **policies, size_t count, struct error *error)
{
    if (count > 1) /* the list may be none */
        qsort((void *)policies, count, sizeof(DesiredPolicy *), compare_names);
    for (size_t i = 1; i < count; i++)
        if (strcmp(policies[i - 1]->name, policies[i]->name) == 0)
            return error_set(error, -EPERM, "policy '%s' is twice in the desired state",
                             TEXT_CUT(policies[i]->name, 64));
    return 0;
}

/* A selector and who wants it. */
struct claim {
    char *selector;
    uint64_t rank;
    struct store_desired_policy *policy;
};

/* By selector, who holds it first. */
static int compare_claims(const void *left, const void *right)
{
    const struct claim *a = left, *b = right;
    int order = strcmp(a->selector, b->selector);

    if (order != 0)
        return order;
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    return a->policy < b->policy ? -1 : a->policy > b->policy;
}

/* The list is the message's: those that are let go of lie behind the others in it. */
static void let_go(const struct claim *claim)
{
    struct store_desired_policy *policy = claim->policy;
    char **list = (char **)policy->selectors;
    size_t i = 0;

    while (list[i] != claim->selector)
        i++;
    assert(i < policy->selector_count);
    list[i] = list[--policy->selector_count];
    list[policy->selector_count] = claim->selector;
}

/* As where an operator assigns another policy: the newer rollout's holds. */
static int settle_selectors(struct desired_state *state, struct error *error)
{
    const DesiredState *message = state->opened.state;
    struct claim *claims = calloc(message->n_policies * DESIRED_SELECTORS_MAX + 1, sizeof(*claims));
    size_t count = 0;

    if (claims == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < message->n_policies; i++)
        for (size_t j = 0; j < message->policies[i]->n_selectors; j++)
            claims[count++] = (struct claim){.selector = message->policies[i]->selectors[j],
                                             .rank = message->policies[i]->rank,
                                             .policy = &state->policies[i]};
    qsort(claims, count, sizeof(*claims), compare_claims);
    for (size_t i = 1; i < count; i++)
        if (strcmp(claims[i - 1].selector, claims[i].selector) == 0)
            let_go(&claims[i]);
    free(claims);
    return 0;
}

static int read_policies(struct desired_state *state, int64_t now, struct error *error)
{
    const DesiredState *message = state->opened.state;
    int r;

    if (message->n_policies > DESIRED_POLICIES_MAX)
        return error_set(error, -EPERM, "the desired state has more than %d policies",
                         DESIRED_POLICIES_MAX);
    state->names = calloc(message->n_policies + 1, sizeof(*state->names));
    state->policies = calloc(message->n_policies + 1, sizeof(*state->policies));
    if (state->names == NULL || state->policies == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    r = check_names(message->policies, message->n_policies, error);
    for (size_t i = 0; i < message->n_policies && r == 0; i++)
        r = read_policy(state, i, now, error);
    return r < 0 ? r : settle_selectors(state, error);
}

static void fill_head(struct desired_state *state, const struct fleet_settings *settings,
                      int64_t now)
{
    const DesiredState *message = state->opened.state;
    const struct signing_public_key *key = &settings->keys[state->opened.key];

    vmreclaim__fleet__v1__applied__init(&state->head);
    state->head.host = message->host;
    state->head.generation = message->generation;
    state->head.time_ns = now;
    state->head.issued_ns = message->issued_ns;
    state->head.expires_ns = message->expires_ns;
    memcpy(state->key_id, key->bytes, sizeof(state->key_id));
    state->head.key = (ProtobufCBinaryData){sizeof(state->key_id), state->key_id};
    state->head.digest = (ProtobufCBinaryData){sizeof(state->digest), state->digest};
    state->desired = (struct store_desired){&state->head, state->policies, message->n_policies};
}

static int open_state(struct desired_state *state, const uint8_t *bytes, size_t size,
                      const struct fleet_settings *settings, struct error *error)
{
    SHA2_CTX context;
    int r;

    if (settings->host[0] == '\0' || settings->key_count == 0)
        return error_set(error, -EPERM,
                         "this host is in no fleet: its vmreclaimd.yaml has no fleet_host, or no "
                         "fleet_keys");
    if (size > DESIRED_BYTES_MAX)
        return error_set(error, -EPERM, "the desired state has more than %zu KiB",
                         DESIRED_BYTES_MAX / 1024);
    r = signed_state_open(bytes, size, settings->keys, settings->key_count, &state->opened, error);
    if (r < 0)
        return r == -ENOMEM ? r : -EPERM;
    SHA256Init(&context);
    SHA256Update(&context, state->opened.bytes, state->opened.size);
    SHA256Final(state->digest, &context);
    return 0;
}

int desired_state_read(struct desired_state *state, const uint8_t *bytes, size_t size,
                       const struct fleet_settings *settings, const Applied *applied, int64_t now,
                       uint64_t *ret_generation, struct error *error)
{
    int r;

    *state = (struct desired_state){.names = NULL};
    *ret_generation = 0;
    r = open_state(state, bytes, size, settings, error);
    if (r < 0)
        return r;
    *ret_generation = state->opened.state->generation;
    r = desired_judge(state->opened.state, state->digest, settings, applied, now, error);
    if (r < 0)
        return r;
    state->verdict = (enum desired_verdict)r;
    r = read_policies(state, now, error);
    if (r == 0)
        fill_head(state, settings, now);
    return r;
}

void desired_state_finish(struct desired_state *state)
{
    signed_state_finish(&state->opened);
    free(state->names);
    free(state->policies);
    *state = (struct desired_state){.names = NULL};
}
