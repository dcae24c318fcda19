/* The driver of VMs that are not there: "null:NAME" has a balloon that only this file remembers.
 *
 * It shows what a driver must have, and is what a test or a load generator needs. Copy it, and put
 * your hypervisor's protocol where `answer` makes answers up. */
#include "controller/hypervisors/driver.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define RAM (UINT64_C(1) << 30)

struct driver_session {
    uv_loop_t *loop;
    const struct driver_callbacks *callbacks;
    void *userdata;
    bool ready;
    struct list operations; /* that are not answered */
    struct driver_facts facts;
};

/* An operation, or the opening of the session, which has no `done`. */
struct operation {
    struct list link;
    uv_timer_t timer; /* no completion runs from inside the call that started it */
    struct driver_session *session;
    driver_done done;
    void *userdata;
    struct driver_result result;
};

static void on_timer_closed(uv_handle_t *timer)
{
    free(container_of(timer, struct operation, timer));
}

static void end(struct operation *operation, const struct driver_result *result)
{
    list_remove(&operation->link);
    uv_close((uv_handle_t *)&operation->timer, on_timer_closed);
    if (operation->done != NULL)
        operation->done(result, operation->userdata);
}

static void answer(uv_timer_t *timer)
{
    struct operation *operation = container_of(timer, struct operation, timer);
    struct driver_session *session = operation->session;
    bool is_opening = operation->done == NULL;

    end(operation, &operation->result); /* the session may be closed now, unless it is opening */
    if (is_opening) {
        session->ready = true;
        session->callbacks->on_ready(&session->facts, session->userdata);
    }
}

static int answer_later(struct driver_session *session, const struct driver_result *result,
                        driver_done done, void *userdata)
{
    struct operation *operation;
    int r;

    operation = calloc(1, sizeof(*operation));
    if (operation == NULL)
        return -ENOMEM;
    r = uv_timer_init(session->loop, &operation->timer);
    if (r < 0) {
        free(operation);
        return r;
    }
    operation->session = session;
    operation->done = done;
    operation->userdata = userdata;
    operation->result = *result;
    operation->result.outcome = DRIVER_OUTCOME_DONE;
    list_append(&session->operations, &operation->link);
    return uv_timer_start(&operation->timer, answer, 0, 0);
}

static int session_start(struct driver_session *session, enum driver_operation operation,
                         uint64_t value, nsec_t timeout, driver_done done, void *userdata)
{
    struct driver_facts *facts = &session->facts;
    struct driver_result result = {.facts = NULL};
    int r;

    if (!session->ready)
        return -ENOTCONN;
    switch (operation) {
    case DRIVER_READ_FACTS:
        result.facts = facts;
        return answer_later(session, &result, done, userdata);
    case DRIVER_READ_BALLOON:
        result.balloon_actual = facts->balloon_actual;
        result.balloon_maximum = facts->balloon_maximum;
        return answer_later(session, &result, done, userdata);
    case DRIVER_SET_BALLOON:
        if (value == 0 || value > INT64_MAX)
            return -ERANGE;
        r = answer_later(session, &result, done, userdata);
        if (r == 0)
            facts->balloon_actual = min_of(value, RAM);
        return r;
    default:
        return -EOPNOTSUPP;
    }
}

static void session_close(struct driver_session *session)
{
    struct error error;

    if (session == NULL)
        return;
    session->ready = false;
    error_set(&error, -ECANCELED, "the session was closed");
    while (!list_is_empty(&session->operations))
        end(list_entry(session->operations.next, struct operation, link),
            &(struct driver_result){.status = -ECANCELED, .error = &error});
    free(session);
}

static int session_open(uv_loop_t *loop, const char *name, nsec_t timeout,
                        const struct driver_callbacks *callbacks, void *userdata,
                        struct driver_session **ret_session)
{
    struct driver_session *session = calloc(1, sizeof(*session));
    int r;

    if (session == NULL)
        return -ENOMEM;
    session->loop = loop;
    session->callbacks = callbacks;
    session->userdata = userdata;
    list_init(&session->operations);
    session->facts = (struct driver_facts){
        .capabilities = DRIVER_CAN_SET_BALLOON,
        .run_state = RUN_STATE_RUNNING,
        .ram = RAM,
        .balloon = ANSWER_YES,
        .balloon_actual = RAM,
        .balloon_maximum = RAM,
        .statistics_interval = DRIVER_INTERVAL_UNKNOWN,
    };
    text_copy_line(session->facts.name, sizeof(session->facts.name), name);
    r = answer_later(session, &(struct driver_result){0}, NULL, NULL);
    if (r < 0)
        free(session);
    else
        *ret_session = session;
    return r;
}

/* All is answered at once: there are no deadlines. */
static void session_tick(struct driver_session *session, nsec_t now)
{
}

static int check(const char *name, struct error *error)
{
    if (name[0] == '\0' || strlen(name) >= sizeof(((struct driver_facts *)NULL)->name))
        return error_set(error, -EINVAL, "'%s' is not the name of a VM", name);
    return 0;
}

const struct driver null_driver = {
    .abi = DRIVER_ABI,
    .name = "null",
    .check = check,
    .open = session_open,
    .close = session_close,
    .tick = session_tick,
    .start = session_start,
};
