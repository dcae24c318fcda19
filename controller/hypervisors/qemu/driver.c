/* The driver for QEMU, over QMP: sessions, their events, and commands. qmp-reading.c reads facts.
 */
#include "controller/hypervisors/driver.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/base/util.h"
#include "controller/hypervisors/qemu/memory-map.h"
#include "controller/hypervisors/qemu/qmp-facts.h"
#include "controller/hypervisors/qemu/qmp-reading.h"
#include "controller/hypervisors/qemu/qmp.h"
#include "controller/hypervisors/qemu/snapshots.h"
#include "controller/hypervisors/qemu/sockets.h"
#include "controller/hypervisors/qemu/visits.h"

struct driver_session {
    struct qmp *qmp;       /* of a shared socket only in a visit */
    struct visits *visits; /* of a shared socket; else NULL */
    bool is_ready;
    const struct driver_callbacks *callbacks;
    void *userdata;
    nsec_t timeout;
    struct qmp_devices devices;
    struct qmp_snapshots snapshots;
};

static int ask_facts(struct driver_session *session, nsec_t timeout, driver_done done,
                     void *userdata)
{
    return qmp_read_facts(session->qmp, &session->devices, timeout, done, userdata);
}

/* ---- operations of one command ---- */

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

/* Takes over `arguments`. */
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

static void on_done(int status, const json_t *value, const struct error *error, void *userdata)
{
    finish(userdata, &(struct driver_result){
                         .status = status, .outcome = driver_outcome_of(status), .error = error});
}

static int tell_balloon(struct driver_session *session, uint64_t bytes, nsec_t timeout,
                        driver_done done, void *userdata)
{
    uint64_t beyond = session->devices.virtio_mem;
    uint64_t value = bytes > beyond + QMP_BALLOON_MIN ? bytes - beyond : QMP_BALLOON_MIN;

    return start(operation_create(session, done, userdata), "balloon",
                 json_pack("{s:I}", "value", (json_int_t)value), timeout, on_done);
}

/* ---- the balloon's size, and what it is the rest of ---- */

struct balloon_reading {
    struct driver_session *session;
    driver_done done;
    void *userdata;
    unsigned open; /* commands without an answer */
    bool has_devices;
    struct qmp_memory_devices devices;
    struct driver_result result;
    struct error error;
};

static void end_balloon_reading(struct balloon_reading *reading)
{
    struct driver_result *result = &reading->result;
    struct qmp_devices *known = &reading->session->devices;
    struct qmp_balloon balloon;

    if (--reading->open > 0)
        return;
    if (result->status == 0) {
        qmp_balloon_sizes(result->balloon_actual, known->base_memory,
                          reading->has_devices ? &reading->devices : NULL, &balloon);
        result->balloon_actual = balloon.actual;
        result->balloon_maximum = balloon.maximum;
        known->virtio_mem = reading->devices.virtio_mem;
    }
    reading->done(result, reading->userdata);
    free(reading);
}

static void fail_balloon_reading(struct balloon_reading *reading, int status,
                                 const struct error *error)
{
    if (reading->result.status < 0)
        return; /* the first reason counts */
    reading->error = *error;
    reading->result = (struct driver_result){.status = status, .error = &reading->error};
}

static void on_memory_devices(int status, const json_t *value, const struct error *error,
                              void *userdata)
{
    struct balloon_reading *reading = userdata;

    if (status == 0)
        reading->has_devices = qmp_memory_devices(value, &reading->devices);
    /* A QEMU that refuses only this leaves the maximum unknown. */
    else if (status != -EREMOTEIO)
        fail_balloon_reading(reading, status, error);
    end_balloon_reading(reading);
}

static void on_balloon_read(int status, const json_t *value, const struct error *error,
                            void *userdata)
{
    struct balloon_reading *reading = userdata;
    uint64_t actual = status < 0 ? UINT64_MAX : qmp_size(value, "actual");
    struct error malformed;

    if (status < 0)
        fail_balloon_reading(reading, status, error);
    else if (actual == UINT64_MAX)
        fail_balloon_reading(
            reading, error_set(&malformed, -EPROTO, "query-balloon answered without 'actual'"),
            &malformed);
    else if (reading->result.status == 0)
        reading->result.balloon_actual = actual;
    end_balloon_reading(reading);
}

static int ask_balloon(struct driver_session *session, nsec_t timeout, driver_done done,
                       void *userdata)
{
    struct balloon_reading *reading = calloc(1, sizeof(*reading));
    int r;

    if (reading == NULL)
        return -ENOMEM;
    *reading = (struct balloon_reading){.session = session, .done = done, .userdata = userdata};
    r = qmp_query(session->qmp, "query-balloon", timeout, on_balloon_read, reading);
    if (r < 0) {
        free(reading);
        return r;
    }
    reading->open = 1;
    if (qmp_query(session->qmp, "query-memory-devices", timeout, on_memory_devices, reading) == 0)
        reading->open++;
    return 0;
}

/* ---- statistics ---- */

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

static int tell_statistics_interval(struct driver_session *session, uint32_t seconds,
                                    nsec_t timeout, driver_done done, void *userdata)
{
    return start(operation_create(session, done, userdata), "qom-set",
                 json_pack("{s:s, s:s, s:I}", "path", session->devices.balloon_path, "property",
                           "guest-stats-polling-interval", "value", (json_int_t)seconds),
                 timeout, on_done);
}

static int ask_statistics(struct driver_session *session, nsec_t timeout, driver_done done,
                          void *userdata)
{
    return start(
        operation_create(session, done, userdata), "qom-get",
        json_pack("{s:s, s:s}", "path", session->devices.balloon_path, "property", "guest-stats"),
        timeout, on_statistics);
}

/* ---- where its memory lies ---- */

static void on_memory_tree(int status, const json_t *value, const struct error *error,
                           void *userdata)
{
    struct operation *operation = userdata;
    struct driver_result result = {.status = status, .error = error};
    const char *text = json_string_value(value);
    struct driver_memory_map map;
    struct error unknown;

    if (status == 0 &&
        (text == NULL || !qemu_memory_map(text, operation->session->devices.ram, &map))) {
        result.status = error_set(&unknown, -ENODATA, "QEMU's memory regions are not the VM's");
        result.error = &unknown;
    } else if (status == 0)
        result.memory_map = &map;
    finish(operation, &result);
}

static int ask_memory_map(struct driver_session *session, nsec_t timeout, driver_done done,
                          void *userdata)
{
    return start(operation_create(session, done, userdata), "human-monitor-command",
                 json_pack("{s:s}", "command-line", "info mtree -f"), timeout, on_memory_tree);
}

/* ---- operations, now or in the next visit ---- */

/* Over the connection that there is. */
static int start_now(enum driver_operation operation, uint64_t value, nsec_t timeout,
                     driver_done done, void *done_userdata, void *userdata)
{
    struct driver_session *session = userdata;

    switch (operation) {
    case DRIVER_READ_FACTS:
        return ask_facts(session, timeout, done, done_userdata);
    case DRIVER_READ_BALLOON:
        return ask_balloon(session, timeout, done, done_userdata);
    case DRIVER_READ_STATISTICS:
        return ask_statistics(session, timeout, done, done_userdata);
    case DRIVER_READ_MEMORY_MAP:
        return ask_memory_map(session, timeout, done, done_userdata);
    case DRIVER_SET_BALLOON:
        return tell_balloon(session, value, timeout, done, done_userdata);
    case DRIVER_SET_STATISTICS_INTERVAL:
        return tell_statistics_interval(session, (uint32_t)value, timeout, done, done_userdata);
    case DRIVER_SET_MARK:
        break;
    }
    return -EOPNOTSUPP;
}

static int session_start(struct driver_session *session, enum driver_operation operation,
                         uint64_t value, nsec_t timeout, driver_done done, void *userdata)
{
    bool needs_statistics =
        operation == DRIVER_READ_STATISTICS || operation == DRIVER_SET_STATISTICS_INTERVAL;

    if (!session->is_ready)
        return -ENOTCONN;
    if (needs_statistics && session->devices.balloon_path[0] == '\0')
        return -ENODEV;
    if (operation == DRIVER_SET_MARK)
        return -EOPNOTSUPP; /* QEMU has no place for one */
    if (operation == DRIVER_SET_BALLOON && (value == 0 || value > INT64_MAX))
        return -ERANGE;
    if (session->visits == NULL)
        return start_now(operation, value, timeout, done, userdata, session);
    return visits_start(session->visits, operation, value, timeout, done, userdata);
}

/* ---- session ---- */

static nsec_t session_heard(const struct driver_session *session)
{
    return session->visits != NULL ? visits_heard(session->visits) : qmp_heard(session->qmp);
}

/* Who has greeted is in nobody else's hand. */
static void fail_late(struct driver_session *session, const struct error *why)
{
    bool hangs = session_heard(session) != 0;
    int status = hangs ? -EBUSY : -ETIMEDOUT;
    struct error error;

    error_set(&error, status, "%s%s", why->text, hangs ? ": QEMU hangs, is stopped or busy" : "");
    session->callbacks->on_failed(status, &error, session->userdata);
}

static void on_first_facts(const struct driver_result *result, void *userdata)
{
    struct driver_session *session = userdata;

    if (result->status == -ECANCELED)
        return;
    /* A visit that ends by itself tells so. */
    if (result->status == -ETIMEDOUT)
        fail_late(session, result->error);
    else if (result->status < 0 && session->visits == NULL)
        session->callbacks->on_failed(result->status, result->error, session->userdata);
    else if (result->status == 0) {
        session->is_ready = true;
        session->callbacks->on_ready(result->facts, session->userdata);
    }
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
    r = ask_facts(session, session->timeout, on_first_facts, session);
    if (r < 0) {
        error_set(&error, r, "QMP: cannot ask: %s", strerror(-r));
        session->callbacks->on_failed(r, &error, session->userdata);
    }
}

/* ---- snapshots ---- */

static void on_jobs(int status, const json_t *value, const struct error *error, void *userdata)
{
    struct driver_session *session = userdata;

    if (status != -ECANCELED &&
        qmp_snapshots_answer(&session->snapshots, status == 0 ? value : NULL))
        session->callbacks->on_event(DRIVER_EVENT_RESTORED, session->userdata);
}

static void on_job_event(struct driver_session *session, const json_t *data)
{
    if (qmp_snapshots_event(&session->snapshots, data))
        (void)qmp_query(session->qmp, "query-jobs", session->timeout, on_jobs, session);
}

static void on_qmp_event(const char *name, const json_t *data, void *userdata)
{
    static const struct {
        const char *name;
        enum driver_event event;
    } events[] = {
        {"BALLOON_CHANGE", DRIVER_EVENT_BALLOON},
        {"MIGRATION", DRIVER_EVENT_MIGRATION},
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

    if (strcmp(name, "JOB_STATUS_CHANGE") == 0)
        on_job_event(session, data);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        if (strcmp(events[i].name, name) == 0)
            session->callbacks->on_event(events[i].event, session->userdata);
}

static void on_qmp_closed(int status, const struct error *error, void *userdata)
{
    struct driver_session *session = userdata;

    session->callbacks->on_failed(status, error, session->userdata);
}

static const struct qmp_callbacks qmp_session_callbacks = {on_qmp_ready, on_qmp_event,
                                                           on_qmp_closed};

/* ---- a shared socket ---- */

static void on_visit(struct qmp *qmp, void *userdata)
{
    struct driver_session *session = userdata;

    session->qmp = qmp;
}

static const struct visits_callbacks visits_session_callbacks = {on_visit, start_now, on_qmp_event,
                                                                 on_qmp_closed};

static int open_shared(struct driver_session *session, uv_loop_t *loop, const char *path)
{
    int r = visits_open(loop, path, &visits_session_callbacks, session, &session->visits);

    if (r == 0)
        r = visits_start(session->visits, DRIVER_READ_FACTS, 0, session->timeout, on_first_facts,
                         session);
    if (r < 0)
        visits_close(session->visits);
    return r;
}

/* ---- opening and closing ---- */

static int session_open(uv_loop_t *loop, const char *where, nsec_t timeout,
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
    session->devices.misses_events = qemu_is_shared(where);
    r = qemu_is_shared(where) ? open_shared(session, loop, qemu_socket_path(where))
                              : qmp_open(loop, qemu_socket_path(where), timeout,
                                         &qmp_session_callbacks, session, &session->qmp);
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
    if (session->visits != NULL)
        visits_close(session->visits);
    else
        qmp_close(session->qmp);
    free(session);
}

static void session_tick(struct driver_session *session, nsec_t now)
{
    if (session->visits != NULL)
        visits_tick(session->visits, now);
    else
        qmp_tick(session->qmp, now);
}

const struct driver qemu_driver = {
    .abi = DRIVER_ABI,
    .name = "qemu",
    .old_name = "qmp",
    .check = qemu_check_socket,
    .open = session_open,
    .close = session_close,
    .tick = session_tick,
    .start = session_start,
    .heard = session_heard,
    .owner = qemu_socket_owner,
    .identify = qemu_identify_socket,
    .is_vm = qemu_is_socket,
    .suggest_name = qemu_name_socket,
};
