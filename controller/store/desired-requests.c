/* Requests about what a fleet wants. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/crash/crash.h"
#include "controller/store/desired.h"
#include "controller/store/request.h"

struct desired_request {
    struct store_request base;
    const struct store_desired *desired; /* the caller's; NULL: it is only read */
    char *host;
    Applied *applied;
    struct store_desired_answer answer;
    store_desired_done done;
    void *userdata;
};

static struct desired_request *request_of(struct store_request *base)
{
    return container_of(base, struct desired_request, base);
}

static int run_load(struct store_request *base, struct error *error)
{
    struct desired_request *request = request_of(base);

    return store_desired_get(base->store, request->host, &request->applied, error);
}

static int run_apply(struct store_request *base, struct error *error)
{
    struct desired_request *request = request_of(base);

    return store_desired_apply(base->store, request->desired, &request->applied,
                               &request->answer.is_changed, error);
}

/* A failure of the transaction leaves nothing that became of it. */
static void complete(struct store_request *base)
{
    struct desired_request *request = request_of(base);
    struct store_desired_answer *answer = &request->answer;

    if (answer->answer.status == 0)
        answer->applied = request->applied;
    else
        answer->is_changed = false;
    if (request->desired != NULL)
        crash_point("a desired state was written");
    request->done(answer, request->userdata);
    if (request->applied != NULL)
        vmreclaim__fleet__v1__applied__free_unpacked(request->applied, NULL);
    free(request->host);
    free(request);
}

static size_t bytes_of(const struct store_desired *desired)
{
    size_t bytes = 0;

    for (size_t i = 0; i < desired->count; i++)
        bytes += strlen(desired->policies[i].revision.text);
    return bytes;
}

static void submit(struct store *store, const char *host, const struct store_desired *desired,
                   store_desired_done done, void *userdata)
{
    struct desired_request *request = calloc(1, sizeof(*request));
    char *copy = strdup(host);

    if (request == NULL || copy == NULL) {
        free(request);
        free(copy);
        done(&(struct store_desired_answer){.answer = store_no_memory}, userdata);
        return;
    }
    request->base = (struct store_request){.store = store,
                                           .answer = &request->answer.answer,
                                           .size = sizeof(*request),
                                           .writes = true,
                                           .run = desired == NULL ? run_load : run_apply,
                                           .complete = complete};
    request->base.size += desired == NULL ? 0 : bytes_of(desired);
    request->desired = desired;
    request->host = copy;
    request->done = done;
    request->userdata = userdata;
    store_submit(&request->base);
}

void store_load_desired(struct store *store, const char *host, store_desired_done done,
                        void *userdata)
{
    submit(store, host, NULL, done, userdata);
}

void store_apply_desired(struct store *store, const struct store_desired *desired,
                         store_desired_done done, void *userdata)
{
    crash_point("before a desired state is written");
    submit(store, desired->head->host, desired, done, userdata);
}
