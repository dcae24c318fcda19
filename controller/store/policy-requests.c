/* Requests about policies. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/store/policy-copies.h"
#include "controller/store/request.h"

#define PAGE_BYTES ((size_t)3 << 20)

struct policies_request {
    struct store_request base;
    struct policy_revision *given; /* a copy of what is asked for, or about; its unused texts "" */
    char *selector;
    bool is_past_policies; /* only assignments are asked for */
    bool unassigns;        /* what is deleted is taken from whom it is assigned to */
    struct policy_copies copies;
    struct store_policies policies; /* the answer */
    store_policies_done done;
    void *userdata;
};

static struct policies_request *request_of(struct store_request *base)
{
    return container_of(base, struct policies_request, base);
}

/* ---- running ---- */

static int run_list(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);
    struct policy_copies *copies = &request->copies;
    int r = 0;

    if (!request->is_past_policies)
        r = store_policy_list(base->store, request->given->name, policy_copies_add_revision, copies,
                              error);
    if (r == 0)
        r = store_assignments(base->store, request->selector, policy_copies_add_assignment, copies,
                              error);
    return r == -ENOBUFS && copies->is_full ? 0 : r;
}

static int run_revisions(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);
    int r = store_policy_revisions(base->store, request->given->name, request->given->revision,
                                   policy_copies_add_revision, &request->copies, error);

    return r == -ENOBUFS && request->copies.is_full ? 0 : r;
}

static int run_get(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);

    return store_policy_get(base->store, request->given->name, request->given->revision,
                            policy_copies_add_revision, &request->copies, error);
}

static int run_order(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);
    struct policy_revision *given = request->given;
    const struct policy_assignment assignment = {request->selector, given->name, given->author,
                                                 given->time};
    struct policy_revision without_text;
    int r = store_policy_order(base->store, given, &assignment, &given->revision, error);

    if (r < 0)
        return r;
    without_text = *given;
    without_text.text = "";
    return policy_copies_add_revision(&without_text, &request->copies);
}

static int run_roll_back(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);
    const struct policy_revision *given = request->given;
    uint64_t revision;
    int r = store_policy_roll_back(base->store, given->name, given->revision, given->author,
                                   given->time, &revision, error);

    return r < 0 ? r
                 : store_policy_get(base->store, given->name, revision, policy_copies_add_revision,
                                    &request->copies, error);
}

static int keep_selected(const struct policy_assignment *assignment, void *userdata)
{
    struct policies_request *request = userdata;

    if (strcmp(assignment->selector, request->selector) != 0)
        return 0;
    return policy_copies_add_assignment(assignment, &request->copies);
}

static int run_unassign(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);
    int r = store_assignments(base->store, "", keep_selected, request, error);

    return r < 0 ? r : store_unassign(base->store, request->selector, error);
}

/* What does not fit is counted. */
static int keep_of_policy(const struct policy_assignment *assignment, void *userdata)
{
    struct policies_request *request = userdata;
    int r = 0;

    if (strcmp(assignment->policy, request->given->name) != 0)
        return 0;
    if (!request->copies.is_full)
        r = policy_copies_add_assignment(assignment, &request->copies);
    request->policies.omitted += request->copies.is_full;
    return r == -ENOBUFS ? 0 : r;
}

static int run_delete(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);
    int r =
        request->unassigns ? store_assignments(base->store, "", keep_of_policy, request, error) : 0;

    return r < 0
               ? r
               : store_policy_delete(base->store, request->given->name, request->unassigns, error);
}

/* ---- completing ---- */

static void destroy(struct policies_request *request)
{
    policy_copies_finish(&request->copies);
    free(request->given);
    free(request->selector);
    free(request);
}

static void complete(struct store_request *base)
{
    struct policies_request *request = request_of(base);

    assert(request->copies.limit == 0 ||
           request->copies.revisions.count + request->copies.assignments.count <=
               request->copies.limit);
    if (request->policies.answer.status < 0)
        policy_copies_finish(&request->copies);
    policy_copies_show(&request->copies, &request->policies);
    request->policies.is_cut = request->copies.is_full;
    request->done(&request->policies, request->userdata);
    destroy(request);
}

/* ---- asking ---- */

/* NULL after `done` was called: no memory. */
static struct policies_request *create(struct store *store, const struct policy_revision *given,
                                       const char *selector,
                                       int (*run)(struct store_request *base, struct error *error),
                                       store_policies_done done, void *userdata)
{
    struct policies_request *request = calloc(1, sizeof(*request));

    if (request != NULL) {
        request->given = policy_revision_copy(given);
        request->selector = strdup(selector);
    }
    if (request == NULL || request->given == NULL || request->selector == NULL) {
        if (request != NULL)
            destroy(request);
        done(&(struct store_policies){.answer = store_no_memory}, userdata);
        return NULL;
    }
    request->base = (struct store_request){
        .store = store, .answer = &request->policies.answer, .run = run, .complete = complete};
    request->base.size =
        sizeof(*request) + policy_revision_size(request->given) + strlen(request->selector);
    request->base.writes =
        run == run_order || run == run_roll_back || run == run_unassign || run == run_delete;
    assert(request->base.writes || given->author[0] == '\0');
    request->copies.bytes_max = PAGE_BYTES;
    request->done = done;
    request->userdata = userdata;
    return request;
}

static void submit(struct store *store, const struct policy_revision *given, const char *selector,
                   int (*run)(struct store_request *base, struct error *error),
                   store_policies_done done, void *userdata)
{
    struct policies_request *request = create(store, given, selector, run, done, userdata);

    if (request != NULL)
        store_submit(&request->base);
}

/* About a policy of that name. */
static struct policy_revision named(const char *name)
{
    return (struct policy_revision){
        .name = name, .author = "", .hash = "", .source_name = "", .text = ""};
}

void store_ask_policies(struct store *store, const struct store_policies_place *place,
                        uint32_t limit, store_policies_done done, void *userdata)
{
    const struct policy_revision after = named(place->policy == NULL ? "" : place->policy);
    struct policies_request *request =
        create(store, &after, place->assignment, run_list, done, userdata);

    if (request == NULL)
        return;
    request->is_past_policies = place->policy == NULL;
    request->copies.limit = limit;
    store_submit(&request->base);
}

void store_ask_revisions(struct store *store, const char *name, uint64_t before, uint32_t limit,
                         store_policies_done done, void *userdata)
{
    struct policy_revision given = named(name);
    struct policies_request *request;

    given.revision = before;
    request = create(store, &given, "", run_revisions, done, userdata);
    if (request == NULL)
        return;
    request->copies.limit = limit;
    store_submit(&request->base);
}

void store_ask_policy(struct store *store, const char *name, uint64_t revision,
                      store_policies_done done, void *userdata)
{
    struct policy_revision given = named(name);

    given.revision = revision;
    submit(store, &given, "", run_get, done, userdata);
}

void store_order_policy(struct store *store, const struct policy_revision *revision,
                        const char *selector, store_policies_done done, void *userdata)
{
    submit(store, revision, selector, run_order, done, userdata);
}

void store_roll_back(struct store *store, const char *name, uint64_t revision, const char *author,
                     int64_t time, store_policies_done done, void *userdata)
{
    struct policy_revision given = named(name);

    given.revision = revision;
    given.author = author;
    given.time = time;
    submit(store, &given, "", run_roll_back, done, userdata);
}

void store_unassign_policy(struct store *store, const char *selector, store_policies_done done,
                           void *userdata)
{
    const struct policy_revision none = named("");

    submit(store, &none, selector, run_unassign, done, userdata);
}

void store_delete_policy(struct store *store, const char *name, bool unassign,
                         store_policies_done done, void *userdata)
{
    const struct policy_revision given = named(name);
    struct policies_request *request = create(store, &given, "", run_delete, done, userdata);

    if (request == NULL)
        return;
    request->unassigns = unassign;
    request->copies.bytes_max = STORE_DELETED_BYTES;
    store_submit(&request->base);
}
