/* Calls to domains. Everything in here may block. */
#include "controller/hypervisors/libvirt/domain-call.h"

#include <errno.h>
#include <inttypes.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/description.h"
#include "controller/hypervisors/libvirt/process.h"

static int fail(struct domain_call *call, const struct connection *connection)
{
    int r = connection_failure(connection, &call->error);

    return error_prefix(&call->error, r, "libvirt");
}

/* ---- whether it may be asked ---- */

static bool put_off(struct domain_call *call, const char *format, unsigned long long number,
                    const char *text)
{
    call->is_put_off = true;
    if (text != NULL)
        error_set(&call->error, -EBUSY, "its QEMU, process %llu, %s", number, text);
    else
        error_set(&call->error, -EBUSY, "%s for %llu ms", format, number);
    return false;
}

static bool process_may_be_asked(struct domain_call *call)
{
    const char *trouble = process_trouble(call->pid);

    return trouble == NULL || put_off(call, NULL, (unsigned long long)call->pid, trouble);
}

/* `*ret_has_job`: a save, a migration or the like is under way. False: it is put off, or status is
 * set. */
static bool monitor_is_free(struct domain_call *call, virDomainPtr domain,
                            const struct connection *connection, bool *ret_has_job)
{
    virDomainControlInfo control;

    *ret_has_job = false;
    if (virDomainGetControlInfo(domain, &control, 0) < 0) {
        int r = fail(call, connection);

        call->status = r == -EOPNOTSUPP ? 0 : r;
        return call->status == 0;
    }
    *ret_has_job = control.state == VIR_DOMAIN_CONTROL_JOB;
    if (control.state == VIR_DOMAIN_CONTROL_OCCUPIED)
        return put_off(call, "somebody's call has waited in its monitor", control.stateTime, NULL);
    if (control.state == VIR_DOMAIN_CONTROL_ERROR)
        return put_off(call, "libvirt has had no use of its monitor", control.stateTime, NULL);
    if (*ret_has_job && driver_operation_changes(call->kind))
        return put_off(call, "a save, a migration or a backup has gone on", control.stateTime,
                       NULL);
    return true;
}

/* ---- memory ---- */

static uint64_t *member_of(struct driver_statistics *statistics, int tag, uint64_t *ret_unit)
{
    *ret_unit = KIB;
    switch (tag) {
    case VIR_DOMAIN_MEMORY_STAT_AVAILABLE: /* so it is called */
        return &statistics->total;
    case VIR_DOMAIN_MEMORY_STAT_UNUSED:
        return &statistics->free;
    case VIR_DOMAIN_MEMORY_STAT_USABLE:
        return &statistics->available;
    case VIR_DOMAIN_MEMORY_STAT_DISK_CACHES:
        return &statistics->disk_caches;
    case VIR_DOMAIN_MEMORY_STAT_SWAP_IN:
        return &statistics->swap_in;
    case VIR_DOMAIN_MEMORY_STAT_SWAP_OUT:
        return &statistics->swap_out;
    case VIR_DOMAIN_MEMORY_STAT_MAJOR_FAULT:
        *ret_unit = 1;
        return &statistics->major_faults;
    case VIR_DOMAIN_MEMORY_STAT_MINOR_FAULT:
        *ret_unit = 1;
        return &statistics->minor_faults;
    default:
        return NULL;
    }
}

/* `*ret_actual`: what libvirt's balloon leaves the guest; 0: not given. */
static int read_memory(struct domain_call *call, virDomainPtr domain,
                       const struct connection *connection, uint64_t *ret_actual)
{
    virDomainMemoryStatStruct list[VIR_DOMAIN_MEMORY_STAT_NR];
    struct driver_statistics *statistics = &call->statistics;
    int count = virDomainMemoryStats(domain, list, ARRAY_SIZE(list), 0);

    *ret_actual = 0;
    *statistics =
        (struct driver_statistics){0,          UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX,
                                   UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX};
    if (count < 0)
        return fail(call, connection);
    for (int i = 0; i < count; i++) {
        uint64_t unit;
        uint64_t *member = member_of(statistics, list[i].tag, &unit);

        if (member != NULL && list[i].val <= UINT64_MAX / KIB)
            *member = list[i].val * unit;
        else if (list[i].tag == VIR_DOMAIN_MEMORY_STAT_ACTUAL_BALLOON &&
                 list[i].val <= UINT64_MAX / KIB)
            *ret_actual = list[i].val * KIB;
        else if (list[i].tag == VIR_DOMAIN_MEMORY_STAT_LAST_UPDATE && list[i].val <= INT64_MAX)
            statistics->updated = (int64_t)list[i].val;
    }
    return 0;
}

/* ---- facts ---- */

static int read_description(struct domain_call *call, virDomainPtr domain,
                            const struct connection *connection)
{
    struct description *description = malloc(sizeof(*description));
    char *xml = virDomainGetXMLDesc(domain, 0);
    int r = -ENOMEM;

    if (xml == NULL)
        r = fail(call, connection);
    else if (description == NULL)
        error_set(&call->error, r, "out of memory");
    else
        r = description_parse(xml, strlen(xml), description, &call->error);
    if (r == 0) {
        description_facts(description, &call->facts);
        call->beyond_balloon = description_beyond_balloon(description);
    }
    free(xml);
    free(description);
    return r;
}

/* A job that goes on is one of these, or a dump or a backup, which the guest does not notice. */
static bool is_migrating(virDomainPtr domain)
{
    virTypedParameterPtr list = NULL;
    int operation = VIR_DOMAIN_JOB_OPERATION_UNKNOWN;
    int count = 0;
    int type;

    if (virDomainGetJobStats(domain, &type, &list, &count, 0) < 0)
        return true; /* rather too careful */
    (void)virTypedParamsGetInt(list, count, VIR_DOMAIN_JOB_OPERATION, &operation);
    virTypedParamsFree(list, count);
    return type != VIR_DOMAIN_JOB_NONE && operation != VIR_DOMAIN_JOB_OPERATION_DUMP &&
           operation != VIR_DOMAIN_JOB_OPERATION_BACKUP;
}

static enum run_state run_state_of(int state, int reason)
{
    switch (state) {
    case VIR_DOMAIN_RUNNING:
    case VIR_DOMAIN_BLOCKED:
        return reason == VIR_DOMAIN_RUNNING_POSTCOPY ? RUN_STATE_MIGRATING : RUN_STATE_RUNNING;
    case VIR_DOMAIN_PAUSED:
        return reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_POSTCOPY
                   ? RUN_STATE_MIGRATING
                   : RUN_STATE_PAUSED;
    case VIR_DOMAIN_PMSUSPENDED:
        return RUN_STATE_PAUSED;
    case VIR_DOMAIN_SHUTDOWN:
    case VIR_DOMAIN_SHUTOFF:
    case VIR_DOMAIN_CRASHED:
        return RUN_STATE_STOPPED;
    default:
        return RUN_STATE_UNKNOWN;
    }
}

static int read_run_state(struct domain_call *call, virDomainPtr domain,
                          const struct connection *connection, bool has_job)
{
    int state;
    int reason;

    if (virDomainGetState(domain, &state, &reason, 0) < 0)
        return fail(call, connection);
    call->facts.run_state = run_state_of(state, reason);
    if (has_job && call->facts.run_state == RUN_STATE_RUNNING && is_migrating(domain))
        call->facts.run_state = RUN_STATE_MIGRATING;
    call->facts.migrated_in =
        state == VIR_DOMAIN_RUNNING &&
        (reason == VIR_DOMAIN_RUNNING_MIGRATED || reason == VIR_DOMAIN_RUNNING_RESTORED);
    return 0;
}

static void read_process(struct domain_call *call, virDomainPtr domain,
                         const struct connection *connection)
{
    bool is_incoming = false;
    const char *name = virDomainGetName(domain);

    if (call->pid == 0 || !process_is_domain(call->pid, call->uuid, &is_incoming))
        call->pid = name == NULL ? 0 : process_find(connection->uri, name, call->uuid);
    if (call->pid != 0 && process_is_domain(call->pid, call->uuid, &is_incoming) && is_incoming)
        call->facts.migrated_in = true;
    call->facts.pid = call->pid;
}

static uint32_t capabilities_of(const struct driver_facts *facts,
                                const struct connection *connection)
{
    uint32_t capabilities = DRIVER_TELLS_EVENTS;

    if (facts->balloon == ANSWER_YES)
        capabilities |= DRIVER_CAN_READ_STATISTICS;
    if (facts->balloon == ANSWER_YES && !connection->is_read_only)
        capabilities |=
            DRIVER_CAN_SET_BALLOON | DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_CAN_SET_MARK;
    return capabilities;
}

/* What the guest has left, from QEMU itself: the description has the last event's. */
static int read_actual(struct domain_call *call, virDomainPtr domain,
                       const struct connection *connection)
{
    uint64_t actual;
    int r = read_memory(call, domain, connection, &actual);

    if (r == 0 && actual != 0)
        call->facts.balloon_actual = actual + call->beyond_balloon;
    return r;
}

static int read_facts(struct domain_call *call, virDomainPtr domain,
                      const struct connection *connection, bool has_job)
{
    int r = read_description(call, domain, connection);

    if (r == 0)
        r = read_run_state(call, domain, connection, has_job);
    if (r < 0)
        return r;
    read_process(call, domain, connection);
    call->facts.capabilities = capabilities_of(&call->facts, connection);
    if (call->facts.balloon == ANSWER_YES)
        r = read_actual(call, domain, connection);
    return r == -EREMOTEIO || r == -EIO ? 0 : r; /* then it is as the last event said */
}

/* Both sizes are of one moment. */
static int read_balloon(struct domain_call *call, virDomainPtr domain,
                        const struct connection *connection)
{
    int r = read_description(call, domain, connection);

    if (r == 0 && call->facts.balloon != ANSWER_YES)
        return error_set(&call->error, -ENODEV, "the domain has no balloon");
    return r < 0 ? r : read_actual(call, domain, connection);
}

/* In the live description, which libvirt saves and migrates with the domain. */
static int set_mark(const struct domain_call *call, virDomainPtr domain)
{
    char element[64];

    snprintf(element, sizeof(element), "<lease baseline='%" PRIu64 "'/>", call->value);
    return virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
                                call->value == 0 ? NULL : element, DESCRIPTION_MARK_KEY,
                                DESCRIPTION_MARK_URI, VIR_DOMAIN_AFFECT_LIVE);
}

/* ---- one call ---- */

static int refuse_to(int r, struct domain_call *call, const struct connection *connection)
{
    return r < 0 ? fail(call, connection) : 0;
}

static int ask(struct domain_call *call, virDomainPtr domain, const struct connection *connection,
               bool has_job)
{
    uint64_t actual;

    switch (call->kind) {
    case DRIVER_READ_FACTS:
        return read_facts(call, domain, connection, has_job);
    case DRIVER_READ_BALLOON:
        return read_balloon(call, domain, connection);
    case DRIVER_READ_STATISTICS:
        return read_memory(call, domain, connection, &actual);
    case DRIVER_READ_MEMORY_MAP: /* libvirt has none */
        break;
    case DRIVER_SET_BALLOON:
        return refuse_to(virDomainSetMemoryFlags(domain, call->value / KIB, VIR_DOMAIN_AFFECT_LIVE),
                         call, connection);
    case DRIVER_SET_STATISTICS_INTERVAL:
        return refuse_to(
            virDomainSetMemoryStatsPeriod(domain, (int)call->value, VIR_DOMAIN_AFFECT_LIVE), call,
            connection);
    case DRIVER_SET_MARK:
        return refuse_to(set_mark(call, domain), call, connection);
    }
    return -EOPNOTSUPP;
}

static void run(struct domain_call *call, virDomainPtr domain, const struct connection *connection)
{
    bool has_job;

    if (!process_may_be_asked(call) || !monitor_is_free(call, domain, connection, &has_job))
        return;
    call->status = ask(call, domain, connection, has_job);
    call->outcome = driver_outcome_of(call->status);
    /* Somebody held it for 30 s: it was not asked. */
    if (call->status == -EBUSY)
        call->is_put_off = true;
}

void domain_call_run(struct lane_job *job, struct connection *connection)
{
    struct domain_call *call = container_of(job, struct domain_call, job);
    virDomainPtr domain = NULL;

    call->is_put_off = false;
    call->outcome = DRIVER_OUTCOME_NOT_DONE;
    if (connection_open(connection, &call->error) < 0) {
        call->status = error_prefix(&call->error, -ENOTCONN, "libvirt");
        return;
    }
    domain = virDomainLookupByUUIDString(connection->handle, call->uuid);
    if (domain == NULL) {
        call->status = fail(call, connection);
        return;
    }
    run(call, domain, connection);
    (void)virDomainFree(domain);
}
