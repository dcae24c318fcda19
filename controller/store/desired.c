/* Taking a desired state: what of it becomes the host's, and what stays the operators'. */
#include "controller/store/desired.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"

typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;

#define PINNED      VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED
#define IN_FORCE    VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE
#define DIGEST_SIZE 32
#define REASON_SIZE 384

static void free_applied(Applied *applied)
{
    if (applied != NULL)
        vmreclaim__fleet__v1__applied__free_unpacked(applied, NULL);
}

/* ---- the row ---- */

int store_desired_get(struct store *store, const char *host, Applied **ret_applied,
                      struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, "SELECT applied FROM desired WHERE host = ?",
                          &(struct store_value){.text = host}, 1, &statement, error);

    if (r == 0)
        r = store_step(store, statement, "reading the desired state", error);
    if (r < 0)
        return r;
    *ret_applied = NULL;
    if (r == 0)
        return 0;
    *ret_applied = vmreclaim__fleet__v1__applied__unpack(
        NULL, (size_t)sqlite3_column_bytes(statement, 0), sqlite3_column_blob(statement, 0));
    return *ret_applied != NULL ? 0
                                : error_set(error, -EUCLEAN,
                                            "the desired state in the store cannot be read; move "
                                            "the store away, and vmreclaimd begins a new one");
}

static int put_row(struct store *store, const Applied *applied, struct error *error)
{
    size_t size = vmreclaim__fleet__v1__applied__get_packed_size(applied);
    cleanup_statement sqlite3_stmt *statement = NULL;
    uint8_t *bytes = malloc(size);
    int r;

    if (bytes == NULL)
        return -ENOMEM;
    (void)vmreclaim__fleet__v1__applied__pack(applied, bytes);
    r = store_prepare(store, "INSERT OR REPLACE INTO desired (host, applied) VALUES (?,?)",
                      &(struct store_value){.text = applied->host}, 1, &statement, error);
    if (r == 0) {
        (void)sqlite3_bind_blob(statement, 2, bytes, (int)size, SQLITE_STATIC);
        r = store_step(store, statement, "writing the desired state", error);
    }
    free(bytes);
    return r;
}

/* ---- what became of it ---- */

static Applied *copy_head(const Applied *head, size_t policy_count)
{
    size_t size = vmreclaim__fleet__v1__applied__get_packed_size(head);
    uint8_t *bytes = malloc(size + 1);
    Applied *applied = NULL;

    assert(head->n_policies == 0);
    if (bytes != NULL) {
        (void)vmreclaim__fleet__v1__applied__pack(head, bytes);
        applied = vmreclaim__fleet__v1__applied__unpack(NULL, size, bytes);
    }
    free(bytes);
    if (applied == NULL)
        return NULL;
    applied->policies = calloc(policy_count + 1, sizeof(*applied->policies));
    if (applied->policies != NULL)
        return applied;
    free_applied(applied);
    return NULL;
}

/* The store has SHA-256 as hexadecimal text. */
static int set_digest(AppliedPolicy *policy, const char *hash)
{
    policy->digest.data = calloc(1, DIGEST_SIZE);
    if (policy->digest.data == NULL)
        return -ENOMEM;
    policy->digest.len = DIGEST_SIZE;
    for (size_t i = 0; i < DIGEST_SIZE && strlen(hash) >= 2 * i + 2; i++) {
        const char pair[] = {hash[2 * i], hash[2 * i + 1], '\0'};

        policy->digest.data[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return 0;
}

/* NULL: no memory. */
static AppliedPolicy *add_policy(Applied *applied, const struct store_desired_policy *desired)
{
    AppliedPolicy *policy = malloc(sizeof(*policy));

    if (policy == NULL)
        return NULL;
    vmreclaim__fleet__v1__applied_policy__init(policy);
    applied->policies[applied->n_policies++] = policy;
    policy->outcome = IN_FORCE;
    policy->name = strdup(desired->revision.name);
    policy->rollout = strdup(desired->rollout);
    return policy->name == NULL || policy->rollout == NULL ? NULL : policy;
}

/* The first reason is the one that is told. */
static int pin(AppliedPolicy *policy, const char *reason)
{
    char *copy;

    if (policy->outcome == PINNED)
        return 0;
    copy = strdup(reason);
    if (copy == NULL)
        return -ENOMEM;
    policy->outcome = PINNED;
    policy->reason = copy; /* it was the empty default */
    return 0;
}

/* ---- policies ---- */

static int pin_policy(AppliedPolicy *policy, const char *author, int64_t time)
{
    char when[TIME_UTC_SIZE];
    char reason[REASON_SIZE];

    text_format(reason, sizeof(reason),
                "%s made policy %s on this host, %s; to leave it to the fleet: vmreclaim policy "
                "delete %s --unassign",
                author, policy->name, time_format_utc(time, when, sizeof(when)), policy->name);
    return pin(policy, reason);
}

/* 1: the text is the fleet's to change, and there may be none yet. 0: it is an operator's. */
static int look_at_policy(struct store *store, const struct store_desired_policy *desired,
                          AppliedPolicy *policy, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r =
        store_prepare(store,
                      "SELECT author, time, hash FROM policy WHERE name = ? "
                      "ORDER BY revision DESC LIMIT 1",
                      &(struct store_value){.text = desired->revision.name}, 1, &statement, error);

    if (r == 0)
        r = store_step(store, statement, "reading the policies", error);
    if (r < 0)
        return r;
    if (r == 0 || store_is_by_fleet(store_text(statement, 0))) {
        r = set_digest(policy, desired->revision.hash);
        return r < 0 ? r : 1;
    }
    r = set_digest(policy, store_text(statement, 2));
    return r < 0 ? r
                 : pin_policy(policy, store_text(statement, 0), sqlite3_column_int64(statement, 1));
}

/* ---- assignments ---- */

static int pin_selector(AppliedPolicy *policy, const char *selector, const char *assigned,
                        const char *author, int64_t time)
{
    char when[TIME_UTC_SIZE];
    char reason[REASON_SIZE];

    text_format(reason, sizeof(reason),
                "%s assigned policy %s to %s on this host, %s; to leave it to the fleet: vmreclaim "
                "policy unassign '%s'",
                author, assigned, TEXT_CUT(selector, 80), time_format_utc(time, when, sizeof(when)),
                TEXT_CUT(selector, 80));
    return pin(policy, reason);
}

/* 1: the selector is to be assigned, by the fleet. 0: it is, or an operator's. */
static int look_at_selector(struct store *store, const char *selector, AppliedPolicy *policy,
                            struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    bool is_same;
    int r = store_prepare(store, "SELECT policy, author, time FROM assignment WHERE selector = ?",
                          &(struct store_value){.text = selector}, 1, &statement, error);

    if (r == 0)
        r = store_step(store, statement, "reading the assignments", error);
    if (r <= 0)
        return r < 0 ? r : 1;
    is_same = strcmp(store_text(statement, 0), policy->name) == 0;
    if (store_is_by_fleet(store_text(statement, 1)))
        return !is_same;
    return is_same ? 0
                   : pin_selector(policy, selector, store_text(statement, 0),
                                  store_text(statement, 1), sqlite3_column_int64(statement, 2));
}

static int assign(struct store *store, const struct store_desired_policy *desired,
                  AppliedPolicy *policy, struct error *error)
{
    for (size_t i = 0; i < desired->selector_count; i++) {
        const struct policy_assignment assignment = {desired->selectors[i], desired->revision.name,
                                                     desired->revision.author,
                                                     desired->revision.time};
        int r = look_at_selector(store, desired->selectors[i], policy, error);

        if (r > 0)
            r = store_assign(store, &assignment, error);
        if (r < 0)
            return r;
    }
    return 0;
}

/* A policy that an operator has made is given to nobody in the fleet's name. */
static int take_policy(struct store *store, const struct store_desired_policy *desired,
                       Applied *applied, struct error *error)
{
    AppliedPolicy *policy = add_policy(applied, desired);
    uint64_t revision;
    int r = policy == NULL ? -ENOMEM : look_at_policy(store, desired, policy, error);

    if (r <= 0)
        return r;
    r = store_policy_add(store, &desired->revision, &revision, error);
    return r < 0 ? r : assign(store, desired, policy, error);
}

/* ---- what is not wanted any more ---- */

struct unwanted {
    const struct store_desired *desired;
    struct store_list selectors; /* of the fleet's assignments */
};

static bool is_wanted(const struct store_desired *desired,
                      const struct policy_assignment *assignment)
{
    for (size_t i = 0; i < desired->count; i++) {
        const struct store_desired_policy *policy = &desired->policies[i];

        if (strcmp(policy->revision.name, assignment->policy) != 0)
            continue;
        for (size_t j = 0; j < policy->selector_count; j++)
            if (strcmp(policy->selectors[j], assignment->selector) == 0)
                return true;
    }
    return false;
}

static int keep_unwanted(const struct policy_assignment *assignment, void *userdata)
{
    struct unwanted *unwanted = userdata;
    char *selector;
    int r;

    if (!store_is_by_fleet(assignment->author) || is_wanted(unwanted->desired, assignment))
        return 0;
    selector = strdup(assignment->selector);
    r = selector == NULL ? -ENOMEM : store_list_add(&unwanted->selectors, selector);
    if (r < 0)
        free(selector);
    return r;
}

static int remove_unwanted(struct store *store, const struct store_desired *desired,
                           struct error *error)
{
    struct unwanted unwanted = {.desired = desired};
    int r = store_assignments(store, "", keep_unwanted, &unwanted, error);

    for (size_t i = 0; i < unwanted.selectors.count; i++) {
        if (r == 0)
            r = store_unassign(store, unwanted.selectors.items[i], error);
        free(unwanted.selectors.items[i]);
    }
    free((void *)unwanted.selectors.items);
    return r;
}

/* ---- all ---- */

static int refuse_older(const Applied *head, const Applied *kept, struct error *error)
{
    return error_set(error, -ESTALE, "desired state %llu is older than %llu, which this host has",
                     (unsigned long long)head->generation, (unsigned long long)kept->generation);
}

static int take_all(struct store *store, const struct store_desired *desired, Applied *applied,
                    bool *ret_changed, struct error *error)
{
    sqlite3_int64 before = sqlite3_total_changes64(store->database);
    int r = remove_unwanted(store, desired, error);

    for (size_t i = 0; i < desired->count && r == 0; i++)
        r = take_policy(store, &desired->policies[i], applied, error);
    *ret_changed = sqlite3_total_changes64(store->database) != before;
    return r < 0 ? r : put_row(store, applied, error);
}

int store_desired_apply(struct store *store, const struct store_desired *desired,
                        Applied **ret_applied, bool *ret_changed, struct error *error)
{
    Applied *kept = NULL;
    Applied *applied;
    int r = store_desired_get(store, desired->head->host, &kept, error);

    if (r == 0 && kept != NULL && kept->generation > desired->head->generation)
        r = refuse_older(desired->head, kept, error);
    if (r < 0) {
        free_applied(kept);
        return r;
    }
    applied = copy_head(desired->head, desired->count);
    if (applied != NULL && kept != NULL && kept->generation == applied->generation)
        applied->time_ns = kept->time_ns; /* when it was taken first */
    free_applied(kept);
    r = applied == NULL ? -ENOMEM : take_all(store, desired, applied, ret_changed, error);
    if (r == 0)
        *ret_applied = applied;
    else
        free_applied(applied);
    return r;
}
