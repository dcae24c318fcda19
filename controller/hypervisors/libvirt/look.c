/* Looking at all domains. Everything in here may block. */
#include "controller/hypervisors/libvirt/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/libvirt/events.h"
#include "controller/hypervisors/libvirt/process.h"

static int compare(const void *a, const void *b)
{
    const struct look_domain *first = a;
    const struct look_domain *second = b;

    return strcmp(first->uuid, second->uuid);
}

void look_sort(struct look *look)
{
    if (look->known_count > 0)
        qsort(look->known, look->known_count, sizeof(*look->known), compare);
}

/* What was known of the same run of that domain; NULL: nothing. */
static const struct look_domain *find_known(const struct look *look,
                                            const struct look_domain *domain)
{
    const struct look_domain *known =
        look->known_count == 0
            ? NULL
            : bsearch(domain, look->known, look->known_count, sizeof(*look->known), compare);

    return known != NULL && known->id == domain->id ? known : NULL;
}

/* ---- one domain ---- */

static void read_control(virDomainPtr handle, struct look_domain *domain)
{
    virDomainControlInfo control;

    domain->is_askable = process_trouble(domain->pid) == NULL;
    if (virDomainGetControlInfo(handle, &control, 0) < 0)
        return;
    domain->has_job = control.state == VIR_DOMAIN_CONTROL_JOB;
    domain->is_askable = domain->is_askable && (control.state == VIR_DOMAIN_CONTROL_OK ||
                                                control.state == VIR_DOMAIN_CONTROL_JOB);
}

/* False: it has no identity. */
static bool read_domain(const struct look *look, const struct connection *connection,
                        virDomainPtr handle, struct look_domain *domain)
{
    const char *name = virDomainGetName(handle);
    const struct look_domain *known;

    if (name == NULL || virDomainGetUUIDString(handle, domain->uuid) < 0)
        return false;
    text_copy_line(domain->name, sizeof(domain->name), name);
    domain->id = (int)virDomainGetID(handle);
    known = find_known(look, domain);
    domain->pid = known == NULL || known->pid == 0
                      ? process_find(connection->uri, name, domain->uuid)
                      : known->pid;
    read_control(handle, domain);
    return true;
}

/* ---- all of them ---- */

static void free_handles(virDomainPtr *handles, int count)
{
    for (int i = 0; i < count; i++)
        (void)virDomainFree(handles[i]);
    free(handles);
}

static int look_at_all(struct look *look, const struct connection *connection)
{
    virDomainPtr *handles = NULL;
    int count =
        virConnectListAllDomains(connection->handle, &handles, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

    if (count < 0)
        return connection_failure(connection, &look->error);
    look->domains = calloc((size_t)count + 1, sizeof(*look->domains));
    for (int i = 0; i < count && look->domains != NULL; i++)
        if (look->count < DRIVER_DISCOVERED_MAX &&
            read_domain(look, connection, handles[i], &look->domains[look->count]))
            look->count++;
    free_handles(handles, count);
    if (look->domains == NULL)
        return error_set(&look->error, -ENOMEM, "out of memory");
    /* Half a list would report the others as gone. */
    return virConnectIsAlive(connection->handle) == 1
               ? 0
               : error_set(&look->error, -ENOTCONN, "it has ended");
}

static int look_at_troubled(struct look *look, const struct connection *connection)
{
    look->domains = calloc(look->known_count + 1, sizeof(*look->domains));
    if (look->domains == NULL)
        return error_set(&look->error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < look->known_count; i++) {
        virDomainPtr handle = virDomainLookupByUUIDString(connection->handle, look->known[i].uuid);

        if (handle == NULL)
            continue;
        look->domains[look->count] = look->known[i];
        read_control(handle, &look->domains[look->count++]);
        (void)virDomainFree(handle);
    }
    return 0;
}

static int connect_anew(struct look *look, struct connection *connection)
{
    int r;

    look_end(connection);
    connection_close(connection);
    r = events_start();
    if (r < 0)
        return error_set(&look->error, r, "no thread for its events: %s", strerror(-r));
    r = connection_open(connection, &look->error);
    return r < 0 ? r
                 : events_register(connection, look->mailbox, look->connection, look->on_notice,
                                   &look->error);
}

void look_run(struct lane_job *job, struct connection *connection)
{
    struct look *look = container_of(job, struct look, job);

    look->status = look->kind == LOOK_CONNECT ? connect_anew(look, connection) : 0;
    if (look->status == 0 && connection->handle == NULL)
        look->status = error_set(&look->error, -ENOTCONN, "not connected");
    if (look->status == 0)
        look->status = look->kind == LOOK_TROUBLED ? look_at_troubled(look, connection)
                                                   : look_at_all(look, connection);
}

void look_destroy(struct look *look)
{
    free(look->known);
    free(look->domains);
    free(look);
}

void look_end(struct connection *connection)
{
    events_deregister(connection);
}
