/* The method of the host's doctor. */
#include <errno.h>
#include <stdlib.h>

#include "common/transport/address.h"
#include "controller/api/dispatch.h"
#include "controller/messages/diagnosis.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/statistics.h"

#define CID_FIRST 3

struct scratch {
    struct doctor_subject subject;
    struct diagnosis diagnosis;
    struct diagnosis_message message;
};

/* Of those that this daemon knows; the kernel refuses one that is taken. */
static uint32_t find_free_cid(const struct registry *registry)
{
    uint32_t cid = CID_FIRST;

    while (registry_find_cid(registry, cid) != NULL)
        cid++;
    return cid;
}

/* A socket that is not the hypervisor's: a relay, say. */
static const char *agent_place(const struct vm *vm)
{
    const struct vm_definition *definition = vm->sources.definition;
    struct address address;

    if (vm->links.agent != NULL && !vm->links.agent_is_dialled)
        return NULL;
    if (definition == NULL || definition->agent == NULL ||
        address_parse(definition->agent, &address, NULL) < 0 || address.kind != ADDRESS_UNIX)
        return NULL;
    return definition->agent;
}

static void fill_subject(const struct supervisor *supervisor, const struct vm *vm,
                         struct doctor_subject *subject)
{
    const struct driver *driver = vm->address.driver;
    const char *where = hypervisor_address_where(&vm->address);
    const struct driver_facts *facts = &vm->hypervisor.facts;

    *subject = (struct doctor_subject){
        .free_cid = find_free_cid(&supervisor->registry),
        .is_known = vm->hypervisor.known,
        .facts = facts,
        .condition = vm_hypervisor_condition(vm),
        .owner = driver == NULL || driver->owner == NULL ? NULL : driver->owner(where),
        .is_shut = vm->attempts.shut != 0,
        .agent_is_connected = vm->links.agent != NULL,
        .agent_place = agent_place(vm),
        .agent_is_announced = vm->announced,
        .agent_was_here = vm->life.agent_was_here,
        .guest_lacks_reporting = vm_declines_reporting(vm),
        .has_statistics = vm_statistics_hold(vm, time_boottime()),
        .transparent_huge_pages = supervisor->transparent_huge_pages,
    };
    doctor_subject_place(subject, driver == NULL ? "" : driver->name, where,
                         facts->name[0] != '\0' ? facts->name : vm->name);
}

static void diagnose(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__DiagnoseRequest *asked =
        (const Vmreclaim__Controller__V1__DiagnoseRequest *)request;
    const struct vm *vm = api_find_vm(call, asked->vm);
    struct scratch *scratch;

    if (vm == NULL)
        return;
    scratch = malloc(sizeof(*scratch));
    if (scratch == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    fill_subject(call->api->rooms.supervisor, vm, &scratch->subject);
    doctor_examine(&scratch->subject, &scratch->diagnosis);
    diagnosis_to_message(vm->name, &scratch->subject, &scratch->diagnosis, &scratch->message);
    api_call_finish(call, &scratch->message.message.base);
    free(scratch);
}

static const struct api_method rows[] = {
    {"Diagnose", diagnose, API_READS},
};

const struct api_methods api_doctor_methods = {rows, ARRAY_SIZE(rows)};
