/* The driver for QEMU, over QMP.
 *
 * Theory of operation: reading the facts asks a first wave of questions at once (state, name,
 * memory, devices, objects); what the lists name is asked in a second wave (the vsock device's CID,
 * the balloon's properties, each memory backend). The reading is one object that counts its open
 * questions and ends when none is left. QEMU versions differ: a question that QEMU refuses leaves
 * its fact unknown, a connection that fails ends the reading. */
#include "controller/drivers/qmp_driver.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/list.h"
#include "common/base/util.h"
#include "controller/drivers/qmp.h"
#include "controller/drivers/qmp_facts.h"

#define QOM_PATH_BYTES      128
#define STATISTICS_INTERVAL 2 /* seconds, when nobody has switched balloon statistics on */

struct driver_session {
    struct qmp *qmp;
    const struct driver_callbacks *callbacks;
    void *userdata;
    nsec_t timeout;
    char balloon_path[QOM_PATH_BYTES]; /* empty: no balloon, or not yet known */
    bool statistics_on;
};

struct reading {
    struct driver_session *session;
    struct driver_facts facts;
    nsec_t timeout;
    unsigned open; /* questions without an answer */
    int status;
    struct error error;
    driver_done done;
    void *userdata;
    /* of the memory backend that is looked at */
    char backend_type[48];
    enum answer backend_shared;
    enum answer backend_hugetlb;
    uint64_t backend_page_size;
};

typedef void (*answer_handler)(struct reading *reading, const json_t *value, const char *path);

struct question {
    struct reading *reading;
    answer_handler handle;
    char path[QOM_PATH_BYTES]; /* of qom-get and qom-list */
};

static void finish_backing(struct reading *reading)
{
    if (reading->backend_type[0] == '\0')
        return;
    reading->facts.backing =
        qmp_backing(reading->backend_type, reading->backend_shared == ANSWER_YES,
                    reading->backend_hugetlb == ANSWER_YES);
    if (reading->facts.backing == MEMORY_BACKING_HUGETLB)
        reading->facts.backing_page_size = reading->backend_page_size;
}

static void end_reading(struct reading *reading)
{
    struct driver_result result = {.status = reading->status, .error = &reading->error};

    finish_backing(reading);
    if (reading->status == 0)
        result.facts = &reading->facts;
    reading->done(&result, reading->userdata);
    free(reading);
}

static void on_answer(int status, const json_t *value, const struct error *error, void *userdata)
{
    struct question *question = userdata;
    struct reading *reading = question->reading;

    if (status == 0)
        question->handle(reading, value, question->path);
    else if (status != -EREMOTEIO && reading->status == 0) {
        reading->status = status;
        reading->error = *error;
    }
    free(question);
    if (--reading->open == 0)
        end_reading(reading);
}

/* Takes over `arguments`. What cannot be asked stays unknown. */
static void ask(struct reading *reading, const char *command, json_t *arguments, const char *path,
                answer_handler handle)
{
    struct question *question = calloc(1, sizeof(*question));

    if (question == NULL) {
        json_decref(arguments);
        return;
    }
    question->reading = reading;
    question->handle = handle;
    (void)snprintf(question->path, sizeof(question->path), "%s", path);
    if (qmp_execute(reading->session->qmp, command, arguments, reading->timeout, on_answer,
                    question) < 0)
        free(question);
    else
        reading->open++;
}

static void ask_property(struct reading *reading, const char *path, const char *property,
                         answer_handler handle)
{
    ask(reading, "qom-get", json_pack("{s:s, s:s}", "path", path, "property", property), path,
        handle);
}

static enum answer answer_of(const json_t *value)
{
    if (!json_is_boolean(value))
        return ANSWER_UNKNOWN;
    return json_is_true(value) ? ANSWER_YES : ANSWER_NO;
}

/* ---- second wave: properties ---- */

static void take_guest_cid(struct reading *reading, const json_t *value, const char *path)
{
    double cid = json_number_value(value);

    (void)path;
    if (cid >= 3 && cid < UINT32_MAX)
        reading->facts.guest_cid = (uint32_t)cid;
}

static void take_reporting(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    reading->facts.free_page_reporting = answer_of(value);
}

static void take_deflate_on_oom(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    reading->facts.deflate_on_oom = answer_of(value);
}

static void take_statistics_interval(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    reading->session->statistics_on = json_number_value(value) > 0;
}

static void take_shared(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    reading->backend_shared = answer_of(value);
}

static void take_hugetlb(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    reading->backend_hugetlb = answer_of(value);
}

static void take_hugetlb_size(struct reading *reading, const json_t *value, const char *path)
{
    double size = json_number_value(value);

    (void)path;
    if (size > 0 && size < 0x1p40)
        reading->backend_page_size = (uint64_t)size;
}

static void take_preallocated(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    reading->facts.locked = reading->facts.locked || json_is_true(value);
}

/* ---- first wave ---- */

static void take_status(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    /* query-migrate may have said so already. */
    if (reading->facts.run_state != RUN_STATE_MIGRATING)
        reading->facts.run_state = qmp_run_state(value);
}

static void take_migration(struct reading *reading, const json_t *value, const char *path)
{
    (void)path;
    if (qmp_is_migrating(value))
        reading->facts.run_state = RUN_STATE_MIGRATING;
}

static void take_name(struct reading *reading, const json_t *value, const char *path)
{
    const char *name = json_string_value(json_object_get(value, "name"));

    (void)path;
    if (name != NULL)
        (void)snprintf(reading->facts.name, sizeof(reading->facts.name), "%s", name);
}

static void take_uuid(struct reading *reading, const json_t *value, const char *path)
{
    const char *uuid = json_string_value(json_object_get(value, "UUID"));

    (void)path;
    /* All zeroes is QEMU's way to say that none was given. */
    if (uuid == NULL || strlen(uuid) != 36 || strspn(uuid, "0-") == 36)
        return;
    for (size_t i = 0; i < 36; i++)
        reading->facts.uuid[i] = (char)tolower((unsigned char)uuid[i]);
}

static void take_memory_size(struct reading *reading, const json_t *value, const char *path)
{
    uint64_t base = qmp_number(value, "base-memory");
    uint64_t plugged = qmp_number(value, "plugged-memory");

    (void)path;
    if (base != UINT64_MAX)
        reading->facts.ram = base + (plugged == UINT64_MAX ? 0 : plugged);
}

static void take_balloon(struct reading *reading, const json_t *value, const char *path)
{
    uint64_t actual = qmp_number(value, "actual");

    (void)path;
    if (actual == UINT64_MAX)
        return;
    reading->facts.balloon = ANSWER_YES;
    reading->facts.balloon_actual = actual;
}

static void look_at_balloon(struct reading *reading, const char *path)
{
    (void)snprintf(reading->session->balloon_path, sizeof(reading->session->balloon_path), "%s",
                   path);
    ask_property(reading, path, "free-page-reporting", take_reporting);
    ask_property(reading, path, "deflate-on-oom", take_deflate_on_oom);
    ask_property(reading, path, "guest-stats-polling-interval", take_statistics_interval);
}

static void look_at_device(struct reading *reading, const char *type, const char *path)
{
    if (strncmp(type, "vhost-vsock-", 12) == 0)
        ask_property(reading, path, "guest-cid", take_guest_cid);
    else if (strncmp(type, "virtio-balloon", 14) == 0)
        look_at_balloon(reading, path);
    else if (strncmp(type, "vfio-", 5) == 0)
        reading->facts.vfio_devices++;
}

static void look_at_object(struct reading *reading, const char *type, const char *path)
{
    if (strncmp(type, "memory-backend-", 15) == 0) {
        (void)snprintf(reading->backend_type, sizeof(reading->backend_type), "%s", type);
        ask_property(reading, path, "share", take_shared);
        ask_property(reading, path, "prealloc", take_preallocated);
        ask_property(reading, path, "hugetlb", take_hugetlb);
        ask_property(reading, path, "hugetlbsize", take_hugetlb_size);
    } else if (strncmp(type, "sev-", 4) == 0 || strncmp(type, "tdx-", 4) == 0)
        reading->facts.encrypted = true;
}

static void each_child(struct reading *reading, const json_t *list, const char *folder,
                       void (*look)(struct reading *reading, const char *type, const char *path))
{
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(entry, "name"));
        char path[QOM_PATH_BYTES];
        char type[64];

        if (name != NULL && qmp_child_type(entry, type, sizeof(type))[0] != '\0' &&
            snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
            look(reading, type, path);
    }
}

static void take_devices(struct reading *reading, const json_t *value, const char *path)
{
    each_child(reading, value, path, look_at_device);
}

static void take_objects(struct reading *reading, const json_t *value, const char *path)
{
    each_child(reading, value, path, look_at_object);
}

static void ask_list(struct reading *reading, const char *path, answer_handler handle)
{
    ask(reading, "qom-list", json_pack("{s:s}", "path", path), path, handle);
}

static void ask_first_wave(struct reading *reading)
{
    ask(reading, "query-status", NULL, "", take_status);
    ask(reading, "query-migrate", NULL, "", take_migration);
    ask(reading, "query-name", NULL, "", take_name);
    ask(reading, "query-uuid", NULL, "", take_uuid);
    ask(reading, "query-memory-size-summary", NULL, "", take_memory_size);
    ask(reading, "query-balloon", NULL, "", take_balloon);
    ask_list(reading, "/machine/peripheral", take_devices);
    ask_list(reading, "/machine/peripheral-anon", take_devices);
    ask_list(reading, "/objects", take_objects);
}

static int read_facts(struct driver_session *session, nsec_t timeout, driver_done done,
                      void *userdata)
{
    struct reading *reading = calloc(1, sizeof(*reading));

    if (reading == NULL)
        return -ENOMEM;
    reading->session = session;
    reading->timeout = timeout;
    reading->done = done;
    reading->userdata = userdata;
    reading->facts.pid = qmp_peer(session->qmp);
    reading->facts.balloon = ANSWER_NO; /* until query-balloon answers */
    ask_first_wave(reading);
    if (reading->open == 0) {
        free(reading);
        return -ENOTCONN;
    }
    return 0;
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
    (void)value;
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
    (void)status;
    (void)value;
    (void)error;
    (void)userdata;
}

static void switch_statistics_on(struct driver_session *session, nsec_t timeout)
{
    session->statistics_on = true;
    (void)qmp_execute(session->qmp, "qom-set",
                      json_pack("{s:s, s:s, s:i}", "path", session->balloon_path, "property",
                                "guest-stats-polling-interval", "value", STATISTICS_INTERVAL),
                      timeout, on_statistics_switched_on, NULL);
}

static int read_statistics(struct driver_session *session, nsec_t timeout, driver_done done,
                           void *userdata)
{
    if (session->balloon_path[0] == '\0')
        return -ENODEV;
    if (!session->statistics_on)
        switch_statistics_on(session, timeout);
    return start(operation_create(session, done, userdata), "qom-get",
                 json_pack("{s:s, s:s}", "path", session->balloon_path, "property", "guest-stats"),
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
    (void)status;
    (void)value;
    (void)error;
    (void)userdata;
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

static void on_migration_event(struct driver_session *session, const json_t *data)
{
    bool under_way = qmp_is_migrating(data);

    session->callbacks->on_event(under_way ? DRIVER_EVENT_MIGRATION_STARTED
                                           : DRIVER_EVENT_MIGRATION_ENDED,
                                 0, session->userdata);
}

static void on_balloon_event(struct driver_session *session, const json_t *data)
{
    uint64_t actual = qmp_number(data, "actual");

    if (actual != UINT64_MAX)
        session->callbacks->on_event(DRIVER_EVENT_BALLOON, actual, session->userdata);
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
        on_migration_event(session, data);
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

static int session_open(uv_loop_t *loop, const char *address, nsec_t timeout,
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
    r = qmp_open(loop, address, timeout, &qmp_session_callbacks, session, &session->qmp);
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

const struct driver qmp_driver = {
    .version = DRIVER_VERSION,
    .name = "qmp",
    .open = session_open,
    .close = session_close,
    .tick = session_tick,
    .read_facts = read_facts,
    .read_balloon = read_balloon,
    .read_statistics = read_statistics,
    .set_balloon = set_balloon,
};
