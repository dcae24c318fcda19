/* documents -> a step each second -> a document, or hosts that are written to */
#include "controller/fleet/coordinator/rollouts.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "common/message/copy.h"

#define STEP_MS      1000
#define SUBJECT_SIZE 192
#define ID_BYTES     6

/* Keys of the bucket. */
#define DOCUMENT_KEY "rollout."
#define POLICY_KEY   "policy."

/* ---- messages ---- */

static uint8_t *pack(const Rollout *document, size_t *ret_length)
{
    return message_pack(&document->base, ret_length);
}

static Rollout *copy(const Rollout *document)
{
    return (Rollout *)message_copy(&document->base);
}

static void destroy_document(Rollout *document)
{
    if (document != NULL)
        message_free(&document->base);
}

static void document_subject(char subject[SUBJECT_SIZE], const char *id)
{
    snprintf(subject, SUBJECT_SIZE, ROLLOUTS_SUBJECT DOCUMENT_KEY "%s", id);
}

/* ---- entries ---- */

static struct rollout_entry *find_exactly(const struct rollouts *rollouts, const char *id)
{
    list_for_each (link, &rollouts->list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);

        if (strcmp(entry->document->id, id) == 0)
            return entry;
    }
    return NULL;
}

struct rollout_entry *rollouts_find(const struct rollouts *rollouts, const char *id,
                                    struct error *error)
{
    struct rollout_entry *found = NULL;

    list_for_each (link, &rollouts->list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);

        if (strncmp(entry->document->id, id, strlen(id)) != 0)
            continue;
        if (found != NULL) {
            error_set(error, -EINVAL, "several rollouts begin with '%s'; give more of its id", id);
            return NULL;
        }
        found = entry;
    }
    if (found == NULL || id[0] == '\0') {
        error_set(error, -ENOENT, "there is no rollout '%s'; see 'vmreclaim fleet rollout status'",
                  id);
        return NULL;
    }
    return found;
}

static void destroy_entry(struct rollout_entry *entry)
{
    list_remove(&entry->link);
    entry->rollouts->count--;
    destroy_document(entry->document);
    destroy_document(entry->stored);
    rollout_engine_destroy(entry->engine);
    free(entry);
}

static bool has_ended(const struct rollout_entry *entry)
{
    RolloutState state = entry->document->state;

    return entry->stored == NULL &&
           (state == ROLLOUT_STATE(REVERTED) || state == ROLLOUT_STATE(ABORTED) ||
            state == ROLLOUT_STATE(SUPERSEDED));
}

/* The bus keeps all there ever were. What ended first makes room for what goes on. */
static bool make_room(struct rollouts *rollouts)
{
    list_for_each_safe (link, following, &rollouts->list) {
        struct rollout_entry *entry = list_entry(link, struct rollout_entry, link);

        if (rollouts->count < ROLLOUTS_MAX)
            break;
        if (has_ended(entry))
            destroy_entry(entry);
    }
    return rollouts->count < ROLLOUTS_MAX;
}

static void put_document(struct rollouts *rollouts, Rollout *document, uint64_t revision)
{
    struct rollout_entry *entry = find_exactly(rollouts, document->id);

    if (entry != NULL && revision <= entry->revision) {
        destroy_document(document);
        return;
    }
    if (entry == NULL) {
        entry = make_room(rollouts) ? calloc(1, sizeof(*entry)) : NULL;
        if (entry == NULL) {
            log_error("rollout %s is left out: %zu others go on", document->id, rollouts->count);
            destroy_document(document);
            return;
        }
        entry->rollouts = rollouts;
        list_append(&rollouts->list, &entry->link);
        rollouts->count++;
    }
    destroy_document(entry->document);
    entry->document = document;
    entry->revision = revision;
}

/* ---- steps ---- */

static void on_stored(const struct bus_answer *answer, void *userdata)
{
    struct rollout_entry *entry = userdata;
    Rollout *document = entry->stored;

    entry->stored = NULL;
    if (answer->status < 0 && answer->status != -ESTALE)
        log_warning("rollout %s was not stored: %s; trying again", document->id, answer->problem);
    if (answer->status == 0)
        put_document(entry->rollouts, document, answer->sequence);
    else
        destroy_document(document); /* the next step begins at what is there */
}

/* Takes the document. */
static void store(struct rollout_entry *entry, Rollout *document)
{
    char subject[SUBJECT_SIZE];
    size_t length = 0;
    uint8_t *packed = pack(document, &length);

    document_subject(subject, document->id);
    if (packed != NULL && bus_put(entry->rollouts->bus, subject, packed, length, entry->revision,
                                  on_stored, entry) == 0)
        entry->stored = document;
    else
        destroy_document(document);
    free(packed);
}

static void write_hosts(struct rollouts *rollouts, const Rollout *document,
                        const struct rollout_result *result)
{
    for (size_t i = 0; i < result->count && rollouts->writer->count < WRITES_MAX; i++)
        if (writer_may_write(rollouts->writer, result->hosts[i]) &&
            writer_write(rollouts->writer, result->hosts[i], document, result->write,
                         rollouts->lease->epoch) < 0)
            return;
}

static void step_with(struct rollout_entry *entry, struct fleet_host *hosts)
{
    struct rollouts *rollouts = entry->rollouts;
    const struct fleet_view view = {
        .now = time_boottime(),
        .time_ns = time_realtime(),
        .listening = rollouts->listening,
        .epoch = rollouts->lease->epoch,
        .hosts = hosts,
        .count = rollouts->hosts->count,
    };
    struct rollout_result result;
    Rollout *document = copy(entry->document);
    int r = document == NULL ? -ENOMEM : rollout_step(entry->engine, document, &view, &result);

    if (r == 0 && result.changed) {
        log_notice("rollout %s of policy %s: %s%s%s", document->id, document->policy,
                   rollout_state_name(document->state), document->reason[0] != '\0' ? ": " : "",
                   document->reason);
        store(entry, document);
        return;
    }
    if (r == 0)
        write_hosts(rollouts, document, &result);
    else if (r != -ESTALE)
        log_error("rollout %s cannot go on: %s", entry->document->id, strerror(-r));
    destroy_document(document);
}

static void step(struct rollout_entry *entry)
{
    struct rollouts *rollouts = entry->rollouts;
    struct fleet_host *hosts;

    if (entry->stored != NULL || rollout_rests(entry->document))
        return;
    if (entry->engine == NULL)
        entry->engine = rollout_engine_create();
    hosts = fleet_hosts_view(rollouts->hosts, entry->document->policy, rollouts->wanted_is_whole);
    if (hosts != NULL && entry->engine != NULL)
        step_with(entry, hosts);
    free(hosts);
}

static void on_timer(uv_timer_t *timer)
{
    struct rollouts *rollouts = timer->data;

    if (rollouts->listening == 0 || !rollouts->documents_are_whole ||
        !lease_is_held(rollouts->lease))
        return;
    list_for_each_safe (link, following, &rollouts->list)
        step(list_entry(link, struct rollout_entry, link));
}

/* ---- orders ---- */

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
    destroy_document(order->document);
    destroy_document(order->superseded);
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
    Rollout *document = answer->status < 0 ? NULL : copy(order->document);

    if (answer->status < 0) {
        fail_order(order, answer);
        return;
    }
    if (document != NULL)
        put_document(order->rollouts, document, answer->sequence);
    end_order(order, 0, "");
}

static void store_order(struct order *order)
{
    char key[SUBJECT_SIZE];
    size_t length = 0;
    uint8_t *packed = pack(order->document, &length);

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
    Rollout *document = answer->status < 0 ? NULL : copy(order->superseded);

    if (answer->status < 0) {
        fail_order(order, answer);
        return;
    }
    if (document != NULL)
        put_document(order->rollouts, document, answer->sequence);
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

    order->superseded = copy(before->document);
    if (order->superseded != NULL && rollout_order(order->superseded, &verb, &error) < 0) {
        end_order(order, -EBUSY, error.text);
        return;
    }
    if (order->superseded != NULL)
        packed = pack(order->superseded, &length);
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
        before = find_exactly(order->rollouts, id);
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

        destroy_document(document);
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
    order = make_order(rollouts, copy(entry->document), done, userdata);
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

/* ---- the bus ---- */

/* Streams that were whole stay it: what is missed meanwhile comes after, and whoever writes by what
 * is old is refused. */
void rollouts_on_bus(struct rollouts *rollouts, bool is_there)
{
    rollouts->listening = is_there ? time_boottime() : 0;
}

void rollouts_on_whole(struct rollouts *rollouts, const char *stream)
{
    if (strcmp(stream, ROLLOUTS_STREAM) == 0)
        rollouts->documents_are_whole = true;
    else if (strcmp(stream, WRITER_STREAM) == 0)
        rollouts->wanted_is_whole = true;
}

void rollouts_on_message(struct rollouts *rollouts, const struct bus_message *message)
{
    static const char prefix[] = ROLLOUTS_SUBJECT DOCUMENT_KEY;
    const char *id = message->subject + strlen(prefix);
    Rollout *document;

    if (strncmp(message->subject, prefix, strlen(prefix)) != 0)
        return;
    document = vmreclaim__fleet__v1__rollout__unpack(NULL, message->length, message->data);
    if (document == NULL || strcmp(document->id, id) != 0) {
        log_error("rollout %s on the bus cannot be read", id);
        destroy_document(document);
        return;
    }
    put_document(rollouts, document, message->sequence);
}

/* ---- the whole ---- */

void rollouts_init(struct rollouts *rollouts, uv_loop_t *loop, struct fleet_hosts *hosts,
                   struct writer *writer, const struct lease *lease)
{
    *rollouts = (struct rollouts){.hosts = hosts, .writer = writer, .lease = lease};
    list_init(&rollouts->list);
    list_init(&rollouts->orders);
    (void)uv_timer_init(loop, &rollouts->timer);
    rollouts->timer.data = rollouts;
    (void)uv_timer_start(&rollouts->timer, on_timer, STEP_MS, STEP_MS);
}

void rollouts_stop(struct rollouts *rollouts)
{
    uv_close((uv_handle_t *)&rollouts->timer, NULL);
    list_for_each_safe (link, following, &rollouts->orders) {
        struct order *order = list_entry(link, struct order, link);

        order->done = NULL;
        end_order(order, -ECANCELED, "stopping");
    }
    list_for_each_safe (link, following, &rollouts->list)
        destroy_entry(list_entry(link, struct rollout_entry, link));
}
