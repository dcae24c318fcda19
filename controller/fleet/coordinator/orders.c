/* Orders under way, and what changes a rollout that is there. */
#include "controller/fleet/coordinator/orders.h"
#include "controller/fleet/coordinator/order.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/log.h"
#include "common/base/text.h"

/* ---- the audit ---- */

static const char *const names[ROLLOUT_VERB_COUNT] = {
    [ROLLOUT_START] = "start", [ROLLOUT_PAUSE] = "pause",       [ROLLOUT_RESUME] = "resume",
    [ROLLOUT_ABORT] = "abort", [ROLLOUT_ROLLBACK] = "rollback",
};

static int note(struct order *order, AuditPhase phase, const char *problem, bus_done done)
{
    AuditRecord record = audit_record(phase, order->document);

    record.coordinator = (char *)order->rollouts->name;
    record.order = (char *)names[order->verb];
    record.author = order->author;
    record.reason = order->reason;
    record.error = (char *)problem;
    return audit_put(order->rollouts->bus, &record, done, order);
}

static void on_noted(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    char problem[256];

    if (answer->status == 0) {
        order->next(order);
        return;
    }
    text_format(problem, sizeof(problem),
                "it is not known to be in the audit (%s), so nothing was done; try again",
                answer->problem);
    order_end(order, answer->status, problem);
}

void order_begin(struct order *order, void (*next)(struct order *order))
{
    int r;

    order->next = next;
    r = note(order, AUDIT(INTENT), "", on_noted);
    if (r < 0)
        order_end(order, r, "too much is asked of the bus; try again");
}

/* ---- steps ---- */

static void destroy(struct order *order)
{
    list_remove(&order->link);
    document_destroy(order->document);
    document_destroy(order->before);
    free(order);
}

void order_end(struct order *order, int status, const char *problem)
{
    struct error error = {.text = ""};

    if (status < 0)
        error_set(&error, status, "%s", problem);
    if (note(order, AUDIT(OUTCOME), error.text, NULL) < 0)
        log_warning("rollout %s: what became of an order is not in the audit", order->document->id);
    if (order->done != NULL)
        order->done(status, &error, status < 0 ? NULL : order->document, order->userdata);
    destroy(order);
}

void order_fail(struct order *order, const struct bus_answer *answer)
{
    if (answer->status == -ESTALE)
        order_end(order, -EBUSY, "it was changed meanwhile; look at it and try again");
    else if (answer->status == -ETIMEDOUT)
        order_end(order, -ETIMEDOUT,
                  "the bus did not answer, so it may be done or not; look at the rollout");
    else
        order_end(order, answer->status, answer->problem);
}

void order_put(struct order *order, const char *key, const void *data, size_t length,
               uint64_t expected, bus_done done)
{
    char subject[SUBJECT_SIZE];
    int r;

    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT "%s", key);
    r = bus_put(order->rollouts->bus, subject, data, length, expected, done, order);
    if (r < 0)
        order_end(order, r, "too much is asked of the bus; try again");
}

void order_get(struct order *order, const char *kind, const char *key, bus_done done)
{
    char subject[SUBJECT_SIZE];
    int r;

    snprintf(subject, sizeof(subject), ROLLOUTS_SUBJECT "%s%s", kind, key);
    r = bus_get(order->rollouts->bus, ROLLOUTS_STREAM, subject, done, order);
    if (r < 0)
        order_end(order, r, "too much is asked of the bus; try again");
}

void order_put_document(struct order *order, const Rollout *document, uint64_t expected,
                        bus_done done)
{
    char key[SUBJECT_SIZE];
    size_t length = 0;
    uint8_t *packed = document_pack(document, &length);

    snprintf(key, sizeof(key), DOCUMENT_KEY "%s", document->id);
    if (packed == NULL)
        order_end(order, -ENOMEM, "out of memory");
    else
        order_put(order, key, packed, length, expected, done);
    free(packed);
}

void order_on_stored(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    Rollout *document = answer->status < 0 ? NULL : document_copy(order->document);

    if (answer->status < 0) {
        order_fail(order, answer);
        return;
    }
    if (document != NULL)
        documents_put(&order->rollouts->documents, document, answer->sequence);
    order_end(order, 0, "");
}

/* ---- orders ---- */

struct order *order_make(struct rollouts *rollouts, Rollout *document,
                         const struct rollout_order *what, rollouts_done done, void *userdata)
{
    struct order *order = document == NULL ? NULL : calloc(1, sizeof(*order));

    if (order == NULL) {
        struct error error;

        document_destroy(document);
        error_set(&error, -ENOMEM, "out of memory");
        done(-ENOMEM, &error, NULL, userdata);
        return NULL;
    }
    *order = (struct order){.rollouts = rollouts,
                            .done = done,
                            .userdata = userdata,
                            .verb = what->verb,
                            .document = document};
    text_copy_line(order->author, sizeof(order->author), what->author);
    text_copy_line(order->reason, sizeof(order->reason), what->reason);
    list_append(&rollouts->orders, &order->link);
    return order;
}

static void replace(struct order *order)
{
    order_put_document(order, order->document, order->revision, order_on_stored);
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
    order = order_make(rollouts, document_copy(entry->document), &what, done, userdata);
    if (order == NULL)
        return;
    order->revision = entry->revision;
    r = rollout_order(order->document, &what, &error);
    if (r < 0)
        order_end(order, r, error.text);
    else
        order_begin(order, replace);
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
    list_for_each_safe (link, following, &rollouts->orders)
        destroy(list_entry(link, struct order, link));
}
