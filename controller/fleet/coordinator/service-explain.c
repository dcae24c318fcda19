/* One host, or one VM of it, and what the fleet wants there. */
#include <stdlib.h>
#include <string.h>

#include "common/base/nearest.h"
#include "common/ttrpc/wire.h"
#include "controller/fleet/coordinator/host-policies.h"
#include "controller/fleet/coordinator/service-methods.h"

typedef Vmreclaim__Fleet__V1__VmExplanation VmExplanation;

/* Of what a host packed of a VM; a bridge has a dozen. */
#define EXPLANATION_ELEMENTS_MAX 64

/* ---- which is meant ---- */

static bool is_named(const struct host_entry *entry, const char *name)
{
    return entry->status != NULL && strcmp(entry->status->name, name) == 0;
}

static void fail_host(struct ttrpc_call *call, struct fleet_hosts *hosts, const char *name)
{
    struct nearest nearest = {.wanted = name};

    for (size_t i = 0; i < hosts->count; i++) {
        nearest_offer(&nearest, hosts->sorted[i]->id);
        if (hosts->sorted[i]->status != NULL)
            nearest_offer(&nearest, hosts->sorted[i]->status->name);
    }
    if (nearest.name != NULL)
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no host \"%s\"; did you mean: %s?", name,
                        nearest.name);
    else
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no host \"%s\"; see 'vmreclaim fleet hosts'", name);
}

/* By its id, else by its name, which several may have. NULL: the call has failed. */
static struct host_entry *find_host(struct ttrpc_call *call, struct fleet_hosts *hosts,
                                    const char *name)
{
    struct host_entry *entry = fleet_hosts_find(hosts, name);

    if (entry != NULL)
        return entry;
    for (size_t i = 0; i < hosts->count; i++) {
        struct host_entry *other = hosts->sorted[i];

        if (!is_named(other, name))
            continue;
        if (entry != NULL) {
            ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT,
                            "\"%s\" is the name of hosts %s and %s; say which by its id", name,
                            entry->id, other->id);
            return NULL;
        }
        entry = other;
    }
    if (entry == NULL)
        fail_host(call, hosts, name);
    return entry;
}

static void fail_vm(struct ttrpc_call *call, const struct host_entry *entry, const char *name)
{
    struct nearest nearest = {.wanted = name};
    const HostStatus *status = entry->status;

    for (size_t i = 0; status != NULL && i < status->n_vms; i++)
        nearest_offer(&nearest, status->vms[i]->name);
    if (status == NULL)
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "host %s was never heard: its VMs are not known",
                        entry->id);
    else if (nearest.name != NULL)
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no VM \"%s\" on host %s; did you mean: %s?", name,
                        entry->id, nearest.name);
    else if (status->vm_count > status->n_vms)
        ttrpc_call_fail(call, TTRPC_NOT_FOUND,
                        "no VM \"%s\" among the %zu of %u that host %s has told of", name,
                        status->n_vms, status->vm_count, entry->id);
    else
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no VM \"%s\" on host %s", name, entry->id);
}

/* NULL: the call has failed. */
static const VmStatus *find_vm(struct ttrpc_call *call, const struct host_entry *entry,
                               const char *name)
{
    const HostStatus *status = entry->status;

    for (size_t i = 0; status != NULL && i < status->n_vms; i++)
        if (strcmp(status->vms[i]->name, name) == 0 || strcmp(status->vms[i]->uuid, name) == 0)
            return status->vms[i];
    fail_vm(call, entry, name);
    return NULL;
}

/* ---- policies ---- */

struct policies {
    HostPolicy *list;
    HostPolicy **pointers;
    size_t count;
};

/* Of a VM, or of all with NULL. policies_finish() also after a failure. */
static bool policies_init(struct policies *policies, const struct host_entry *entry, const char *vm)
{
    size_t most = HOST_POLICIES_MAX + (entry->wanted == NULL ? 0 : entry->wanted->n_policies);
    size_t place = 0;

    policies->count = 0;
    policies->list = calloc(most, sizeof(*policies->list));
    policies->pointers = calloc(most, sizeof(HostPolicy *));
    if (policies->list == NULL || policies->pointers == NULL)
        return false;
    while (host_policy_next(entry, &place, &policies->list[policies->count])) {
        if (vm != NULL && !host_policy_may_mean(&policies->list[policies->count], vm))
            continue;
        policies->pointers[policies->count] = &policies->list[policies->count];
        policies->count++;
        if (policies->count == most)
            break;
    }
    return true;
}

static void policies_finish(struct policies *policies)
{
    free(policies->list);
    free(policies->pointers);
}

/* ---- GetHostStatus ---- */

/* VMs without what they were packed with: few look at it. NULL: no memory. */
static VmStatus *make_slim(HostStatus *status, VmStatus ***ret_list)
{
    VmStatus *slim = calloc(status->n_vms + 1, sizeof(*slim));
    VmStatus **list = calloc(status->n_vms + 1, sizeof(VmStatus *));

    for (size_t i = 0; slim != NULL && list != NULL && i < status->n_vms; i++) {
        slim[i] = *status->vms[i];
        slim[i].explanation.len = 0;
        list[i] = &slim[i];
    }
    status->vms = list;
    *ret_list = list;
    return list == NULL ? NULL : slim;
}

static void answer_host(struct ttrpc_call *call, struct host_entry *entry)
{
    FLEET_CALL(GetHostStatus, Response)
    response = VMRECLAIM__FLEET__V1__GET_HOST_STATUS_RESPONSE__INIT;
    HostStatus status = VMRECLAIM__FLEET__V1__HOST_STATUS__INIT;
    struct policies policies;
    VmStatus **list = NULL;
    VmStatus *slim;
    FleetHost host;

    if (entry->status != NULL)
        status = *entry->status;
    slim = make_slim(&status, &list);
    if (!policies_init(&policies, entry, NULL) || slim == NULL)
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
    else {
        service_fill_host(service_client_of(call)->service, entry, NULL, &host);
        host.status = entry->status == NULL ? NULL : &status;
        response.host = &host;
        response.policies = policies.pointers;
        response.n_policies = policies.count;
        response.wanted_problem = entry->wanted_problem;
        ttrpc_call_finish(call, &response.base);
    }
    policies_finish(&policies);
    free(slim);
    free(list);
}

void service_get_host_status(struct ttrpc_call *call, const ProtobufCMessage *message,
                             void *userdata)
{
    const FLEET_CALL(GetHostStatus, Request) *request = (const void *)message;
    struct host_entry *entry =
        find_host(call, service_client_of(call)->service->hosts, request->host);

    if (entry != NULL)
        answer_host(call, entry);
}

/* ---- ExplainFleetVm ---- */

/* NULL: its host sent none, or something else. */
static VmExplanation *read_explanation(const VmStatus *vm)
{
    const ProtobufCBinaryData *packed = &vm->explanation;

    if (packed->len == 0 ||
        wire_check_message(&vmreclaim__fleet__v1__vm_explanation__descriptor,
                           (struct slice){packed->data, packed->len}, EXPLANATION_ELEMENTS_MAX) < 0)
        return NULL;
    return vmreclaim__fleet__v1__vm_explanation__unpack(NULL, packed->len, packed->data);
}

static void answer_vm(struct ttrpc_call *call, struct host_entry *entry, const VmStatus *found)
{
    FLEET_CALL(ExplainFleetVm, Response)
    response = VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_RESPONSE__INIT;
    VmStatus vm = *found;
    struct policies policies;
    HostStatus slim;
    FleetHost host;

    if (!policies_init(&policies, entry, vm.name)) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        policies_finish(&policies);
        return;
    }
    service_fill_host(service_client_of(call)->service, entry, &slim, &host);
    vm.explanation.len = 0;
    response.host = &host;
    response.vm = &vm;
    response.policies = policies.pointers;
    response.n_policies = policies.count;
    response.wanted_problem = entry->wanted_problem;
    response.explanation = read_explanation(found);
    ttrpc_call_finish(call, &response.base);
    if (response.explanation != NULL)
        vmreclaim__fleet__v1__vm_explanation__free_unpacked(response.explanation, NULL);
    policies_finish(&policies);
}

void service_explain_fleet_vm(struct ttrpc_call *call, const ProtobufCMessage *message,
                              void *userdata)
{
    const FLEET_CALL(ExplainFleetVm, Request) *request = (const void *)message;
    struct host_entry *entry =
        find_host(call, service_client_of(call)->service->hosts, request->host);
    const VmStatus *vm = entry == NULL ? NULL : find_vm(call, entry, request->vm);

    if (vm != NULL)
        answer_vm(call, entry, vm);
}
