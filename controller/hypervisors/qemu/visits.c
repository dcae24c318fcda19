/* Visits to shared QMP sockets. */
#include "controller/hypervisors/qemu/visits.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/base/util.h"

#define LOOKS_MAX  8                 /* turns of the loop */
#define SERVED_MIN (VISIT_LIMIT / 4) /* else a busy host would greet us for nothing for ever */

enum state {
    AWAY,    /* nothing is due */
    COMING,  /* the timer brings us there */
    WAITING, /* connected, not greeted yet */
    SERVED,
    LEAVING,
    OVER, /* it failed */
    CLOSED,
};

struct visits {
    uv_timer_t timer; /* of COMING the pause, of WAITING and SERVED the limit */
    enum state state;
    char *path;
    struct qmp *qmp; /* of WAITING, SERVED and LEAVING */
    const struct visits_callbacks *callbacks;
    void *userdata;
    nsec_t heard;
    nsec_t leave_by;     /* CLOCK_MONOTONIC: the end of this visit */
    unsigned looks;      /* after that end */
    struct list kept;    /* struct kept, to be started */
    struct list running; /* started in this visit */
    unsigned count;
};

/* An operation. */
struct kept {
    struct list link;
    struct visits *visits;
    enum driver_operation operation;
    uint64_t value;
    nsec_t began;     /* CLOCK_MONOTONIC */
    nsec_t deadline;  /* likewise */
    bool was_sent;    /* in this visit or one before */
    driver_done done; /* NULL: it was told; the connection has yet to end it */
    void *userdata;
};

static void on_timer(uv_timer_t *timer);

static void check(const struct visits *visits)
{
    bool is_there = visits->state == WAITING || visits->state == SERVED || visits->state == LEAVING;

    assert((visits->qmp != NULL) == is_there);
    assert(is_there || list_is_empty(&visits->running));
}

static void set_timer(struct visits *visits, nsec_t delay)
{
    uv_update_time(visits->timer.loop);
    uv_timer_start(&visits->timer, on_timer, delay / NSEC_PER_MSEC, 0);
}

/* ---- how an operation ends ---- */

/* Its owner may close the visits. */
static void end(struct kept *kept, const struct driver_result *result)
{
    struct kept copy = *kept;

    list_remove(&kept->link);
    kept->visits->count--;
    free(kept);
    if (copy.done != NULL)
        copy.done(result, copy.userdata);
}

static void tell(struct kept *kept, const struct driver_result *result)
{
    driver_done done = kept->done;

    kept->done = NULL;
    if (done != NULL)
        done(result, kept->userdata);
}

static const char *why_late(const struct kept *kept)
{
    if (kept->was_sent)
        return "no answer in time; others wait, so vmreclaim has left";
    return visits_heard(kept->visits) > kept->began ? "it greets and then does not answer"
                                                    : "others had it all the time";
}

static void end_late(struct kept *kept)
{
    bool was_sent = kept->was_sent;
    struct error error;

    error_set(&error, -ETIMEDOUT, "QMP socket %s: %s", kept->visits->path, why_late(kept));
    end(kept,
        &(struct driver_result){.status = -ETIMEDOUT,
                                .outcome = was_sent || !driver_operation_changes(kept->operation)
                                               ? DRIVER_OUTCOME_UNKNOWN
                                               : DRIVER_OUTCOME_NOT_DONE,
                                .error = &error});
}

/* Those that are not under way: of these, no command was ever sent. */
static void end_kept(struct visits *visits, int status, const struct error *error)
{
    while (!list_is_empty(&visits->kept))
        end(list_entry(visits->kept.next, struct kept, link),
            &(struct driver_result){
                .status = status, .outcome = DRIVER_OUTCOME_NOT_DONE, .error = error});
}

/* ---- a visit ---- */

static void come_after(struct visits *visits, nsec_t pause)
{
    visits->state = COMING;
    set_timer(visits, pause);
}

static nsec_t random_pause(const struct visits *visits)
{
    uint64_t number = hash_number(time_monotonic() ^ (uint64_t)(uintptr_t)visits);

    return VISIT_PAUSE_MIN + number % (VISIT_PAUSE_MAX - VISIT_PAUSE_MIN);
}

/* What was not answered is asked again, or told. */
static void leave(struct visits *visits)
{
    struct qmp *qmp = visits->qmp;

    if (visits->state == CLOSED)
        return;
    visits->state = LEAVING;
    visits->heard = max_of(visits->heard, qmp_heard(qmp));
    uv_timer_stop(&visits->timer);
    visits->callbacks->on_visit(NULL, visits->userdata);
    qmp_close(qmp);
    if (visits->state == CLOSED)
        return;
    visits->qmp = NULL;
    visits->state = AWAY;
    if (!list_is_empty(&visits->kept))
        come_after(visits, random_pause(visits));
    check(visits);
}

/* Owners ask again from inside an end: nothing starts any more. */
static void give_up(struct visits *visits, int status, const struct error *error)
{
    if (visits->state == CLOSED)
        return;
    visits->state = OVER;
    uv_timer_stop(&visits->timer);
    end_kept(visits, status, error);
    if (visits->state != CLOSED)
        visits->callbacks->on_failed(status, error, visits->userdata);
}

static void fail(struct visits *visits, int status, const struct error *error)
{
    struct error copy = *error;

    leave(visits);
    give_up(visits, status, &copy);
}

static void on_done(const struct driver_result *result, void *userdata)
{
    struct kept *kept = userdata;
    struct visits *visits = kept->visits;

    if (visits->state == LEAVING && result->status == -ECANCELED && kept->done != NULL) {
        if (driver_operation_changes(kept->operation)) {
            end_late(kept);
            return;
        }
        list_remove(&kept->link);
        list_append(&visits->kept, &kept->link);
        return;
    }
    end(kept, result);
    if (visits->state == SERVED && list_is_empty(&visits->running))
        set_timer(visits, 0); /* not from inside what the connection is doing */
}

static void start_kept(struct visits *visits)
{
    while (visits->state == SERVED && !list_is_empty(&visits->kept)) {
        struct kept *kept = list_entry(visits->kept.next, struct kept, link);
        nsec_t now = time_monotonic();
        struct error error;
        int r;

        if (now >= kept->deadline) {
            end_late(kept);
            continue;
        }
        list_remove(&kept->link);
        list_append(&visits->running, &kept->link);
        kept->was_sent = true;
        r = visits->callbacks->start(kept->operation, kept->value, kept->deadline - now, on_done,
                                     kept, visits->userdata);
        if (r < 0) {
            error_set(&error, r, "QMP socket %s: %s", visits->path, strerror(-r));
            end(kept, &(struct driver_result){
                          .status = r, .outcome = DRIVER_OUTCOME_NOT_DONE, .error = &error});
        }
    }
}

static void on_qmp_ready(void *userdata)
{
    struct visits *visits = userdata;

    visits->state = SERVED;
    visits->leave_by = max_of(visits->leave_by, time_monotonic() + SERVED_MIN);
    visits->callbacks->on_visit(visits->qmp, visits->userdata);
    set_timer(visits, 0);
}

static void on_qmp_event(const char *name, const json_t *data, void *userdata)
{
    struct visits *visits = userdata;

    visits->callbacks->on_event(name, data, visits->userdata);
}

/* Somebody else is there, or QEMU is busy; they will not be for long. */
static bool may_pass(enum state state, int status)
{
    return state == WAITING && (status == -EAGAIN || status == -ETIMEDOUT || status == -EBUSY);
}

static void on_qmp_closed(int status, const struct error *error, void *userdata)
{
    struct visits *visits = userdata;

    if (may_pass(visits->state, status))
        leave(visits);
    else
        fail(visits, status, error);
}

static const struct qmp_callbacks qmp_callbacks = {on_qmp_ready, on_qmp_event, on_qmp_closed};

static void come(struct visits *visits)
{
    struct error error;
    int r;

    if (list_is_empty(&visits->kept)) {
        visits->state = AWAY;
        return;
    }
    visits->state = WAITING;
    r = qmp_open(visits->timer.loop, visits->path, VISIT_LIMIT, &qmp_callbacks, visits,
                 &visits->qmp);
    if (r == 0) {
        visits->leave_by = time_monotonic() + VISIT_LIMIT;
        visits->looks = 0;
        set_timer(visits, VISIT_LIMIT);
        return;
    }
    error_set(&error, r, "QMP socket %s: %s", visits->path, strerror(-r));
    give_up(visits, r, &error);
}

/* What has come while a busy host did not run us is read first. */
static void look_or_leave(struct visits *visits)
{
    if (visits->looks++ < LOOKS_MAX)
        set_timer(visits, 0);
    else
        leave(visits);
}

/* Something may be due, or the time may be over. */
static void go_on(struct visits *visits)
{
    nsec_t now = time_monotonic();

    if (now < visits->leave_by)
        start_kept(visits);
    if (visits->state != SERVED)
        return;
    if (list_is_empty(&visits->running))
        leave(visits);
    else if (now < visits->leave_by)
        set_timer(visits, visits->leave_by - now);
    else
        look_or_leave(visits);
}

static void on_timer(uv_timer_t *timer)
{
    struct visits *visits = container_of(timer, struct visits, timer);

    check(visits);
    if (visits->state == COMING)
        come(visits);
    else if (visits->state == SERVED)
        go_on(visits);
    else
        look_or_leave(visits);
}

/* ---- the whole ---- */

int visits_open(uv_loop_t *loop, const char *path, const struct visits_callbacks *callbacks,
                void *userdata, struct visits **ret_visits)
{
    struct visits *visits = calloc(1, sizeof(*visits));

    if (visits == NULL || (visits->path = strdup(path)) == NULL) {
        free(visits);
        return -ENOMEM;
    }
    visits->callbacks = callbacks;
    visits->userdata = userdata;
    list_init(&visits->kept);
    list_init(&visits->running);
    uv_timer_init(loop, &visits->timer);
    *ret_visits = visits;
    return 0;
}

static void on_timer_closed(uv_handle_t *timer)
{
    struct visits *visits = container_of(timer, struct visits, timer);

    free(visits->path);
    free(visits);
}

void visits_close(struct visits *visits)
{
    struct qmp *qmp = visits == NULL ? NULL : visits->qmp;
    struct error error;

    if (visits == NULL || visits->state == CLOSED)
        return;
    visits->state = CLOSED;
    visits->qmp = NULL;
    error_set(&error, -ECANCELED, "QMP socket %s: closed", visits->path);
    list_for_each (link, &visits->running)
        tell(list_entry(link, struct kept, link),
             &(struct driver_result){.status = -ECANCELED, .error = &error});
    qmp_close(qmp); /* ends those that run; from inside such an end, that goes on behind us */
    end_kept(visits, -ECANCELED, &error);
    uv_close((uv_handle_t *)&visits->timer, on_timer_closed);
}

int visits_start(struct visits *visits, enum driver_operation operation, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata)
{
    nsec_t now = time_monotonic();
    struct kept *kept;

    if (visits->state == OVER || visits->state == CLOSED)
        return -ENOTCONN;
    if (visits->count >= VISIT_KEPT_MAX)
        return -EBUSY;
    kept = calloc(1, sizeof(*kept));
    if (kept == NULL)
        return -ENOMEM;
    *kept = (struct kept){.visits = visits,
                          .operation = operation,
                          .value = value,
                          .began = now,
                          .deadline = now + timeout,
                          .done = done,
                          .userdata = userdata};
    visits->count++;
    list_append(&visits->kept, &kept->link);
    if (visits->state == AWAY)
        come_after(visits, 0);
    else if (visits->state == SERVED)
        set_timer(visits, 0);
    return 0;
}

/* Owners may start and close anything at each end: the list is looked through anew. */
static struct kept *find_late(const struct visits *visits, nsec_t now)
{
    list_for_each (link, &visits->kept) {
        struct kept *kept = list_entry(link, struct kept, link);

        if (now >= kept->deadline)
            return kept;
    }
    return NULL;
}

void visits_tick(struct visits *visits, nsec_t now)
{
    struct kept *late;

    if (visits->qmp != NULL)
        qmp_tick(visits->qmp, now);
    while ((late = find_late(visits, now)) != NULL)
        end_late(late);
}

nsec_t visits_heard(const struct visits *visits)
{
    return visits->qmp != NULL ? max_of(visits->heard, qmp_heard(visits->qmp)) : visits->heard;
}
