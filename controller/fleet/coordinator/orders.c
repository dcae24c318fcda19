/* an order -> the policy's rollout is read -> what is superseded -> the policy's key -> the
 * document */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fleet/coordinator/documents.h"

#define ID_BYTES 6

struct order {
    struct list link;
    struct rollouts *rollouts;
    rollouts_done done; /* NULL: nobody waits */
    void *userdata;
    Rollout *document;        /* as it is to be */
    Rollout *superseded;      /* NULL: none */
    uint64_t revision;        /* that `document` was made from */
    uint64_t policy_revision; /* of the policy's key */
    bool is_start;
};

static void end_order(struct order *order, int status, const char *problem)
{
    struct error error = {.text = ""};

    if (status < 0)
        error_set(&error, status, "%s", problem);
    if (order->done != NULL)
        order->done(status, &error, status < 0 ? NULL : order->document, order->userdata);
    list_remove(&order->link);
    document_destroy(order->document);
    document_destroy(order->superseded);
    free(order);
}

static void fail_order(struct order *order, const struct bus_answer *answer)
{
    if (answer->status == -ESTALE)
        end_order(order, -EBUSY, "it was changed meanwhile; look at it and try again");
    else if (answer->status == -ETIMEDOUT)
        end_order(order, -ETIMEDOUT,
                  "the bus did not answer, so it may be done or not; look at the rollout");
    else
        end_order(order, answer->status, answer->problem);
}

static void put_order(struct order *order, const char *key, const void *data, size_t length,
                      uint64_t expected, bus_done done)
{
    char subject[SUBJECT_SIZE];
    int r;

    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT "%s", key);
    r = bus_put(order->rollouts->bus, subject, data, length, expected, done, order);
    if (r < 0)
        end_order(order, r, "too much is asked of the bus; try again");
}

static void on_document_stored(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    Rollout *document = answer->status < 0 ? NULL : document_copy(order->document);

    if (answer->status < 0) {
        fail_order(order, answer);
        return;
    }
    if (document != NULL)
        documents_put(order->rollouts, document, answer->sequence);
    end_order(order, 0, "");
}

static void store_order(struct order *order)
{
    char key[SUBJECT_SIZE];
    size_t length = 0;
    uint8_t *packed = document_pack(order->document, &length);

    snprintf(key, sizeof(key), DOCUMENT_KEY "%s", order->document->id);
    if (packed == NULL)
        end_order(order, -ENOMEM, "out of memory");
    else
        put_order(order, key, packed, length, order->is_start ? BUS_NOTHING : order->revision,
                  on_document_stored);
    free(packed);
}

static void on_policy_taken(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;

    if (answer->status < 0)
        fail_order(order, answer);
    else
        store_order(order);
}

static void take_policy(struct order *order)
{
    char key[SUBJECT_SIZE];

    snprintf(key, sizeof(key), POLICY_KEY "%s", order->document->policy);
    put_order(order, key, order->document->id, strlen(order->document->id),
              order->policy_revision == 0 ? BUS_NOTHING : order->policy_revision, on_policy_taken);
}

static void on_superseded(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    Rollout *document = answer->status < 0 ? NULL : document_copy(order->superseded);

    if (answer->status < 0) {
        fail_order(order, answer);
        return;
    }
    if (document != NULL)
        documents_put(order->rollouts, document, answer->sequence);
    take_policy(order);
}

static void supersede(struct order *order, const struct rollout_entry *before)
{
    const struct rollout_order verb = {.verb = ROLLOUT_SUPERSEDE,
                                       .author = order->document->author,
                                       .reason = "",
                                       .time_ns = order->document->created_ns,
                                       .epoch = before->document->epoch};
    char key[SUBJECT_SIZE];
    struct error error;
    size_t length = 0;
    uint8_t *packed = NULL;

    order->superseded = document_copy(before->document);
    if (order->superseded != NULL && rollout_order(order->superseded, &verb, &error) < 0) {
        end_order(order, -EBUSY, error.text);
        return;
    }
    if (order->superseded != NULL)
        packed = document_pack(order->superseded, &length);
    snprintf(key, sizeof(key), DOCUMENT_KEY "%s", before->document->id);
    if (packed == NULL)
        end_order(order, -ENOMEM, "out of memory");
    else
        put_order(order, key, packed, length, before->revision, on_superseded);
    free(packed);
}

/* A policy has one rollout at a time: what a second one measured would be of both. */
static bool is_under_way(const Rollout *document)
{
    return document->state == ROLLOUT_STATE(PAUSED) ||
           document->state == ROLLOUT_STATE(REVERTING) ||
           (!rollout_rests(document) && document->state != ROLLOUT_STATE(COMPLETE));
}

/* Hosts have their policy from it. */
static bool is_in_force(const Rollout *document)
{
    return document->state == ROLLOUT_STATE(COMPLETE) || document->state == ROLLOUT_STATE(ABORTED);
}

static void fail_busy(struct order *order, const Rollout *before)
{
    struct error error;

    error_set(&error, -EBUSY,
              "rollout %s of policy '%s' is %s; wait for its end, or abort it or roll it back",
              before->id, before->policy, rollout_state_name(before->state));
    end_order(order, -EBUSY, error.text);
}

/* Which rollout the policy has now. */
static void on_policy_read(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    const struct rollout_entry *before = NULL;
    char id[128];

    if (answer->status < 0 && answer->status != -ENOENT) {
        fail_order(order, answer);
        return;
    }
    if (answer->status == 0) {
        snprintf(id, sizeof(id), "%.*s", (int)answer->length, (const char *)answer->data);
        before = documents_find(order->rollouts, id);
        order->policy_revision = answer->sequence;
    }
    if (before != NULL && is_under_way(before->document)) {
        fail_busy(order, before->document);
        return;
    }
    if (before != NULL && is_in_force(before->document))
        supersede(order, before);
    else
        take_policy(order);
}

static struct order *make_order(struct rollouts *rollouts, Rollout *document, rollouts_done done,
                                void *userdata)
{
    struct order *order = document == NULL ? NULL : calloc(1, sizeof(*order));

    if (order == NULL) {
        struct error error;

        document_destroy(document);
        error_set(&error, -ENOMEM, "out of memory");
        done(-ENOMEM, &error, NULL, userdata);
        return NULL;
    }
    *order = (struct order){
        .rollouts = rollouts, .done = done, .userdata = userdata, .document = document};
    list_append(&rollouts->orders, &order->link);
    return order;
}

/* Not to be guessed, and sorted by time for whoever lists keys. */
static int give_id(Rollout *document)
{
    uint8_t bytes[ID_BYTES];
    char id[2 * ID_BYTES + 1];

    randombytes_buf(bytes, sizeof(bytes));
    (void)sodium_bin2hex(id, sizeof(id), bytes, sizeof(bytes));
    return document_set_text(&document->id, id);
}

static int prepare_start(Rollout *document, const char *author, struct error *error)
{
    struct rollout_order verb = {
        .verb = ROLLOUT_START, .author = author, .reason = "", .time_ns = time_realtime()};
    int r = give_id(document);

    document->created_ns = verb.time_ns;
    document->state = ROLLOUT_STATE(DRAFT);
    if (r == 0)
        r = document_set_text(&document->author, author);
    if (r == 0)
        r = rollout_set_defaults(document);
    if (r < 0)
        return error_set(error, r, "out of memory");
    return rollout_order(document, &verb, error);
}

static bool shares_selector(const Rollout *one, const Rollout *other)
{
    for (size_t i = 0; i < one->n_vm_selectors; i++)
        for (size_t k = 0; k < other->n_vm_selectors; k++)
            if (strcmp(one->vm_selectors[i], other->vm_selectors[k]) == 0)
                return true;
    return false;
}

/* A host takes no state in which two policies are for the same VMs. */
static int check_selectors(const struct rollouts *rollouts, const Rollout *rollout,
                           struct error *error)
{
    list_for_each (link, &rollouts->list) {
        const Rollout *other = list_entry(link, struct rollout_entry, link)->document;

        if (strcmp(other->policy, rollout->policy) != 0 &&
            (is_under_way(other) || is_in_force(other)) && shares_selector(rollout, other))
            return error_set(error, -EBUSY,
                             "policy '%s' of rollout %s is for the same VMs; roll out another text "
                             "of it, or roll it back, or choose VMs by another selector",
                             other->policy, other->id);
    }
    return 0;
}

void rollouts_start(struct rollouts *rollouts, Rollout *rollout, const char *author,
                    rollouts_done done, void *userdata)
{
    struct order *order = make_order(rollouts, rollout, done, userdata);
    char subject[SUBJECT_SIZE];
    struct error error;
    int r;

    if (order == NULL)
        return;
    order->is_start = true;
    r = prepare_start(rollout, author, &error);
    if (r == 0 && !rollouts->documents_are_whole)
        r = error_set(&error, -EAGAIN, "the rollouts that there are are not known yet; try again");
    if (r == 0)
        r = check_selectors(rollouts, rollout, &error);
    if (r < 0) {
        end_order(order, r, error.text);
        return;
    }
    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT POLICY_KEY "%s", rollout->policy);
    r = bus_get(rollouts->bus, ROLLOUTS_STREAM, subject, on_policy_read, order);
    if (r < 0)
        end_order(order, r, "too much is asked of the bus; try again");
}

void rollouts_order(struct rollouts *rollouts, const char *id, enum rollout_verb verb,
                    const char *author, const char *reason, rollouts_done done, void *userdata)
{
    struct error error;
    struct rollout_entry *entry = rollouts_find(rollouts, id, &error);
    struct rollout_order what = {
        .verb = verb, .author = author, .reason = reason, .time_ns = time_realtime()};
    struct order *order;
    int r;

    if (entry == NULL) {
        done(-ENOENT, &error, NULL, userdata);
        return;
    }
    what.epoch = entry->document->epoch;
    order = make_order(rollouts, document_copy(entry->document), done, userdata);
    if (order == NULL)
        return;
    order->revision = entry->revision;
    r = rollout_order(order->document, &what, &error);
    if (r < 0)
        end_order(order, r, error.text);
    else
        store_order(order);
}

void rollouts_forget(struct rollouts *rollouts, void *userdata)
{
    list_for_each (link, &rollouts->orders) {
        struct order *order = list_entry(link, struct order, link);

        if (order->userdata == userdata)
            order->done = NULL;
    }
}

void orders_stop(struct rollouts *rollouts)
{
    list_for_each_safe (link, following, &rollouts->orders) {
        struct order *order = list_entry(link, struct order, link);

        order->done = NULL;
        end_order(order, -ECANCELED, "stopping");
    }
}
