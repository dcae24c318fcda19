/* One libvirt daemon, by its URI: its connection, its domains, and who wants to know of them.
 *
 * Theory of operation: all of this is the loop's. A control lane connects, and looks at all domains
 * every LOOK_INTERVAL and when an event says so. Calls to one domain go through the engine of
 * calls.h to lanes of their own. Events come as letters. One host per loop and URI is shared by all
 * sessions and discoveries, and goes with the last of them. One timer does what is due.
 *
 * Failure modes: a daemon that goes away, hangs or drops us is connected to again twice a second.
 * Meanwhile sessions that know their domain stay, and their calls wait until their deadlines.
 * Others, and discoveries, fail. A control call that takes CONTROL_SLOW holds all other calls back.
 */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_HOST_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_HOST_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/hash.h"
#include "common/base/list.h"
#include "common/base/time.h"
#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/libvirt/calls.h"
#include "controller/hypervisors/libvirt/connection.h"
#include "controller/hypervisors/libvirt/lane.h"
#include "controller/hypervisors/libvirt/mailbox.h"

#define LOOK_INTERVAL     (10 * NSEC_PER_SEC)
#define LOOK_SPACING      (250 * NSEC_PER_MSEC) /* from one to the next, whatever happens */
#define TROUBLED_INTERVAL (500 * NSEC_PER_MSEC)
#define CONNECT_INTERVAL  (500 * NSEC_PER_MSEC)
#define CONTROL_SLOW      (2 * NSEC_PER_SEC)

struct host {
    struct list link; /* of all hosts */
    uv_loop_t *loop;
    char uri[CONNECTION_URI_SIZE];
    unsigned users; /* sessions and discoveries */
    uv_timer_t timer;
    struct mailbox *mailbox;
    /* connection */
    bool is_up; /* connected, and all domains were seen since */
    bool is_closed;
    unsigned connection;  /* its number; others' events are old */
    struct error trouble; /* while it is not up */
    struct lane *control;
    struct look *look; /* under way; NULL: none */
    nsec_t look_began;
    nsec_t look_next;
    nsec_t troubled_next;
    nsec_t connect_next;
    /* domains.c */
    struct list domains;
    struct hash_table by_uuid;
    struct list news; /* domains of which something is to be reported */
    bool has_troubled;
    /* operations.c */
    struct calls calls;
    struct lane *lanes[CALLS_LOST_MAX];
    /* sessions.c, discoveries.c */
    struct list opening;
    struct list discoveries;
    struct list closed; /* sessions: freed on the loop's next turn */
    struct list closed_discoveries;
    unsigned round; /* of reporting many */
};

/* A domain that runs, or did and is still held by somebody. */
struct domain {
    struct list link;
    struct hash_link by_uuid;
    struct list news_link;
    struct host *host;
    char uuid[37];
    char name[64];
    int id;
    pid_t pid;
    bool is_seen;      /* while a look is taken over */
    bool is_gone;      /* it runs no more */
    bool is_news;      /* it is new, or called otherwise */
    bool is_restarted; /* it was away in between */
    bool is_troubled;  /* it is not to be asked */
    bool has_job;
    bool job_is_news;
    /* as of the last facts */
    uint32_t capabilities;
    uint64_t beyond_balloon;
    char title[DRIVER_TITLE_SIZE];
    char labels[DRIVER_LABELS_SIZE];
    uint32_t guest_cid;
    enum memory_backing backing;
    nsec_t heard; /* CLOCK_MONOTONIC of its last word */
    nsec_t reset; /* ... of its last reset */
    struct call_line line;
    struct list sessions;
};

/* ---- host.c ---- */

/* The host of that URI, made when there is none. -errno. */
int host_get(uv_loop_t *loop, const char *uri, struct host **ret_host);
/* One user less. */
void host_put(struct host *host);
/* Something may be due: the timer runs on the loop's next turn. */
void host_wake(struct host *host);
/* All domains are looked at soon. */
void host_look_soon(struct host *host);

/* ---- domains.c ---- */

/* That runs; NULL: none. */
struct domain *domain_find(const struct host *host, const char *uuid);
struct look;
/* All that run, or those in trouble. */
void domains_take(struct host *host, const struct look *look, nsec_t now);
void domain_went(struct domain *domain);
/* It answers no more: it is looked after until it does. */
void domain_is_troubled(struct domain *domain, nsec_t now);
/* Its facts were read; what finders want to know of them may be news. */
void domain_take_facts(struct domain *domain, const struct driver_facts *facts);
/* Tells what is new. */
void domains_tell(struct host *host);
/* Frees it when it runs no more and nobody holds it. */
void domain_release(struct domain *domain);
void domains_finish(struct host *host);

/* ---- operations.c ---- */

void operations_init(struct host *host);
void operations_run(struct host *host, nsec_t now);
/* When they need the host next; NSEC_INFINITY: not by time. */
nsec_t operations_next(const struct host *host);
void operations_finish(struct host *host);

/* ---- sessions.c ---- */

void sessions_run(struct host *host, nsec_t now);
nsec_t sessions_next(const struct host *host);
void sessions_tell(struct domain *domain, enum driver_event event);
void sessions_fail(struct domain *domain, int status, const char *what);
/* Those that do not know their domain yet. */
void sessions_fail_opening(struct host *host, int status);
/* Frees those that were closed. Not while one may be in use. */
void sessions_sweep(struct host *host);

/* ---- discoveries.c ---- */

void discoveries_run(struct host *host, nsec_t now);
nsec_t discoveries_next(const struct host *host);
void discoveries_tell(struct host *host, const struct domain *domain);
void discoveries_tell_gone(struct host *host, const struct domain *domain);
void discoveries_fail(struct host *host, int status);
void discoveries_sweep(struct host *host);

#endif
