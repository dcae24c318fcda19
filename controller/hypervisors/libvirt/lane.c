/* Threads that make calls. */
#include "controller/hypervisors/libvirt/lane.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/base/thread.h"

struct lane {
    struct mailbox *mailbox;
    void (*on_end)(struct connection *);
    struct connection connection; /* the thread's */
    bool is_busy;                 /* the loop's */
    uv_mutex_t lock;
    uv_cond_t wake;
    /* ---- under the lock ---- */
    struct lane_job *job;
    bool is_ending;
};

static struct lane_job *wait_for_job(struct lane *lane)
{
    struct lane_job *job;

    uv_mutex_lock(&lane->lock);
    while (lane->job == NULL && !lane->is_ending)
        uv_cond_wait(&lane->wake, &lane->lock);
    job = lane->job;
    lane->job = NULL;
    uv_mutex_unlock(&lane->lock);
    return job;
}

/* The thread frees what the loop has forgotten. */
static void *run_lane(void *userdata)
{
    struct lane *lane = userdata;
    struct lane_job *job;

    while ((job = wait_for_job(lane)) != NULL) {
        job->run(job, &lane->connection);
        mailbox_send(lane->mailbox, &job->letter);
    }
    if (lane->on_end != NULL)
        lane->on_end(&lane->connection);
    connection_close(&lane->connection);
    mailbox_unref(lane->mailbox);
    uv_cond_destroy(&lane->wake);
    uv_mutex_destroy(&lane->lock);
    free(lane);
    return NULL;
}

int lane_create(struct mailbox *mailbox, const char *uri, void (*on_end)(struct connection *),
                struct lane **ret_lane)
{
    struct lane *lane = calloc(1, sizeof(*lane));
    int r;

    if (lane == NULL)
        return -ENOMEM;
    lane->mailbox = mailbox_ref(mailbox);
    lane->on_end = on_end;
    text_copy(lane->connection.uri, sizeof(lane->connection.uri), uri);
    (void)uv_mutex_init(&lane->lock);
    (void)uv_cond_init(&lane->wake);
    r = thread_start(run_lane, lane);
    if (r < 0) {
        mailbox_unref(mailbox);
        uv_cond_destroy(&lane->wake);
        uv_mutex_destroy(&lane->lock);
        free(lane);
        return r;
    }
    *ret_lane = lane;
    return 0;
}

bool lane_is_free(const struct lane *lane)
{
    return !lane->is_busy;
}

void lane_run(struct lane *lane, struct lane_job *job)
{
    assert(!lane->is_busy);
    lane->is_busy = true;
    job->lane = lane;
    uv_mutex_lock(&lane->lock);
    assert(lane->job == NULL && !lane->is_ending);
    lane->job = job;
    uv_cond_signal(&lane->wake);
    uv_mutex_unlock(&lane->lock);
}

void lane_freed(struct lane *lane)
{
    assert(lane->is_busy);
    lane->is_busy = false;
}

void lane_end(struct lane *lane)
{
    if (lane == NULL)
        return;
    uv_mutex_lock(&lane->lock);
    lane->is_ending = true;
    uv_cond_signal(&lane->wake);
    uv_mutex_unlock(&lane->lock);
}
