/* the policy's key -> the rollout before -> it is superseded -> the key is taken -> the document
 *
 * Theory of operation: the policy's key names its rollout, and a rollout may begin once the key
 * names it. So a start reads the key and the document of the rollout that it names, supersedes that
 * one where it is at rest, takes the key by compare-and-set, and makes its document.
 *
 * A key that names no document was taken by a start that died then, or that is about to make it.
 * Whoever finds it makes that document himself, as a superseded one, so that the other start fails,
 * whenever it goes on. Of several starts at the same moment one is left, and the others are told.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/policy/policy-yaml.h"
#include "controller/fleet/coordinator/order.h"
#include "controller/fleet/coordinator/orders.h"
#include "controller/fleet/engine/waves.h"

#define ID_BYTES 6
/* So often a start begins again where others start the same policy. */
#define ROUNDS_MAX 8

static void read_policy(struct order *order);

static void fail_busy(struct order *order, const char *id, const char *is)
{
    struct error error;

    error_set(&error, -EBUSY,
              "rollout %s of policy '%s' is %s; wait for its end, or abort it or roll it back", id,
              order->document->policy, is);
    order_end(order, -EBUSY, error.text);
}

static void begin_again(struct order *order, const struct bus_answer *answer)
{
    if (answer->status == -ESTALE && order->rounds < ROUNDS_MAX)
        read_policy(order);
    else
        order_fail(order, answer);
}

/* Whose the policy is now; ours where the other start has not taken it yet. */
static void on_holder_read(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    char id[sizeof(order->holder)] = "";

    if (answer->status == 0)
        text_copy_bytes(id, sizeof(id), (const char *)answer->data, answer->length);
    if (id[0] != '\0' && strcmp(id, order->document->id) != 0)
        fail_busy(order, id, "started at the same moment");
    else
        order_end(order, -EBUSY,
                  "the policy is started elsewhere at the same moment; see "
                  "'vmreclaim fleet rollout status'");
}

static void on_document_stored(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;

    if (answer->status == -ESTALE)
        order_get(order, POLICY_KEY, order->document->policy, on_holder_read);
    else
        order_on_stored(answer, order);
}

static void on_policy_taken(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;

    if (answer->status < 0)
        begin_again(order, answer);
    else
        order_put_document(order, order->document, BUS_NOTHING, on_document_stored);
}

static void take_policy(struct order *order)
{
    char key[SUBJECT_SIZE];

    snprintf(key, sizeof(key), POLICY_KEY "%s", order->document->policy);
    order_put(order, key, order->document->id, strlen(order->document->id),
              order->policy_revision == 0 ? BUS_NOTHING : order->policy_revision, on_policy_taken);
}

/* The one before has ended, or will never begin. */
static void on_superseded(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;
    Rollout *document = answer->status < 0 ? NULL : document_copy(order->before);

    if (answer->status < 0) {
        begin_again(order, answer);
        return;
    }
    if (document != NULL)
        documents_put(&order->rollouts->documents, document, answer->sequence);
    take_policy(order);
}

static void supersede(struct order *order)
{
    const struct rollout_order verb = {.verb = ROLLOUT_SUPERSEDE,
                                       .author = order->document->author,
                                       .reason = "",
                                       .time_ns = order->document->created_ns,
                                       .epoch = order->before->epoch};
    struct error error;
    int r = rollout_order(order->before, &verb, &error);

    if (r < 0)
        order_end(order, r, error.text);
    else
        order_put_document(order, order->before, order->before_revision, on_superseded);
}

/* NULL: no memory. */
static Rollout *unfinished_start(const struct order *order)
{
    Rollout rollout = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;
    Rollout *unfinished;

    rollout.id = (char *)order->holder;
    rollout.policy = order->document->policy;
    rollout.created_ns = order->document->created_ns;
    unfinished = document_copy(&rollout);
    if (unfinished != NULL && document_move(unfinished, ROLLOUT_STATE(SUPERSEDED),
                                            rollout.created_ns, "its start was not finished") < 0) {
        document_destroy(unfinished);
        return NULL;
    }
    return unfinished;
}

static void void_start(struct order *order)
{
    order->before = unfinished_start(order);
    if (order->before == NULL)
        order_end(order, -ENOMEM, "out of memory");
    else
        order_put_document(order, order->before, BUS_NOTHING, on_superseded);
}

static void on_before_read(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;

    if (answer->status == -ENOENT) {
        void_start(order);
        return;
    }
    if (answer->status < 0) {
        order_fail(order, answer);
        return;
    }
    order->before = vmreclaim__fleet__v1__rollout__unpack(NULL, answer->length, answer->data);
    order->before_revision = answer->sequence;
    if (order->before == NULL)
        order_end(order, -EPROTO, "the policy's rollout cannot be read; is another version there?");
    else if (document_is_under_way(order->before))
        fail_busy(order, order->before->id, rollout_state_name(order->before->state));
    else if (document_is_in_force(order->before))
        supersede(order);
    else
        take_policy(order);
}

/* The policy has a rollout that the bus should know. */
static bool is_known_here(const struct order *order)
{
    list_for_each (link, &order->rollouts->documents.list) {
        const Rollout *document = list_entry(link, struct rollout_entry, link)->document;

        if (strcmp(document->policy, order->document->policy) == 0 &&
            (document_is_under_way(document) || document_is_in_force(document)))
            return true;
    }
    return false;
}

/* Which rollout the policy has now. */
static void on_policy_read(const struct bus_answer *answer, void *userdata)
{
    struct order *order = userdata;

    if (answer->status < 0 && answer->status != -ENOENT) {
        order_fail(order, answer);
        return;
    }
    order->policy_revision = answer->status == 0 ? answer->sequence : 0;
    text_copy_bytes(order->holder, sizeof(order->holder), (const char *)answer->data,
                    answer->length);
    if (order->holder[0] != '\0')
        order_get(order, DOCUMENT_KEY, order->holder, on_before_read);
    else if (is_known_here(order))
        order_end(order, -EAGAIN,
                  "the bus has lost whose the policy is, and it is put back; try again");
    else
        take_policy(order);
}

static void read_policy(struct order *order)
{
    order->rounds++;
    document_destroy(order->before);
    order->before = NULL;
    order_get(order, POLICY_KEY, order->document->policy, on_policy_read);
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

/* As the hosts read it, who refuse a state whole. */
static int check_text(const Rollout *rollout, struct error *error)
{
    struct policy policy;
    int r = policy_load_yaml(rollout->text, strlen(rollout->text), rollout->policy, &policy, error);

    if (r == 0)
        r = policy_name_after(&policy, rollout->policy, error);
    if (r < 0)
        return r == -ENOMEM ? r : -EINVAL;
    if (strcmp(policy.name, rollout->policy) != 0)
        return error_set(error, -EINVAL, "the text of policy '%s' has the name '%s'",
                         TEXT_CUT(rollout->policy, 64), policy.name);
    return 0;
}

/* Those of them that are there to be known; who comes later waits where there is no room. */
static int check_room(const struct rollouts *rollouts, const Rollout *rollout, struct error *error)
{
    size_t room = document_room(rollout), bytes = 0, count = 0;

    for (size_t i = 0; i < rollouts->hosts->count; i++) {
        const struct host_entry *entry = rollouts->hosts->sorted[i];
        const struct fleet_host host = {.id = entry->id, .status = entry->status};

        if (entry->status == NULL || !wave_means(rollout, &host))
            continue;
        bytes += document_host_bytes(entry->id);
        count++;
    }
    if (bytes <= room)
        return 0;
    return error_set(error, -E2BIG,
                     "%zu hosts are too many for one rollout: their ids have %zu KiB, and there is "
                     "room for %zu; choose fewer by --to",
                     count, bytes >> 10, room >> 10);
}

int rollouts_check(const struct rollouts *rollouts, const Rollout *rollout, struct error *error)
{
    int r = rollout_check(rollout, error);

    if (r == 0)
        r = check_text(rollout, error);
    return r == 0 ? check_room(rollouts, rollout, error) : r;
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
    list_for_each (link, &rollouts->documents.list) {
        const Rollout *other = list_entry(link, struct rollout_entry, link)->document;

        if (strcmp(other->policy, rollout->policy) != 0 &&
            (document_is_under_way(other) || document_is_in_force(other)) &&
            shares_selector(rollout, other))
            return error_set(error, -EBUSY,
                             "policy '%s' of rollout %s is for the same VMs; roll out another text "
                             "of it, or roll it back, or choose VMs by another selector",
                             other->policy, other->id);
    }
    return 0;
}

static int check_documents(const struct rollouts *rollouts, struct error *error)
{
    if (!rollouts->documents_are_whole)
        return error_set(error, -EAGAIN,
                         "the rollouts that there are are not known yet; try again");
    list_for_each (link, &rollouts->documents.list)
        if (list_entry(link, struct rollout_entry, link)->revision == 0)
            return error_set(error, -EAGAIN,
                             "the bus has lost its rollouts, and they are put back; try again");
    return 0;
}

void rollouts_start(struct rollouts *rollouts, Rollout *rollout, const char *author,
                    rollouts_done done, void *userdata)
{
    const struct rollout_order what = {.verb = ROLLOUT_START, .author = author, .reason = ""};
    struct order *order = order_make(rollouts, rollout, &what, done, userdata);
    struct error error;
    int r;

    if (order == NULL)
        return;
    r = prepare_start(rollout, author, &error);
    if (r == 0)
        r = rollouts_check(rollouts, rollout, &error);
    if (r == 0)
        r = check_documents(rollouts, &error);
    if (r == 0)
        r = check_selectors(rollouts, rollout, &error);
    if (r < 0) {
        order_end(order, r, error.text);
        return;
    }
    order_begin(order, read_policy);
}
