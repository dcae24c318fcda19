/* Answers that are given many times. */
#include "controller/web/shared.h"

#include <assert.h>
#include <stdlib.h>

#include "controller/web/reply.h"
#include "controller/web/server.h"

#define FRESH NSEC_PER_SEC

/* Smaller ones are not worth the work. */
#define PACKED_MIN 1024

struct waiter {
    struct list link;
    struct request *request;
};

void shared_init(struct shared *shared, const char *type)
{
    *shared = (struct shared){.type = type};
    list_init(&shared->waiting);
}

static void drop(struct shared *shared)
{
    reply_release(shared->plain);
    reply_release(shared->packed);
    shared->plain = shared->packed = NULL;
}

void shared_finish(struct shared *shared)
{
    assert(list_is_empty(&shared->waiting));
    drop(shared);
}

bool shared_is_fresh(const struct shared *shared)
{
    return shared->plain != NULL && time_monotonic() - shared->made < FRESH;
}

bool shared_has_waiters(const struct shared *shared)
{
    return !list_is_empty(&shared->waiting);
}

/* NULL: there is none. */
static struct reply *packed(struct shared *shared)
{
    if (shared->packed == NULL && shared->plain->length >= PACKED_MIN)
        shared->packed =
            reply_create_gzip(shared->type, shared->plain->body, shared->plain->length);
    return shared->packed;
}

void shared_answer(struct shared *shared, struct request *request)
{
    const char *encodings = request_header(request, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    struct reply *reply = NULL;

    if (shared->plain != NULL && reply_accepts_gzip(encodings))
        reply = packed(shared);
    if (reply == NULL)
        reply = shared->plain;
    request_answer(request, shared->status, reply == NULL ? NULL : reply_hold(reply));
}

static void on_gone(struct request *request, void *userdata)
{
    struct waiter *waiter = userdata;

    list_remove(&waiter->link);
    free(waiter);
}

void shared_wait(struct shared *shared, struct request *request)
{
    struct waiter *waiter = malloc(sizeof(*waiter));

    if (waiter == NULL) {
        request_answer(request, MHD_HTTP_SERVICE_UNAVAILABLE, NULL);
        return;
    }
    waiter->request = request;
    list_append(&shared->waiting, &waiter->link);
    request_wait(request, on_gone, waiter);
}

void shared_put(struct shared *shared, unsigned status, char *body, size_t length, bool is_passing)
{
    drop(shared);
    shared->status = status;
    shared->made = is_passing ? 0 : time_monotonic();
    if (body != NULL)
        shared->plain = reply_create(shared->type, body, length);
    while (!list_is_empty(&shared->waiting)) {
        struct waiter *waiter = list_entry(shared->waiting.next, struct waiter, link);

        list_remove(&waiter->link);
        shared_answer(shared, waiter->request);
    }
}
