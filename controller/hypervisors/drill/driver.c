/* Drivers that wrap any other, for tests and drills:
 *
 *     slow:DELAY:ADDRESS       its answers come so much later; after their deadline, to nobody
 *     failing:refuse:ADDRESS   every operation is refused
 *     failing:hang:ADDRESS     no operation is answered
 *     failing:close:ADDRESS    the session ends in the middle of the first operation
 *     failing:taken:ADDRESS    no session comes up: somebody else has the hypervisor */
#include <stdlib.h>
#include <string.h>

#include "controller/hypervisors/drill/operations.h"

#define DELAY_MAX (60 * NSEC_PER_SEC)

enum how {
    HOW_SLOW,
    HOW_REFUSE,
    HOW_HANG,
    HOW_CLOSE,
    HOW_TAKEN,
};

struct driver_session {
    uv_timer_t timer; /* keeps the session until it is closed; of HOW_TAKEN the deadline */
    const struct driver_callbacks *callbacks;
    void *userdata;
    enum how how;
    nsec_t delay;
    struct hypervisor_address inner;
    struct driver_session *session; /* of the inner driver; NULL: HOW_TAKEN */
    nsec_t heard;
    bool ready;
    bool closing;
    struct list operations;
};

/* ---- operations ---- */

static void end_all(struct driver_session *session, const struct driver_result *result)
{
    while (!list_is_empty(&session->operations)) {
        struct drill_operation *operation =
            list_entry(session->operations.next, struct drill_operation, link);

        drill_end(operation);
        drill_tell(operation, result);
    }
}

/* The owner may close the session in any of the callbacks. */
static void fail(struct driver_session *session, int status, const struct error *error)
{
    session->ready = false;
    end_all(session, &(struct driver_result){.status = status, .error = error});
    if (!session->closing)
        session->callbacks->on_failed(status, error, session->userdata);
}

static void on_due(uv_timer_t *timer);

/* For its answer or its deadline, whichever is first. */
static void wait_for_next(struct drill_operation *operation)
{
    nsec_t until = operation->has_result ? operation->due : operation->deadline;

    if (operation->done != NULL)
        until = min_of(until, operation->deadline);
    if (operation->has_result || operation->done != NULL)
        drill_wait(operation, until, on_due);
}

static void tell_answer(struct drill_operation *operation)
{
    drill_end(operation);
    drill_tell(operation, &operation->result);
}

static void tell_late(struct drill_operation *operation)
{
    struct error error;

    if (operation->has_result)
        drill_wait(operation, operation->due, on_due);
    error_set(&error, -ETIMEDOUT, "drill: no answer in time");
    drill_tell(operation, &(struct driver_result){.status = -ETIMEDOUT, .error = &error});
}

/* On a busy host this may run after both times: the one that was first counts. */
static void on_due(uv_timer_t *timer)
{
    struct drill_operation *operation = container_of(timer, struct drill_operation, timer);
    bool is_late = !operation->has_result || operation->due > operation->deadline;
    nsec_t now = time_monotonic();

    if (operation->done != NULL && is_late && now >= operation->deadline) {
        tell_late(operation);
    } else if (operation->has_result && now >= operation->due) {
        operation->session->heard = now;
        tell_answer(operation);
    } else {
        wait_for_next(operation); /* a timer's milliseconds are not ours */
    }
}

static void on_inner_answer(const struct driver_result *result, void *userdata)
{
    struct drill_operation *operation = userdata;

    drill_keep(operation, result);
    if (operation->session->closing)
        tell_answer(operation);
    else
        wait_for_next(operation);
}

static void on_close_due(uv_timer_t *timer)
{
    struct drill_operation *operation = container_of(timer, struct drill_operation, timer);
    struct error error;

    error_set(&error, -ECONNRESET, "drill: the hypervisor closed the connection");
    fail(operation->session, -ECONNRESET, &error);
}

/* As `how` has it, instead of the inner driver. */
static void start_failing(struct drill_operation *operation, enum how how)
{
    struct error error;

    if (how == HOW_REFUSE) {
        error_set(&error, -EREMOTEIO, "drill: refused");
        drill_keep(operation, &(struct driver_result){.status = -EREMOTEIO,
                                                      .outcome = DRIVER_OUTCOME_NOT_DONE,
                                                      .error = &error});
        operation->due = 0;
    }
    drill_wait(operation, how == HOW_HANG ? operation->deadline : 0,
               how == HOW_CLOSE ? on_close_due : on_due);
}

static int session_start(struct driver_session *session, enum driver_operation kind, uint64_t value,
                         nsec_t timeout, driver_done done, void *userdata)
{
    struct drill_operation *operation;
    int r = 0;

    if (!session->ready)
        return -ENOTCONN;
    operation = drill_begin(session->timer.loop, &session->operations, session, done, userdata);
    if (operation == NULL)
        return -ENOMEM;
    operation->due = time_monotonic() + session->delay;
    operation->deadline = time_monotonic() + timeout;
    if (session->how != HOW_SLOW) {
        start_failing(operation, session->how);
        return 0;
    }
    r = session->inner.driver->start(session->session, kind, value, timeout, on_inner_answer,
                                     operation);
    if (r < 0)
        drill_end(operation);
    else
        drill_wait(operation, operation->deadline, on_due);
    return r;
}

/* ---- session ---- */

static void on_inner_ready(const struct driver_facts *facts, void *userdata)
{
    struct driver_session *session = userdata;

    session->ready = true;
    session->heard = time_monotonic();
    session->callbacks->on_ready(facts, session->userdata);
}

static void on_inner_event(enum driver_event event, void *userdata)
{
    struct driver_session *session = userdata;

    session->callbacks->on_event(event, session->userdata);
}

static void on_inner_failed(int status, const struct error *error, void *userdata)
{
    fail(userdata, status, error);
}

static const struct driver_callbacks inner_callbacks = {on_inner_ready, on_inner_event,
                                                        on_inner_failed};

static void on_taken(uv_timer_t *timer)
{
    struct driver_session *session = container_of(timer, struct driver_session, timer);
    struct error error;

    error_set(&error, -ETIMEDOUT, "drill: no greeting in time");
    fail(session, -ETIMEDOUT, &error);
}

static void on_timer_closed(uv_handle_t *timer)
{
    free(container_of(timer, struct driver_session, timer));
}

static void session_close(struct driver_session *session)
{
    struct error error;

    if (session == NULL || session->closing)
        return;
    session->closing = true;
    session->ready = false;
    if (session->session != NULL)
        session->inner.driver->close(session->session);
    error_set(&error, -ECANCELED, "the session was closed");
    end_all(session, &(struct driver_result){.status = -ECANCELED, .error = &error});
    uv_close((uv_handle_t *)&session->timer, on_timer_closed);
}

static int open_inner(struct driver_session *session, nsec_t timeout)
{
    if (session->how == HOW_TAKEN)
        return uv_timer_start(&session->timer, on_taken, timeout / NSEC_PER_MSEC, 0);
    return session->inner.driver->open(session->timer.loop,
                                       hypervisor_address_where(&session->inner), timeout,
                                       &inner_callbacks, session, &session->session);
}

static int open_with(uv_loop_t *loop, const struct driver_session *plan, nsec_t timeout,
                     const struct driver_callbacks *callbacks, void *userdata,
                     struct driver_session **ret_session)
{
    struct driver_session *session = calloc(1, sizeof(*session));
    int r;

    if (session == NULL)
        return -ENOMEM;
    *session = *plan;
    session->callbacks = callbacks;
    session->userdata = userdata;
    list_init(&session->operations);
    uv_timer_init(loop, &session->timer);
    r = open_inner(session, timeout);
    if (r < 0) {
        uv_close((uv_handle_t *)&session->timer, on_timer_closed);
        return r;
    }
    *ret_session = session;
    return 0;
}

static void session_tick(struct driver_session *session, nsec_t now)
{
    if (session->session != NULL)
        session->inner.driver->tick(session->session, now);
}

static nsec_t session_heard(const struct driver_session *session)
{
    return session->heard;
}

/* ---- addresses ---- */

static int parse_slow(const char *where, struct driver_session *plan, struct error *error)
{
    char delay[16];
    int r = drill_split(where, delay, sizeof(delay), &plan->inner, error);

    if (r < 0)
        return r;
    if (time_parse_duration(delay, &plan->delay) < 0 || plan->delay > DELAY_MAX)
        return error_set(error, -EINVAL, "'%s' is not a time of at most 60s, as in slow:200ms:%s",
                         delay, plan->inner.text);
    return 0;
}

static int parse_failing(const char *where, struct driver_session *plan, struct error *error)
{
    static const struct {
        const char *name;
        enum how how;
    } list[] = {
        {"refuse", HOW_REFUSE}, {"hang", HOW_HANG}, {"close", HOW_CLOSE}, {"taken", HOW_TAKEN}};
    char how[16];
    int r = drill_split(where, how, sizeof(how), &plan->inner, error);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        if (strcmp(list[i].name, how) == 0) {
            plan->how = list[i].how;
            return 0;
        }
    return error_set(error, -EINVAL, "'%s' is none of refuse, hang, close, taken", how);
}

static int check_slow(const char *where, struct error *error)
{
    return parse_slow(where, &(struct driver_session){0}, error);
}

static int check_failing(const char *where, struct error *error)
{
    return parse_failing(where, &(struct driver_session){0}, error);
}

static int open_slow(uv_loop_t *loop, const char *where, nsec_t timeout,
                     const struct driver_callbacks *callbacks, void *userdata,
                     struct driver_session **ret_session)
{
    struct driver_session plan = {.how = HOW_SLOW};
    int r = parse_slow(where, &plan, NULL);

    return r < 0 ? r : open_with(loop, &plan, timeout, callbacks, userdata, ret_session);
}

static int open_failing(uv_loop_t *loop, const char *where, nsec_t timeout,
                        const struct driver_callbacks *callbacks, void *userdata,
                        struct driver_session **ret_session)
{
    struct driver_session plan = {0};
    int r = parse_failing(where, &plan, NULL);

    return r < 0 ? r : open_with(loop, &plan, timeout, callbacks, userdata, ret_session);
}

#define DRILL_DRIVER(driver_name, check_function, open_function)                                   \
    {                                                                                              \
        .abi = DRIVER_ABI, .name = (driver_name), .check = (check_function),                       \
        .open = (open_function), .close = session_close, .tick = session_tick,                     \
        .start = session_start, .heard = session_heard,                                            \
    }

const struct driver slow_driver = DRILL_DRIVER("slow", check_slow, open_slow);
const struct driver failing_driver = DRILL_DRIVER("failing", check_failing, open_failing);
