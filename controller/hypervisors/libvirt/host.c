/* The connection to a libvirt daemon, and what is due. */
#include "controller/hypervisors/libvirt/host.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/events.h"
#include "controller/hypervisors/libvirt/look.h"

static struct list hosts = {&hosts, &hosts};

/* ---- the connection ---- */

/* Whoever waits for a report hears why there is none; whoever knew its domain waits. */
static void go_down(struct host *host, int status, const char *why)
{
    host->is_up = false;
    host->connection++;
    error_set(&host->trouble, status, "libvirt %s: %s", host->uri, why);
    discoveries_fail(host, status);
    sessions_fail_opening(host, status);
}

static void come_up(struct host *host)
{
    host->is_up = true;
    host->trouble.text[0] = '\0';
}

/* ---- events ---- */

static void take_reset(struct domain *domain, nsec_t now)
{
    /* libvirt reports one twice. */
    bool is_again = domain->reset != 0 && now - domain->reset < NSEC_PER_SEC / 2;

    domain->reset = now;
    if (!is_again)
        sessions_tell(domain, DRIVER_EVENT_RESET);
}

static void take_domain_notice(struct host *host, struct domain *domain, enum notice_kind kind,
                               nsec_t now)
{
    static const enum driver_event events[] = {
        [NOTICE_PAUSED] = DRIVER_EVENT_PAUSED,       [NOTICE_RESUMED] = DRIVER_EVENT_RESUMED,
        [NOTICE_SHUTDOWN] = DRIVER_EVENT_SHUTDOWN,   [NOTICE_BALLOON] = DRIVER_EVENT_BALLOON,
        [NOTICE_JOB_ENDED] = DRIVER_EVENT_MIGRATION, [NOTICE_MEMORY] = DRIVER_EVENT_MEMORY_CHANGED,
        [NOTICE_CHANGED] = DRIVER_EVENT_CHANGED,
    };

    domain->heard = now;
    if (kind == NOTICE_STOPPED)
        domain_went(domain);
    else if (kind == NOTICE_RESET)
        take_reset(domain, now);
    else if (kind == NOTICE_RESTORED) {
        sessions_tell(domain, DRIVER_EVENT_RESUMED);
        sessions_tell(domain, DRIVER_EVENT_RESTORED);
    } else if (kind != NOTICE_STARTED)
        sessions_tell(domain, events[kind]);
    /* A save or a migration stops the guest: is one under way? */
    if (kind == NOTICE_PAUSED)
        host_look_soon(host);
}

static void on_notice(struct letter *letter, void *userdata)
{
    struct notice *notice = container_of(letter, struct notice, letter);
    const struct notice taken = *notice;
    struct host *host = userdata;
    struct domain *domain = domain_find(host, taken.uuid);
    nsec_t now = time_monotonic();

    free(notice);
    if (taken.connection != host->connection)
        return;
    if (taken.kind == NOTICE_CLOSED)
        go_down(host, -ENOTCONN, taken.reason);
    else if (domain != NULL)
        take_domain_notice(host, domain, taken.kind, now);
    /* One that stops may be in the list that is just being taken. */
    if (taken.kind == NOTICE_STARTED || taken.kind == NOTICE_STOPPED ||
        taken.kind == NOTICE_DROPPED)
        host_look_soon(host);
    domains_tell(host);
    host_wake(host);
}

/* ---- looks ---- */

static void on_look(struct letter *letter, void *userdata)
{
    struct look *look = container_of(letter, struct look, job.letter);
    struct host *host = userdata;
    nsec_t now = time_monotonic();

    lane_freed(look->job.lane);
    assert(host->look == look);
    host->look = NULL;
    if (look->status == -ENOTCONN || (look->status < 0 && look->kind == LOOK_CONNECT)) {
        go_down(host, look->status, look->error.text);
        host->connect_next = now + CONNECT_INTERVAL;
    } else if (look->status == 0 && look->connection == host->connection) {
        domains_take(host, look, now);
        if (look->kind != LOOK_TROUBLED)
            come_up(host);
    }
    look_destroy(look);
    domains_tell(host);
    host_wake(host);
}

static void discard_look(struct letter *letter)
{
    look_destroy(container_of(letter, struct look, job.letter));
}

/* What is known of the domains: their pids, or which are in trouble. */
static int add_known(const struct host *host, struct look *look)
{
    look->known = calloc(host->by_uuid.count + 1, sizeof(*look->known));
    if (look->known == NULL)
        return -ENOMEM;
    list_for_each (link, &host->domains) {
        const struct domain *domain = list_entry(link, struct domain, link);
        struct look_domain *known = &look->known[look->known_count];

        if (domain->is_gone || (look->kind == LOOK_TROUBLED && !domain->is_troubled))
            continue;
        *known = (struct look_domain){.id = domain->id, .pid = domain->pid};
        memcpy(known->uuid, domain->uuid, sizeof(known->uuid));
        memcpy(known->name, domain->name, sizeof(known->name));
        look->known_count++;
    }
    look_sort(look);
    return 0;
}

static struct look *make_look(struct host *host, enum look_kind kind)
{
    struct look *look = calloc(1, sizeof(*look));

    if (look == NULL)
        return NULL;
    *look = (struct look){
        .job = {.letter = {.open = on_look, .discard = discard_look}, .run = look_run},
        .kind = kind,
        .mailbox = host->mailbox,
        .on_notice = on_notice,
    };
    if (add_known(host, look) == 0)
        return look;
    look_destroy(look);
    return NULL;
}

static int need_control(struct host *host)
{
    return host->control != NULL ? 0
                                 : lane_create(host->mailbox, host->uri, look_end, &host->control);
}

static void start_look(struct host *host, enum look_kind kind, nsec_t now)
{
    struct look *look = need_control(host) < 0 ? NULL : make_look(host, kind);

    host->connect_next = now + CONNECT_INTERVAL;
    host->troubled_next = now + TROUBLED_INTERVAL;
    if (kind != LOOK_TROUBLED)
        host->look_next = now + LOOK_INTERVAL;
    if (look == NULL)
        return;
    if (kind == LOOK_CONNECT)
        host->connection++;
    look->connection = host->connection;
    host->look = look;
    host->look_began = now;
    lane_run(host->control, &look->job);
}

static void look(struct host *host, nsec_t now)
{
    if (host->look != NULL || host->users == 0)
        return;
    if (!host->is_up && now >= host->connect_next)
        start_look(host, LOOK_CONNECT, now);
    else if (host->is_up && now >= host->look_next)
        start_look(host, LOOK_ALL, now);
    else if (host->is_up && host->has_troubled && now >= host->troubled_next)
        start_look(host, LOOK_TROUBLED, now);
}

static nsec_t look_due(const struct host *host)
{
    if (host->look != NULL)
        return host->look_began + CONTROL_SLOW;
    if (!host->is_up)
        return host->connect_next;
    return host->has_troubled ? min_of(host->look_next, host->troubled_next) : host->look_next;
}

void host_look_soon(struct host *host)
{
    host->look_next = min_of(host->look_next, host->look_began + LOOK_SPACING);
}

/* ---- what is due ---- */

/* A daemon that does not even list its domains is asked nothing else. */
static void hold(struct host *host, nsec_t now)
{
    bool is_slow = host->look != NULL && now >= host->look_began + CONTROL_SLOW;

    if (is_slow && host->trouble.text[0] == '\0')
        error_set(&host->trouble, -ETIMEDOUT, "libvirt %s: it does not answer", host->uri);
    else if (!is_slow && host->is_up)
        host->trouble.text[0] = '\0';
    calls_hold(&host->calls, is_slow || !host->is_up);
}

static void on_timer(uv_timer_t *timer);

static void rearm(struct host *host, nsec_t now)
{
    nsec_t next = look_due(host);

    next = min_of(next, operations_next(host));
    next = min_of(next, sessions_next(host));
    next = min_of(next, discoveries_next(host));
    if (host->look != NULL && now >= host->look_began + CONTROL_SLOW && next < now)
        next = now + CONTROL_SLOW / 10; /* it is held back already */
    next = max_of(next, now + NSEC_PER_MSEC) - now;
    (void)uv_timer_start(&host->timer, on_timer, next / NSEC_PER_MSEC + 1, 0);
}

static void run(struct host *host, nsec_t now)
{
    hold(host, now);
    operations_run(host, now);
    look(host, now);
    sessions_run(host, now);
    discoveries_run(host, now);
    if (!host->is_closed)
        rearm(host, now);
}

static void on_timer(uv_timer_t *timer)
{
    struct host *host = timer->data;

    sessions_sweep(host);
    discoveries_sweep(host);
    run(host, time_monotonic());
}

void host_wake(struct host *host)
{
    if (!host->is_closed)
        (void)uv_timer_start(&host->timer, on_timer, 0, 0);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
    struct host *host = handle->data;

    sessions_sweep(host);
    discoveries_sweep(host);
    domains_finish(host);
    free(host);
}

/* Threads go on for as long as libvirt lets them wait. */
static void close_host(struct host *host)
{
    host->is_closed = true;
    list_remove(&host->link);
    lane_end(host->control);
    operations_finish(host);
    mailbox_close(host->mailbox);
    uv_close((uv_handle_t *)&host->timer, on_closed);
}

void host_put(struct host *host)
{
    assert(host->users > 0);
    if (--host->users == 0)
        close_host(host);
}

static int init(struct host *host, uv_loop_t *loop, const char *uri)
{
    int r = mailbox_create(loop, host, &host->mailbox);

    if (r < 0)
        return r;
    (void)uv_timer_init(loop, &host->timer);
    host->timer.data = host;
    host->loop = loop;
    text_copy(host->uri, sizeof(host->uri), uri);
    error_set(&host->trouble, -ENOTCONN, "libvirt %s: it does not answer", uri);
    list_init(&host->domains);
    list_init(&host->news);
    hash_table_init(&host->by_uuid);
    operations_init(host);
    list_init(&host->opening);
    list_init(&host->discoveries);
    list_init(&host->closed);
    list_init(&host->closed_discoveries);
    list_append(&hosts, &host->link);
    return 0;
}

int host_get(uv_loop_t *loop, const char *uri, struct host **ret_host)
{
    struct host *host;
    int r;

    list_for_each (link, &hosts) {
        host = list_entry(link, struct host, link);
        if (host->loop == loop && strcmp(host->uri, uri) == 0) {
            host->users++;
            *ret_host = host;
            return 0;
        }
    }
    host = calloc(1, sizeof(*host));
    r = host == NULL ? -ENOMEM : init(host, loop, uri);
    if (r < 0) {
        free(host);
        return r;
    }
    host->users = 1;
    *ret_host = host;
    host_wake(host);
    return 0;
}
