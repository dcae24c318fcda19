/* Sessions with domains. */
#include "controller/hypervisors/libvirt/sessions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/address.h"
#include "controller/hypervisors/libvirt/operations.h"

/* ---- ends ---- */

/* All its operations end first; any callback may close it. */
static void fail(struct driver_session *session, int status, const struct error *error)
{
    bool has_failed = session->has_failed;

    session->is_ready = false;
    session->has_failed = true;
    operations_end(&session->operations, status, error);
    if (!session->is_closed && !has_failed)
        session->callbacks->on_failed(status, error, session->userdata);
}

/* The next session that was not notified in this round; NULL: all were. */
static struct driver_session *next_untold(const struct list *sessions, unsigned round)
{
    list_for_each (link, sessions) {
        struct driver_session *session = list_entry(link, struct driver_session, link);

        if (session->round != round) {
            session->round = round;
            return session;
        }
    }
    return NULL;
}

void sessions_fail(struct domain *domain, int status, const char *what)
{
    unsigned round = ++domain->host->round;
    struct driver_session *session;
    struct error error;

    error_set(&error, status, "domain %s: %s", domain->name, what);
    while ((session = next_untold(&domain->sessions, round)) != NULL)
        fail(session, status, &error);
}

void sessions_tell(struct domain *domain, enum driver_event event)
{
    unsigned round = ++domain->host->round;
    struct driver_session *session;

    while ((session = next_untold(&domain->sessions, round)) != NULL)
        if (session->is_ready)
            session->callbacks->on_event(event, session->userdata);
}

/* ---- opening ---- */

static void on_first_facts(const struct driver_result *result, void *userdata)
{
    struct driver_session *session = userdata;

    if (session->is_closed)
        return;
    if (result->status < 0) {
        /* The daemon is there; who is busy or gone is asked again soon. */
        fail(session, result->status == -ETIMEDOUT ? -EBUSY : result->status, result->error);
        return;
    }
    session->is_ready = true;
    session->callbacks->on_ready(result->facts, session->userdata);
}

/* The daemon has reported what runs. */
static void bind_domain(struct driver_session *session, nsec_t now)
{
    struct domain *domain = domain_find(session->host, session->uuid);
    struct error error;
    int r;

    list_remove(&session->link);
    if (domain == NULL) {
        list_append(&session->host->closed, &session->link);
        r = error_set(&error, -ENOENT, "libvirt %s: domain %s does not run", session->host->uri,
                      session->uuid);
        fail(session, r, &error);
        return;
    }
    session->domain = domain;
    list_append(&domain->sessions, &session->link);
    r = operation_start(domain, &session->operations, DRIVER_READ_FACTS, 0, session->deadline - now,
                        on_first_facts, session);
    if (r < 0) {
        error_set(&error, r, "libvirt: domain %s cannot be asked: %s", domain->name, strerror(-r));
        fail(session, r, &error);
    }
}

static void give_up(struct driver_session *session, int status)
{
    struct error error = session->host->trouble;

    list_remove(&session->link);
    list_append(&session->host->closed, &session->link);
    fail(session, status, &error);
}

void sessions_fail_opening(struct host *host, int status)
{
    unsigned round = ++host->round;
    struct driver_session *session;

    while ((session = next_untold(&host->opening, round)) != NULL)
        give_up(session, status);
}

void sessions_sweep(struct host *host)
{
    list_for_each_safe (link, following, &host->closed) {
        struct driver_session *session = list_entry(link, struct driver_session, link);

        if (!session->is_closed)
            continue;
        list_remove(link);
        free(session);
    }
}

/* One that opens, and is bound or given up now. NULL: none. */
static struct driver_session *next_due(const struct host *host, nsec_t now)
{
    list_for_each (link, &host->opening) {
        struct driver_session *session = list_entry(link, struct driver_session, link);

        if (host->is_up || now >= session->deadline)
            return session;
    }
    return NULL;
}

void sessions_run(struct host *host, nsec_t now)
{
    struct driver_session *session;

    while ((session = next_due(host, now)) != NULL) {
        if (now >= session->deadline)
            give_up(session, -EBUSY); /* it is there, and slow */
        else
            bind_domain(session, now);
    }
}

nsec_t sessions_next(const struct host *host)
{
    nsec_t next = NSEC_INFINITY;

    list_for_each (link, &host->opening)
        next = min_of(next, list_entry(link, struct driver_session, link)->deadline);
    return next;
}

int session_open(uv_loop_t *loop, const char *where, nsec_t timeout,
                 const struct driver_callbacks *callbacks, void *userdata,
                 struct driver_session **ret_session)
{
    struct driver_session *session;
    struct domain_address address;
    int r = address_parse_domain(where, &address, NULL);

    if (r < 0)
        return r;
    session = calloc(1, sizeof(*session));
    if (session == NULL)
        return -ENOMEM;
    r = host_get(loop, address.uri, &session->host);
    if (r < 0) {
        free(session);
        return r;
    }
    memcpy(session->uuid, address.uuid, sizeof(session->uuid));
    session->deadline = time_monotonic() + timeout;
    list_init(&session->operations);
    session->callbacks = callbacks;
    session->userdata = userdata;
    list_append(&session->host->opening, &session->link);
    host_wake(session->host);
    *ret_session = session;
    return 0;
}

void session_close(struct driver_session *session)
{
    struct error error;

    if (session == NULL || session->is_closed)
        return;
    session->is_closed = true;
    session->is_ready = false;
    error_set(&error, -ECANCELED, "libvirt: the session was closed");
    operations_end(&session->operations, -ECANCELED, &error);
    list_remove(&session->link);
    list_append(&session->host->closed, &session->link);
    if (session->domain != NULL)
        domain_release(session->domain);
    session->domain = NULL;
    host_wake(session->host);
    host_put(session->host);
}

/* ---- operations ---- */

/* The host's timer passes the deadlines, once for all sessions. */
void session_tick(struct driver_session *session, nsec_t now)
{
}

nsec_t session_heard(const struct driver_session *session)
{
    return session->domain == NULL ? 0 : session->domain->heard;
}

static bool can(const struct driver_session *session, enum driver_capability capability)
{
    return (session->domain->capabilities & capability) != 0;
}

static int check(const struct driver_session *session, enum driver_operation operation,
                 uint64_t value)
{
    switch (operation) {
    case DRIVER_READ_FACTS:
    case DRIVER_READ_BALLOON:
        return 0;
    case DRIVER_READ_STATISTICS:
        return can(session, DRIVER_CAN_READ_STATISTICS) ? 0 : -ENODEV;
    case DRIVER_SET_BALLOON:
        if (!can(session, DRIVER_CAN_SET_BALLOON))
            return -EOPNOTSUPP;
        return value == 0 || value > INT64_MAX ? -ERANGE : 0;
    case DRIVER_SET_STATISTICS_INTERVAL:
        if (!can(session, DRIVER_CAN_SET_STATISTICS_INTERVAL))
            return -EOPNOTSUPP;
        return value > INT32_MAX ? -ERANGE : 0;
    case DRIVER_SET_MARK:
        return can(session, DRIVER_CAN_SET_MARK) ? 0 : -EOPNOTSUPP;
    default:
        return -EOPNOTSUPP;
    }
}

int session_start(struct driver_session *session, enum driver_operation operation, uint64_t value,
                  nsec_t timeout, driver_done done, void *userdata)
{
    int r;

    if (!session->is_ready || session->domain == NULL)
        return -ENOTCONN;
    r = check(session, operation, value);
    if (r < 0)
        return r;
    if (operation == DRIVER_SET_BALLOON)
        value = max_of(saturating_subtract(value, session->domain->beyond_balloon), MIB);
    return operation_start(session->domain, &session->operations, operation, value, timeout, done,
                           userdata);
}
