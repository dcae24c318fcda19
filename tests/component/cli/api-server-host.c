/* The scripted API server's host: three VMs in two pages, of which one could return nothing; and a
 * plan for it. */
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__GetHostRequest Request;
typedef Vmreclaim__Controller__V1__GetHostResponse Response;
typedef Vmreclaim__Controller__V1__Host Host;
typedef Vmreclaim__Controller__V1__HostNode HostNode;
typedef Vmreclaim__Controller__V1__HostStep HostStep;
typedef Vmreclaim__Controller__V1__HostVm HostVm;

static HostNode nodes[2];
static HostNode *node_pointers[] = {&nodes[0], &nodes[1]};

static void fill_host(Host *host)
{
    vmreclaim__controller__v1__host__init(host);
    host->total = 64 * GIB;
    host->available = 16 * GIB;
    host->pressure_is_known = 1;
    host->pressure_some_permyriad = 250;
    host->swap_total = 8 * GIB;
    host->swap_free = 6 * GIB;
    host->arbiter = (char *)"off";
    host->reserved = 512 * MIB;
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        vmreclaim__controller__v1__host_node__init(&nodes[i]);
        nodes[i].id = (uint32_t)i;
        nodes[i].total = 32 * GIB;
        nodes[i].free = (i + 1) * GIB;
    }
    host->nodes = node_pointers;
    host->n_nodes = ARRAY_SIZE(nodes);
}

struct scripted_vm {
    HostVm vm;
    HostStep steps[2];
    HostStep *pointers[2];
};

static void add_step(struct scripted_vm *scripted, const char *name, uint64_t bytes)
{
    HostStep *step = &scripted->steps[scripted->vm.n_steps];

    vmreclaim__controller__v1__host_step__init(step);
    step->name = (char *)name;
    step->bytes = bytes;
    scripted->pointers[scripted->vm.n_steps++] = step;
    scripted->vm.steps = scripted->pointers;
    scripted->vm.could_return += bytes;
}

static void fill_vm(struct scripted_vm *scripted, const char *name, uint64_t footprint)
{
    HostVm *vm = &scripted->vm;

    vmreclaim__controller__v1__host_vm__init(vm);
    vm->name = (char *)name;
    vm->state = (char *)"managed";
    vm->footprint_is_known = footprint != 0;
    vm->footprint = footprint;
    vm->vm_ram = 8 * GIB;
}

void get_host(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Request *request = (const void *)message;
    Response response = VMRECLAIM__CONTROLLER__V1__GET_HOST_RESPONSE__INIT;
    struct scripted_vm vms[3];
    HostVm *pointers[] = {&vms[0].vm, &vms[1].vm, &vms[2].vm};
    Host host;

    fill_host(&host);
    fill_vm(&vms[0], "db", 6 * GIB);
    add_step(&vms[0], "compact", 256 * MIB);
    vms[0].vm.balloon_lease = GIB;
    vms[0].vm.balloon_owner = (char *)"alice";
    fill_vm(&vms[1], "silent", 0);
    vms[1].vm.reason = (char *)"nobody says what is free in it";
    fill_vm(&vms[2], "web1", 2 * GIB);
    add_step(&vms[2], "reclaim", GIB);
    add_step(&vms[2], "compact", 512 * MIB);
    response.host = &host;
    response.vms = pointers;
    response.n_vms = 2;
    response.next_page_token = (char *)"silent";
    if (strcmp(request->page_token, "silent") == 0) {
        response.vms = &pointers[2];
        response.n_vms = 1;
        response.next_page_token = (char *)"";
        response.host = NULL;
    }
    ttrpc_call_finish(call, &response.base);
}

/* ---- the plan ---- */

typedef Vmreclaim__Controller__V1__PlannedVm PlannedVm;

static void plan_vm(PlannedVm *vm, const char *name, const char *step, const char *cause,
                    const char *reason)
{
    vmreclaim__controller__v1__planned_vm__init(vm);
    vm->vm = (char *)name;
    vm->step = (char *)step;
    vm->cause = (char *)cause;
    vm->reason = (char *)reason;
    vm->vm_ram = 8 * GIB;
    vm->shares = 1000;
}

void get_plan(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Controller__V1__GetPlanResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_PLAN_RESPONSE__INIT;
    PlannedVm vms[4];
    PlannedVm *pointers[] = {&vms[0], &vms[1], &vms[2], &vms[3]};
    Host host;

    fill_host(&host);
    host.arbiter = (char *)"on";
    host.low = 20 * GIB;
    host.high = 24 * GIB;
    host.arbiter_has_looked = 1;
    host.arbiter_state = (char *)"taking";
    host.coming = 128 * MIB;
    host.takeable = 3 * GIB;
    host.floors_missing = GIB;
    plan_vm(&vms[0], "db", "give-back", "in-need", "the guest is short of memory");
    vms[0].bytes = 64 * MIB;
    vms[0].size = 7 * GIB;
    plan_vm(&vms[1], "web1", "reclaim", "cold-cache", "its cache was not used for long");
    vms[1].bytes = GIB;
    plan_vm(&vms[2], "web2", "lease", "over-share", "it holds more than its share");
    vms[2].bytes = 512 * MIB;
    vms[2].size = 4 * GIB;
    vms[2].guest_is_known = 1;
    plan_vm(&vms[3], "silent", "", "no-means",
            "nothing that can be done to it brings memory back, and the daemon has no word for it");
    response.host = &host;
    response.vms = pointers;
    response.n_vms = ARRAY_SIZE(vms);
    response.omitted = 2;
    ttrpc_call_finish(call, &response.base);
}
