/* Requests for what is assigned to VMs. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/policy-copies.h"

/* A VM by what selectors see of it, copied. */
struct subject {
    char *vm;
    char **labels; /* NULL-terminated */
    size_t label_count;
};

struct assigned_request {
    struct store_request base;
    struct subject *subjects;
    bool wants_all;                /* the assignments of the only subject */
    struct policy_revision *tried; /* looked at as if it were there; NULL: nothing is tried */
    char *tried_selector;
    struct policy_copies copies;
    struct store_assigned assigned; /* the answer */
    store_assigned_done done;
    void *userdata;
};

static struct assigned_request *request_of(struct store_request *base)
{
    return container_of(base, struct assigned_request, base);
}

/* ---- running ---- */

/* The index of the policy with this name, whose newest revision is read when it is new here. */
static int find_or_read(struct assigned_request *request, const char *name, struct error *error)
{
    const struct store_list *revisions = &request->copies.revisions;
    int r;

    for (size_t i = 0; i < revisions->count; i++)
        if (strcmp(((const struct policy_revision *)revisions->items[i])->name, name) == 0)
            return (int)i;
    r = store_policy_get(request->base.store, name, 0, policy_copies_add_revision, &request->copies,
                         error);
    return r < 0 ? r : (int)revisions->count - 1;
}

static struct policy_subject as_subject(const struct subject *subject)
{
    return (struct policy_subject){subject->vm, subject->labels, subject->label_count};
}

static int find_of(struct assigned_request *request, size_t index, struct error *error)
{
    const struct policy_subject subject = as_subject(&request->subjects[index]);
    struct store_assigned *assigned = &request->assigned;
    struct store_holder holder;
    int r = store_policy_of(request->base.store, &subject, &holder, error);

    if (r == 0)
        r = find_or_read(request, holder.policy, error);
    if (r < 0 && r != -ENOENT)
        return r;
    assert(r < (int)request->copies.revisions.count);
    assigned->revision_of[index] = r < 0 ? POLICY_NONE_ASSIGNED : r;
    if (r < 0)
        return 0;
    free(assigned->selector_of[index]);
    assigned->selector_of[index] = strdup(holder.selector);
    return assigned->selector_of[index] == NULL ? -ENOMEM : 0;
}

static int find_all(struct assigned_request *request, struct error *error)
{
    const struct policy_subject subject = as_subject(&request->subjects[0]);
    int r;

    request->copies.limit = request->copies.revisions.count + STORE_MATCHES_MAX;
    r = store_assignments_of(request->base.store, &subject, policy_copies_add_assignment,
                             &request->copies, error);
    return r == -ENOBUFS ? 0 : r;
}

static int run(struct store_request *base, struct error *error)
{
    struct assigned_request *request = request_of(base);

    for (size_t i = 0; i < request->assigned.count; i++) {
        int r = find_of(request, i, error);

        if (r < 0)
            return r;
    }
    return request->wants_all ? find_all(request, error) : 0;
}

/* ---- trying ---- */

static int order_and_look(struct assigned_request *request, struct error *error)
{
    struct policy_revision *tried = request->tried;
    const struct policy_assignment assignment = {request->tried_selector, tried->name,
                                                 tried->author, tried->time};
    int r = store_policy_order(request->base.store, tried, &assignment, &request->assigned.tried,
                               error);

    return r < 0 ? r : run(&request->base, error);
}

/* Whatever comes of it is taken back. */
static int run_trial(struct store_request *base, struct error *error)
{
    static const char doing[] = "trying a policy";
    int r = store_execute(base->store, "SAVEPOINT trial", doing, error);
    struct error unused;
    int back;

    if (r < 0)
        return r;
    r = order_and_look(request_of(base), error);
    if (sqlite3_get_autocommit(base->store->database) != 0)
        return r; /* the whole transaction has ended */
    back = store_execute(base->store, "ROLLBACK TO trial; RELEASE trial", doing,
                         r < 0 ? &unused : error);
    return r < 0 ? r : back;
}

/* ---- completing ---- */

static void free_subject(struct subject *subject)
{
    for (char **label = subject->labels; label != NULL && *label != NULL; label++)
        free(*label);
    free((void *)subject->labels);
    free(subject->vm);
}

static void destroy(struct assigned_request *request)
{
    for (size_t i = 0; request->subjects != NULL && i < request->assigned.count; i++)
        free_subject(&request->subjects[i]);
    for (size_t i = 0; request->assigned.selector_of != NULL && i < request->assigned.count; i++)
        free(request->assigned.selector_of[i]);
    free((void *)request->assigned.selector_of);
    free(request->subjects);
    free((void *)request->assigned.vms);
    free(request->assigned.revision_of);
    policy_copies_finish(&request->copies);
    free(request->tried);
    free(request->tried_selector);
    free(request);
}

static void complete(struct store_request *base)
{
    struct assigned_request *request = request_of(base);
    struct store_assigned assigned = {.answer = request->assigned.answer};

    if (assigned.answer.status == 0) {
        assigned = request->assigned;
        policy_copies_show(&request->copies, &assigned.found);
    }
    request->done(&assigned, request->userdata);
    destroy(request);
}

/* ---- asking ---- */

/* -ENOMEM. */
static int copy_subject(const struct policy_subject *subject, struct subject *copy)
{
    copy->vm = strdup(subject->vm);
    copy->labels = calloc(subject->label_count + 1, sizeof(*copy->labels));
    if (copy->vm == NULL || copy->labels == NULL)
        return -ENOMEM;
    for (; copy->label_count < subject->label_count; copy->label_count++) {
        copy->labels[copy->label_count] = strdup(subject->labels[copy->label_count]);
        if (copy->labels[copy->label_count] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static int copy_subjects(struct assigned_request *request, const struct policy_subject *subjects,
                         size_t count)
{
    struct store_assigned *assigned = &request->assigned;

    request->subjects = calloc(count + 1, sizeof(*request->subjects));
    assigned->vms = calloc(count + 1, sizeof(*assigned->vms));
    assigned->revision_of = calloc(count + 1, sizeof(*assigned->revision_of));
    assigned->selector_of = calloc(count + 1, sizeof(*assigned->selector_of));
    if (request->subjects == NULL || assigned->vms == NULL || assigned->revision_of == NULL ||
        assigned->selector_of == NULL)
        return -ENOMEM;
    for (; assigned->count < count; assigned->count++) {
        struct subject *copy = &request->subjects[assigned->count];

        if (copy_subject(&subjects[assigned->count], copy) < 0) {
            free_subject(copy);
            return -ENOMEM;
        }
        assigned->vms[assigned->count] = copy->vm;
    }
    return 0;
}

/* NULL after calling `done`: no memory. */
static struct assigned_request *create(struct store *store, const struct policy_subject *subjects,
                                       size_t count, store_assigned_done done, void *userdata)
{
    struct assigned_request *request = calloc(1, sizeof(*request));

    if (request == NULL || copy_subjects(request, subjects, count) < 0) {
        if (request != NULL)
            destroy(request);
        done(&(struct store_assigned){.answer = store_no_memory}, userdata);
        return NULL;
    }
    request->base = (struct store_request){
        .store = store, .answer = &request->assigned.answer, .run = run, .complete = complete};
    request->base.size = sizeof(*request) + count * 256;
    request->done = done;
    request->userdata = userdata;
    return request;
}

static void ask(struct store *store, const struct policy_subject *subjects, size_t count,
                bool wants_all, store_assigned_done done, void *userdata)
{
    struct assigned_request *request = create(store, subjects, count, done, userdata);

    if (request == NULL)
        return;
    request->wants_all = wants_all;
    store_submit(&request->base);
}

void store_try_policy(struct store *store, const struct policy_revision *revision,
                      const char *selector, const struct policy_subject *subjects, size_t count,
                      store_assigned_done done, void *userdata)
{
    struct assigned_request *request = create(store, subjects, count, done, userdata);

    if (request == NULL)
        return;
    request->tried = policy_revision_copy(revision);
    request->tried_selector = strdup(selector);
    if (request->tried == NULL || request->tried_selector == NULL) {
        destroy(request);
        done(&(struct store_assigned){.answer = store_no_memory}, userdata);
        return;
    }
    request->base.size += policy_revision_size(request->tried) + strlen(request->tried_selector);
    request->base.run = run_trial;
    request->base.writes = true;
    store_submit(&request->base);
}

void store_ask_assigned(struct store *store, const struct policy_subject *subjects, size_t count,
                        store_assigned_done done, void *userdata)
{
    ask(store, subjects, count, false, done, userdata);
}

void store_ask_matching(struct store *store, const struct policy_subject *subject,
                        store_assigned_done done, void *userdata)
{
    ask(store, subject, 1, true, done, userdata);
}
