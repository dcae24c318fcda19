/* Telling of domains. */
#include "controller/hypervisors/libvirt/discoveries.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/hypervisors/libvirt/address.h"

struct driver_discovery {
    struct list link; /* of the host's, or of those that were closed */
    struct host *host;
    nsec_t deadline; /* of the first report */
    bool is_listed;
    bool has_failed;
    bool is_closed;
    unsigned round; /* it was notified last */
    const struct driver_discovery_callbacks *callbacks;
    void *userdata;
};

static void describe(const struct domain *domain, struct driver_vm *ret_vm)
{
    *ret_vm = (struct driver_vm){
        .pid = domain->pid, .guest_cid = domain->guest_cid, .backing = domain->backing};
    address_format_domain(domain->host->uri, domain->uuid, ret_vm->where);
    text_copy(ret_vm->name, sizeof(ret_vm->name), domain->name);
    text_copy(ret_vm->uuid, sizeof(ret_vm->uuid), domain->uuid);
    text_copy(ret_vm->title, sizeof(ret_vm->title), domain->title);
    text_copy(ret_vm->labels, sizeof(ret_vm->labels), domain->labels);
}

static void tell(const struct driver_discovery *discovery, const struct domain *domain)
{
    struct driver_vm vm;

    describe(domain, &vm);
    discovery->callbacks->on_vm(&vm, discovery->userdata);
}

/* The next that was not notified in this round; NULL: all were. */
static struct driver_discovery *next_untold(const struct host *host, unsigned round)
{
    list_for_each (link, &host->discoveries) {
        struct driver_discovery *discovery = list_entry(link, struct driver_discovery, link);

        if (discovery->round != round) {
            discovery->round = round;
            return discovery;
        }
    }
    return NULL;
}

void discoveries_tell(struct host *host, const struct domain *domain)
{
    unsigned round = ++host->round;
    struct driver_discovery *discovery;

    while ((discovery = next_untold(host, round)) != NULL)
        if (discovery->is_listed)
            tell(discovery, domain);
}

void discoveries_tell_gone(struct host *host, const struct domain *domain)
{
    unsigned round = ++host->round;
    struct driver_discovery *discovery;
    struct driver_vm vm;

    describe(domain, &vm);
    while ((discovery = next_untold(host, round)) != NULL)
        if (discovery->is_listed)
            discovery->callbacks->on_vm_gone(vm.where, discovery->userdata);
}

static void fail(struct driver_discovery *discovery, int status, const struct error *error)
{
    if (discovery->has_failed)
        return;
    discovery->has_failed = true;
    discovery->is_listed = false;
    discovery->callbacks->on_failed(status, error, discovery->userdata);
}

void discoveries_fail(struct host *host, int status)
{
    const struct error error = host->trouble;
    unsigned round = ++host->round;
    struct driver_discovery *discovery;

    while ((discovery = next_untold(host, round)) != NULL)
        fail(discovery, status, &error);
}

/* All that run. The report of one may close the discovery. */
static void list_all(struct driver_discovery *discovery)
{
    discovery->is_listed = true;
    list_for_each (link, &discovery->host->domains) {
        const struct domain *domain = list_entry(link, struct domain, link);

        if (!domain->is_gone && !discovery->is_closed)
            tell(discovery, domain);
    }
    if (!discovery->is_closed)
        discovery->callbacks->on_listed(discovery->userdata);
}

void discoveries_run(struct host *host, nsec_t now)
{
    unsigned round = ++host->round;
    struct driver_discovery *discovery;
    struct error error = host->trouble;

    while ((discovery = next_untold(host, round)) != NULL) {
        if (discovery->is_listed || discovery->has_failed)
            continue;
        if (host->is_up)
            list_all(discovery);
        else if (now >= discovery->deadline)
            fail(discovery, -EBUSY, &error); /* it is there, and slow */
    }
}

nsec_t discoveries_next(const struct host *host)
{
    nsec_t next = NSEC_INFINITY;

    list_for_each (link, &host->discoveries) {
        const struct driver_discovery *discovery = list_entry(link, struct driver_discovery, link);

        if (!discovery->is_listed && !discovery->has_failed)
            next = min_of(next, discovery->deadline);
    }
    return next;
}

void discoveries_sweep(struct host *host)
{
    list_for_each_safe (link, following, &host->closed_discoveries) {
        list_remove(link);
        free(list_entry(link, struct driver_discovery, link));
    }
}

int discovery_open(uv_loop_t *loop, const char *place, nsec_t timeout,
                   const struct driver_discovery_callbacks *callbacks, void *userdata,
                   struct driver_discovery **ret_discovery)
{
    struct driver_discovery *discovery;
    int r = address_check_uri(place, NULL);

    if (r < 0)
        return r;
    discovery = calloc(1, sizeof(*discovery));
    if (discovery == NULL)
        return -ENOMEM;
    r = host_get(loop, place, &discovery->host);
    if (r < 0) {
        free(discovery);
        return r;
    }
    discovery->deadline = time_monotonic() + timeout;
    discovery->callbacks = callbacks;
    discovery->userdata = userdata;
    list_append(&discovery->host->discoveries, &discovery->link);
    host_wake(discovery->host);
    *ret_discovery = discovery;
    return 0;
}

/* As with sessions: the host's timer passes the deadlines. */
void discovery_tick(struct driver_discovery *discovery, nsec_t now)
{
}

void discovery_close(struct driver_discovery *discovery)
{
    if (discovery == NULL || discovery->is_closed)
        return;
    discovery->is_closed = true;
    list_remove(&discovery->link);
    list_append(&discovery->host->closed_discoveries, &discovery->link);
    host_wake(discovery->host);
    host_put(discovery->host);
}
