/* The scripted API server's crowd: as many VMs as it was started for, whose names, states and
 * figures are as wide as they get. The first one's footprint is another at every second call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__Vm Vm;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;
typedef Vmreclaim__Controller__V1__Returns Returns;
typedef Vmreclaim__Controller__V1__HostStep HostStep;

unsigned crowd_size;

static const char *const steps[] = {"report", "reclaim", "compact", "pulse", "balloon"};

struct member {
    Vm vm;
    Waterfall waterfall;
    Returns returns;
    HostStep steps[ARRAY_SIZE(steps)];
    HostStep *pointers[ARRAY_SIZE(steps)];
    char name[64];
};

static void fill_returns(struct member *member, unsigned number)
{
    vmreclaim__controller__v1__returns__init(&member->returns);
    member->vm.returns = &member->returns;
    if (number % 5 == 4) {
        member->returns.reason =
            (char *)"what it frees is not reported, and libvirt moves its balloon";
        return;
    }
    for (size_t i = 0; i <= number % ARRAY_SIZE(steps); i++) {
        vmreclaim__controller__v1__host_step__init(&member->steps[i]);
        member->steps[i].name = (char *)steps[i];
        member->steps[i].bytes = (i + 1) * 204 * GIB;
        member->returns.bytes += member->steps[i].bytes;
        member->pointers[i] = &member->steps[i];
        member->returns.n_steps++;
    }
    member->returns.steps = member->pointers;
}

static void fill(struct member *member, unsigned number, unsigned calls)
{
    static const char *const states[] = {"managed",   "discovered", "connected", "paused",
                                         "migrating", "stalled",    "lost"};
    Vm *vm = &member->vm;

    vmreclaim__controller__v1__vm__init(vm);
    vmreclaim__controller__v1__waterfall__init(&member->waterfall);
    snprintf(member->name, sizeof(member->name), "%02u-%059u", number % 100, number % 100);
    vm->name = member->name;
    vm->state = (char *)states[number % ARRAY_SIZE(states)];
    vm->alarm = (char *)(number % 11 == 1 ? "the guest is short of memory" : "");
    vm->halted = number % 13 == 1;
    vm->agent_connected = true;
    vm->policy = (char *)"a-policy-with-a-long-name";
    vm->waterfall = &member->waterfall;
    member->waterfall.host_is_known = member->waterfall.guest_is_known = true;
    member->waterfall.footprint = number == 0 ? (1 + calls / 2) * GIB : 1023 * GIB + 900 * MIB;
    member->waterfall.vm_ram = 1023 * GIB + 900 * MIB;
    fill_returns(member, number);
}

void list_crowd(struct ttrpc_call *call)
{
    Vmreclaim__Controller__V1__ListVmsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_RESPONSE__INIT;
    struct member *members = calloc(crowd_size, sizeof(*members));
    Vm **pointers = calloc(crowd_size, sizeof(*pointers));
    static unsigned calls;

    if (members == NULL || pointers == NULL)
        abort();
    for (unsigned i = 0; i < crowd_size; i++) {
        fill(&members[i], i, calls);
        pointers[i] = &members[i].vm;
    }
    calls++;
    response.vms = pointers;
    response.n_vms = crowd_size;
    ttrpc_call_finish(call, &response.base);
    free((void *)pointers);
    free(members);
}
