/* Requests about policies. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/store/policy-copies.h"
#include "controller/store/request.h"

#define LIST_MAX 1000

struct policies_request {
    struct store_request base;
    struct policy_revision *given; /* a copy of what is asked for, or about; its unused texts "" */
    char *selector;
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
    struct policy_copies *copies = &request_of(base)->copies;
    int r = store_policy_list(base->store, policy_copies_add_revision, copies, error);

    return r < 0 ? r : store_assignments(base->store, policy_copies_add_assignment, copies, error);
}

static int run_revisions(struct store_request *base, struct error *error)
{
    struct policies_request *request = request_of(base);

    return store_policy_revisions(base->store, request->given->name, policy_copies_add_revision,
                                  &request->copies, error);
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
    int r = store_policy_add(base->store, given, &given->revision, error);

    if (r == 0 && request->selector[0] != '\0')
        r = store_assign(base->store, &assignment, error);
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
    int r = store_assignments(base->store, keep_selected, request, error);

    return r < 0 ? r : store_unassign(base->store, request->selector, error);
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

    assert(request->copies.revisions.count <= request->copies.limit &&
           request->copies.assignments.count <= request->copies.limit);
    if (request->policies.answer.status < 0)
        policy_copies_finish(&request->copies);
    policy_copies_show(&request->copies, &request->policies);
    request->done(&request->policies, request->userdata);
    destroy(request);
}

/* ---- asking ---- */

static void submit(struct store *store, const struct policy_revision *given, const char *selector,
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
        return;
    }
    request->base = (struct store_request){
        .store = store, .answer = &request->policies.answer, .run = run, .complete = complete};
    request->base.size = sizeof(*request) + strlen(request->given->text);
    request->base.writes = run == run_order || run == run_roll_back || run == run_unassign;
    assert(request->base.writes || given->author[0] == '\0');
    request->copies.limit = LIST_MAX;
    request->done = done;
    request->userdata = userdata;
    store_submit(&request->base);
}

/* About a policy of that name. */
static struct policy_revision named(const char *name)
{
    return (struct policy_revision){
        .name = name, .author = "", .hash = "", .source_name = "", .text = ""};
}

void store_ask_policies(struct store *store, store_policies_done done, void *userdata)
{
    const struct policy_revision none = named("");

    submit(store, &none, "", run_list, done, userdata);
}

void store_ask_revisions(struct store *store, const char *name, store_policies_done done,
                         void *userdata)
{
    const struct policy_revision given = named(name);

    submit(store, &given, "", run_revisions, done, userdata);
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
