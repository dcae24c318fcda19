/* The driver for QEMU, over QMP: sessions, their events, and commands. qmp-reading.c reads facts.
 */
#include "controller/hypervisors/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/base/util.h"
#include "controller/hypervisors/qemu/qmp-facts.h"
#include "controller/hypervisors/qemu/qmp-reading.h"
#include "controller/hypervisors/qemu/qmp.h"
#include "controller/hypervisors/qemu/sockets.h"

#define STATISTICS_INTERVAL 10 /* seconds, when nobody has switched balloon statistics on */

struct driver_session {
    struct qmp *qmp;
    const struct driver_callbacks *callbacks;
    void *userdata;
    nsec_t timeout;
    struct qmp_devices devices;
};

static int read_facts(struct driver_session *session, nsec_t timeout, driver_done done,
                      void *userdata)
{
    return qmp_read_facts(session->qmp, &session->devices, timeout, done, userdata);
}

/* ---- balloon and statistics: one command each ---- */

struct operation {
    struct driver_session *session;
    driver_done done;
    void *userdata;
};

static struct operation *operation_create(struct driver_session *session, driver_done done,
                                          void *userdata)
{
    struct operation *operation = calloc(1, sizeof(*operation));

    if (operation != NULL)
        *operation = (struct operation){session, done, userdata};
    return operation;
}

static int start(struct operation *operation, const char *command, json_t *arguments,
                 nsec_t timeout, qmp_reply on_reply)
{
    int r;

    if (operation == NULL) {
        json_decref(arguments);
        return -ENOMEM;
    }
    r = qmp_execute(operation->session->qmp, command, arguments, timeout, on_reply, operation);
    if (r < 0)
        free(operation);
    return r;
}

static void finish(struct operation *operation, const struct driver_result *result)
{
    driver_done done = operation->done;
    void *userdata = operation->userdata;

    free(operation);
    done(result, userdata);
}

static void on_balloon_set(int status, const json_t *value, const struct error *error,
                           void *userdata)
{
    finish(userdata, &(struct driver_result){.status = status, .error = error});
}

static int set_balloon(struct driver_session *session, uint64_t bytes, nsec_t timeout,
                       driver_done done, void *userdata)
{
    if (bytes == 0 || bytes > INT64_MAX)
        return -ERANGE;
    return start(operation_create(session, done, userdata), "balloon",
                 json_pack("{s:I}", "value", (json_int_t)bytes), timeout, on_balloon_set);
}

static void on_balloon_read(int status, const json_t *value, const struct error *error,
                            void *userdata)
{
    struct driver_result result = {.status = status, .error = error};
    struct error malformed;

    if (status == 0) {
        result.balloon_actual = qmp_number(value, "actual");
        if (result.balloon_actual == UINT64_MAX)
            result = (struct driver_result){
                .status = error_set(&malformed, -EPROTO, "query-balloon answered without 'actual'"),
                .error = &malformed,
            };
    }
    finish(userdata, &result);
}

static int read_balloon(struct driver_session *session, nsec_t timeout, driver_done done,
                        void *userdata)
{
    return start(operation_create(session, done, userdata), "query-balloon", NULL, timeout,
                 on_balloon_read);
}

static void on_statistics(int status, const json_t *value, const struct error *error,
                          void *userdata)
{
    struct driver_result result = {.status = status, .error = error};
    struct driver_statistics statistics;

    if (status == 0) {
        qmp_statistics(value, &statistics);
        result.statistics = &statistics;
    }
    finish(userdata, &result);
}

static void on_statistics_switched_on(int status, const json_t *value, const struct error *error,
                                      void *userdata)
{
    /* Not possible with this hypervisor: the statistics stay at "never". */
}

static void switch_statistics_on(struct driver_session *session, nsec_t timeout)
{
    session->devices.statistics_on = true;
    (void)qmp_execute(session->qmp, "qom-set",
                      json_pack("{s:s, s:s, s:i}", "path", session->devices.balloon_path,
                                "property", "guest-stats-polling-interval", "value",
                                STATISTICS_INTERVAL),
                      timeout, on_statistics_switched_on, NULL);
}

static int read_statistics(struct driver_session *session, nsec_t timeout, driver_done done,
                           void *userdata)
{
    if (session->devices.balloon_path[0] == '\0')
        return -ENODEV;
    if (!session->devices.statistics_on)
        switch_statistics_on(session, timeout);
    return start(
        operation_create(session, done, userdata), "qom-get",
        json_pack("{s:s, s:s}", "path", session->devices.balloon_path, "property", "guest-stats"),
        timeout, on_statistics);
}

/* ---- session ---- */

static void on_first_facts(const struct driver_result *result, void *userdata)
{
    struct driver_session *session = userdata;

    if (result->status == -ECANCELED)
        return;
    if (result->status < 0)
        session->callbacks->on_failed(result->status, result->error, session->userdata);
    else
        session->callbacks->on_ready(result->facts, session->userdata);
}

static void on_migration_events_on(int status, const json_t *value, const struct error *error,
                                   void *userdata)
{
    /* Refused: migrations are seen when the facts are read again. */
}

static void on_qmp_ready(void *userdata)
{
    struct driver_session *session = userdata;
    struct error error;
    int r;

    /* QEMU sends MIGRATION events only when asked to. */
    (void)qmp_execute(
        session->qmp, "migrate-set-capabilities",
        json_pack("{s:[{s:s, s:b}]}", "capabilities", "capability", "events", "state", 1),
        session->timeout, on_migration_events_on, NULL);
    r = read_facts(session, session->timeout, on_first_facts, session);
    if (r < 0) {
        (void)error_set(&error, r, "QMP: cannot ask: %s", strerror(-r));
        session->callbacks->on_failed(r, &error, session->userdata);
    }
}

static void on_balloon_event(struct driver_session *session, const json_t *data)
{
    uint64_t actual = qmp_number(data, "actual");

    if (actual != UINT64_MAX)
        session->callbacks->on_event(DRIVER_EVENT_BALLOON, actual, session->userdata);
}

/* ---- snapshots: a job of type snapshot-load that has concluded without an error ---- */

struct job_question {
    struct driver_session *session;
    char id[64];
};

static bool is_loaded_snapshot(const json_t *job, const char *id)
{
    const char *job_id = json_string_value(json_object_get(job, "id"));
    const char *type = json_string_value(json_object_get(job, "type"));

    return job_id != NULL && type != NULL && strcmp(job_id, id) == 0 &&
           strcmp(type, "snapshot-load") == 0 && json_object_get(job, "error") == NULL;
}

static void on_jobs(int status, const json_t *value, const struct error *error, void *userdata)
{
    struct job_question *question = userdata;
    struct driver_session *session = question->session;
    bool loaded = false;

    for (size_t i = 0; status == 0 && i < json_array_size(value); i++)
        loaded = loaded || is_loaded_snapshot(json_array_get(value, i), question->id);
    free(question);
    if (loaded)
        session->callbacks->on_event(DRIVER_EVENT_RESTORED, 0, session->userdata);
}

/* The event tells no type; the list of jobs does, until somebody dismisses the job. */
static void on_job_event(struct driver_session *session, const json_t *data)
{
    const char *status = json_string_value(json_object_get(data, "status"));
    const char *id = json_string_value(json_object_get(data, "id"));
    struct job_question *question;

    if (status == NULL || id == NULL || strcmp(status, "concluded") != 0)
        return;
    question = calloc(1, sizeof(*question));
    if (question == NULL)
        return;
    question->session = session;
    (void)snprintf(question->id, sizeof(question->id), "%s", id);
    if (qmp_execute(session->qmp, "query-jobs", NULL, session->timeout, on_jobs, question) < 0)
        free(question);
}

static void on_qmp_event(const char *name, const json_t *data, void *userdata)
{
    static const struct {
        const char *name;
        enum driver_event event;
    } events[] = {
        {"RESET", DRIVER_EVENT_RESET},
        {"STOP", DRIVER_EVENT_PAUSED},
        {"SUSPEND", DRIVER_EVENT_PAUSED},
        {"RESUME", DRIVER_EVENT_RESUMED},
        {"WAKEUP", DRIVER_EVENT_RESUMED},
        {"SHUTDOWN", DRIVER_EVENT_SHUTDOWN},
        {"MEMORY_DEVICE_SIZE_CHANGE", DRIVER_EVENT_MEMORY_CHANGED},
        {"DEVICE_DELETED", DRIVER_EVENT_MEMORY_CHANGED},
    };
    struct driver_session *session = userdata;

    if (strcmp(name, "BALLOON_CHANGE") == 0)
        on_balloon_event(session, data);
    else if (strcmp(name, "MIGRATION") == 0)
        session->callbacks->on_event(DRIVER_EVENT_MIGRATION, 0, session->userdata);
    else if (strcmp(name, "JOB_STATUS_CHANGE") == 0)
        on_job_event(session, data);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        if (strcmp(events[i].name, name) == 0)
            session->callbacks->on_event(events[i].event, 0, session->userdata);
}

static void on_qmp_closed(int status, const struct error *error, void *userdata)
{
    struct driver_session *session = userdata;

    session->callbacks->on_failed(status, error, session->userdata);
}

static const struct qmp_callbacks qmp_session_callbacks = {on_qmp_ready, on_qmp_event,
                                                           on_qmp_closed};

static int session_open(uv_loop_t *loop, const char *path, nsec_t timeout,
                        const struct driver_callbacks *callbacks, void *userdata,
                        struct driver_session **ret_session)
{
    struct driver_session *session = calloc(1, sizeof(*session));
    int r;

    if (session == NULL)
        return -ENOMEM;
    session->callbacks = callbacks;
    session->userdata = userdata;
    session->timeout = timeout;
    r = qmp_open(loop, path, timeout, &qmp_session_callbacks, session, &session->qmp);
    if (r < 0) {
        free(session);
        return r;
    }
    *ret_session = session;
    return 0;
}

static void session_close(struct driver_session *session)
{
    if (session == NULL)
        return;
    qmp_close(session->qmp);
    free(session);
}

static void session_tick(struct driver_session *session, nsec_t now)
{
    qmp_tick(session->qmp, now);
}

const struct driver qemu_driver = {
    .version = DRIVER_VERSION,
    .name = "qemu",
    .old_name = "qmp",
    .check = qemu_check_socket,
    .open = session_open,
    .close = session_close,
    .tick = session_tick,
    .read_facts = read_facts,
    .read_balloon = read_balloon,
    .read_statistics = read_statistics,
    .set_balloon = set_balloon,
    .is_vm = qemu_is_socket,
    .suggest_name = qemu_name_socket,
};
