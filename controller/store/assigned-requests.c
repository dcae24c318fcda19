/* Requests for what is assigned to VMs. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
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

static int run(struct store_request *base, struct error *error)
{
    struct assigned_request *request = request_of(base);
    char name[64];

    for (size_t i = 0; i < request->assigned.count; i++) {
        const struct subject *subject = &request->subjects[i];
        int r = store_policy_of(base->store, subject->vm, subject->labels, subject->label_count,
                                name, sizeof(name), error);

        if (r == 0)
            r = find_or_read(request, name, error);
        if (r < 0 && r != -ENOENT)
            return r;
        assert(r < (int)request->copies.revisions.count);
        request->assigned.revision_of[i] = r < 0 ? POLICY_NONE_ASSIGNED : r;
    }
    return 0;
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
    free(request->subjects);
    free((void *)request->assigned.vms);
    free(request->assigned.revision_of);
    policy_copies_finish(&request->copies);
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
    if (request->subjects == NULL || assigned->vms == NULL || assigned->revision_of == NULL)
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

void store_ask_assigned(struct store *store, const struct policy_subject *subjects, size_t count,
                        store_assigned_done done, void *userdata)
{
    struct assigned_request *request = calloc(1, sizeof(*request));

    if (request == NULL || copy_subjects(request, subjects, count) < 0) {
        if (request != NULL)
            destroy(request);
        done(&(struct store_assigned){.answer = store_no_memory}, userdata);
        return;
    }
    request->base = (struct store_request){
        .store = store, .answer = &request->assigned.answer, .run = run, .complete = complete};
    request->base.size = sizeof(*request) + count * 256;
    request->done = done;
    request->userdata = userdata;
    store_submit(&request->base);
}
