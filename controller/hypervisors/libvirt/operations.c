/* From sessions to lanes and back. */
#include "controller/hypervisors/libvirt/operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"

#define AGAIN_AFTER (200 * NSEC_PER_MSEC) /* a call that was put off */
#define LANE_AFTER  (1 * NSEC_PER_SEC)    /* when no thread was to be had */

struct operation {
    struct list link; /* of the session's */
    struct call call;
    struct domain_call io; /* the lane's while it is out */
    struct domain *domain;
    nsec_t began;
    struct error put_off; /* why it has not been asked; "": it was not put off */
    driver_done done;     /* NULL: nobody waits */
    void *userdata;
};

/* ---- ends ---- */

static void finish(struct operation *operation, const struct driver_result *result)
{
    driver_done done = operation->done;

    operation->done = NULL;
    list_remove(&operation->link);
    if (done != NULL)
        done(result, operation->userdata);
}

static void fail(struct operation *operation, int status, enum driver_outcome outcome,
                 const struct error *error)
{
    finish(operation,
           &(struct driver_result){.status = status, .outcome = outcome, .error = error});
}

/* Frees the domain too when it was the last that held it. */
static void destroy(struct operation *operation)
{
    struct domain *domain = operation->domain;

    list_remove(&operation->link);
    free(operation);
    domain_release(domain);
}

static void keep(struct domain *domain, const struct domain_call *io)
{
    if (io->status < 0 || (io->kind != DRIVER_READ_FACTS && io->kind != DRIVER_READ_BALLOON))
        return;
    domain->beyond_balloon = io->beyond_balloon;
    if (io->kind == DRIVER_READ_FACTS)
        domain_take_facts(domain, &io->facts);
}

static void answer(struct operation *operation)
{
    const struct domain_call *io = &operation->io;
    struct driver_result result = {
        .status = io->status,
        .outcome = io->outcome,
        .error = io->status < 0 ? &io->error : NULL,
    };

    if (io->status == 0 && io->kind == DRIVER_READ_FACTS)
        result.facts = &io->facts;
    if (io->status == 0 && io->kind == DRIVER_READ_STATISTICS)
        result.statistics = &io->statistics;
    if (io->status == 0 && io->kind == DRIVER_READ_BALLOON) {
        result.balloon_actual = io->facts.balloon_actual;
        result.balloon_maximum = io->facts.balloon_maximum;
    }
    finish(operation, &result);
}

/* Why nothing came, for a person. `is_out`: it was asked. */
static void explain(const struct operation *operation, bool is_out, nsec_t now, struct error *error)
{
    const struct host *host = operation->domain->host;
    unsigned long long waited = (now - operation->began) / NSEC_PER_MSEC;

    if (host->trouble.text[0] != '\0')
        *error = host->trouble;
    else if (operation->put_off.text[0] != '\0')
        error_set(error, -ETIMEDOUT, "%s: %s", operation->domain->name, operation->put_off.text);
    else if (is_out)
        error_set(error, -ETIMEDOUT, "%s: libvirt has not answered for %llu ms",
                  operation->domain->name, waited);
    else
        error_set(error, -ETIMEDOUT,
                  "%s: not asked for %llu ms, libvirt has not answered earlier calls",
                  operation->domain->name, waited);
}

static void time_out(struct operation *operation, nsec_t now)
{
    bool is_out = operation->call.state == CALL_LOST;
    struct error error;

    explain(operation, is_out, now, &error);
    domain_is_troubled(operation->domain, now);
    fail(operation, -ETIMEDOUT, is_out ? DRIVER_OUTCOME_UNKNOWN : DRIVER_OUTCOME_NOT_DONE, &error);
    if (!is_out)
        destroy(operation);
}

void operations_end(struct list *list, int status, const struct error *error)
{
    while (!list_is_empty(list)) {
        struct operation *operation = list_entry(list->next, struct operation, link);
        bool is_out = operation->call.state != CALL_WAITING;

        if (!is_out)
            calls_withdraw(&operation->domain->host->calls, &operation->call);
        fail(operation, status, is_out ? DRIVER_OUTCOME_UNKNOWN : DRIVER_OUTCOME_NOT_DONE, error);
        if (!is_out)
            destroy(operation);
    }
}

/* ---- back from a lane ---- */

/* What may be asked once more, since nothing came of it. */
static bool is_to_be_asked_again(const struct operation *operation)
{
    const struct domain_call *io = &operation->io;

    return operation->done != NULL && !operation->domain->is_gone &&
           (io->is_put_off || (io->status == -ENOTCONN && !driver_operation_changes(io->kind)));
}

static void take_answer(struct operation *operation, nsec_t now)
{
    struct domain *domain = operation->domain;
    bool was_asked = !operation->io.is_put_off && operation->io.status != -ENOTCONN;

    if (was_asked) {
        domain->heard = now;
        keep(domain, &operation->io);
    }
    if (operation->io.pid != 0)
        domain->pid = operation->io.pid;
    domains_tell(domain->host); /* labels first: what the facts allow goes by them */
    if (calls_return(&domain->host->calls, &operation->call))
        answer(operation);
    destroy(operation);
}

static void put_back(struct operation *operation, nsec_t now)
{
    struct host *host = operation->domain->host;

    if (operation->io.is_put_off) {
        operation->put_off = operation->io.error;
        domain_is_troubled(operation->domain, now);
    }
    if (!calls_put_back(&host->calls, &operation->call, now + AGAIN_AFTER))
        destroy(operation);
}

/* Threads that are not needed any more end. */
static void end_spare_lanes(struct host *host)
{
    unsigned free_lanes = 0;

    for (size_t i = 0; i < ARRAY_SIZE(host->lanes); i++) {
        if (host->lanes[i] == NULL || !lane_is_free(host->lanes[i]))
            continue;
        if (++free_lanes <= CALLS_ACTIVE_MAX)
            continue;
        lane_end(host->lanes[i]);
        host->lanes[i] = NULL;
    }
}

static void on_returned(struct letter *letter, void *userdata)
{
    struct operation *operation = container_of(letter, struct operation, io.job.letter);
    struct host *host = userdata;
    nsec_t now = time_monotonic();

    lane_freed(operation->io.job.lane);
    if (is_to_be_asked_again(operation))
        put_back(operation, now);
    else
        take_answer(operation, now);
    domains_tell(host);
    end_spare_lanes(host);
    operations_run(host, now);
    host_wake(host);
}

/* The host has gone, and its domains with it. */
static void discard(struct letter *letter)
{
    free(container_of(letter, struct operation, io.job.letter));
}

/* ---- to a lane ---- */

/* As many lanes as calls may be out. NULL: no thread. */
static struct lane *find_lane(struct host *host)
{
    for (size_t i = 0; i < ARRAY_SIZE(host->lanes); i++) {
        if (host->lanes[i] == NULL &&
            lane_create(host->mailbox, host->uri, NULL, &host->lanes[i]) < 0)
            return NULL;
        if (lane_is_free(host->lanes[i]))
            return host->lanes[i];
    }
    return NULL;
}

static void start_all(struct host *host, nsec_t now)
{
    struct call *call;

    while ((call = calls_start(&host->calls, now)) != NULL) {
        struct operation *operation = container_of(call, struct operation, call);
        struct lane *lane = find_lane(host);

        if (lane == NULL) {
            (void)calls_put_back(&host->calls, call, now + LANE_AFTER);
            continue;
        }
        operation->io.pid = operation->domain->pid;
        lane_run(lane, &operation->io.job);
    }
}

void operations_run(struct host *host, nsec_t now)
{
    struct call *call;

    while ((call = calls_overdue(&host->calls, now)) != NULL)
        time_out(container_of(call, struct operation, call), now);
    start_all(host, now);
}

nsec_t operations_next(const struct host *host)
{
    return calls_next(&host->calls);
}

int operation_start(struct domain *domain, struct list *list, enum driver_operation kind,
                    uint64_t value, nsec_t timeout, driver_done done, void *userdata)
{
    struct operation *operation = calloc(1, sizeof(*operation));
    struct host *host = domain->host;
    nsec_t now = time_monotonic();
    int r;

    if (operation == NULL)
        return -ENOMEM;
    operation->domain = domain;
    operation->began = now;
    operation->done = done;
    operation->userdata = userdata;
    operation->io = (struct domain_call){
        .job = {.letter = {.open = on_returned, .discard = discard}, .run = domain_call_run},
        .kind = kind,
        .value = value,
    };
    memcpy(operation->io.uuid, domain->uuid, sizeof(operation->io.uuid));
    r = calls_put(&host->calls, &domain->line, &operation->call, now + timeout);
    if (r < 0) {
        free(operation);
        return r;
    }
    list_append(list, &operation->link);
    host_wake(host);
    return 0;
}

/* ---- life ---- */

void operations_init(struct host *host)
{
    calls_init(&host->calls);
}

/* Sessions have ended theirs; what is out is discarded when it comes back. */
void operations_finish(struct host *host)
{
    for (size_t i = 0; i < ARRAY_SIZE(host->lanes); i++) {
        lane_end(host->lanes[i]);
        host->lanes[i] = NULL;
    }
}
