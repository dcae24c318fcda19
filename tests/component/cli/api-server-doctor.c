/* The scripted API server's doctor: a stock libvirt domain, a VM of Proxmox VE, one of Cloud
 * Hypervisor and one that somebody starts by hand. */
#include <string.h>

#include "common/base/util.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__Check Check;

static const struct row {
    const char *name, *status, *reason, *advice, *remedy, *form, *time, *line;
} libvirt[] =
    {
        {"hypervisor", "ok", "answers", "", "", "", "", ""},
        {"vsock device", "failure", "none: no agent can connect", "", "vsock", "xml", "now",
         "<vsock model='virtio'><cid auto='yes'/></vsock>"},
        {"agent", "failure", "never seen \x1b[31mred", "install vmreclaim-agent in the guest", "",
         "", "", ""},
        {"free page reporting", "failure", "off", "", "reporting", "xml", "cold-start",
         "<memballoon model='virtio' freePageReporting='on'>"},
        {"statistics", "warning", "off", "", "statistics", "command", "now",
         "virsh -c qemu:///system dommemstat web-1 --period 10 --live --config"},
        {"backing", "unknown", "the hypervisor does not report it", "", "", "", "", ""},
},
  proxmox[] =
      {
          {"vsock device", "failure", "none", "", "vsock", "command", "cold-start",
           "qm set 104 --args '-device vhost-vsock-pci,guest-cid=104'"},
          {"balloon", "failure", "none", "", "balloon", "command", "cold-start",
           "qm set 104 --delete balloon"},
},
  cloud[] =
      {
          {"vsock device", "failure", "none", "", "vsock", "command", "now",
           "ch-remote --api-socket '/run/ch/cid=9;b'\\''us/web3.sock' add-vsock "
           "cid=7,socket=/run/ch/web3.vsock"},
},
  by_hand[] = {
      {"vsock device", "failure", "none", "", "vsock", "option", "cold-start",
       "-device vhost-vsock-pci,guest-cid=7"},
};

static const struct machine {
    const char *vm, *manager, *name, *place;
    const struct row *rows;
    size_t count;
} machines[] = {
    {"web1", "libvirt", "web-1", "qemu:///system", libvirt, ARRAY_SIZE(libvirt)},
    {"web2", "proxmox", "web2", "104", proxmox, ARRAY_SIZE(proxmox)},
    {"web3", "cloud-hypervisor", "web3", "/run/ch/cid=9;b'us/web3.sock", cloud, ARRAY_SIZE(cloud)},
    {"alone", "qemu", "alone", "/run/alone.qmp", by_hand, ARRAY_SIZE(by_hand)},
};

static void fill(const struct row *row, Check *check)
{
    vmreclaim__controller__v1__check__init(check);
    check->name = (char *)row->name;
    check->status = (char *)row->status;
    check->reason = (char *)row->reason;
    check->advice = (char *)row->advice;
    check->remedy = (char *)row->remedy;
    check->form = (char *)row->form;
    check->time = (char *)row->time;
    check->line = (char *)row->line;
}

void diagnose(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__DiagnoseRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__DiagnoseResponse response =
        VMRECLAIM__CONTROLLER__V1__DIAGNOSE_RESPONSE__INIT;
    const struct machine *machine = machines;
    Check checks[8];
    Check *pointers[8];

    if (play(call, request->vm))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(machines); i++)
        if (strcmp(machines[i].vm, request->vm) == 0)
            machine = &machines[i];
    for (size_t i = 0; i < machine->count; i++) {
        fill(&machine->rows[i], &checks[i]);
        pointers[i] = &checks[i];
    }
    response.vm = request->vm;
    response.manager = (char *)machine->manager;
    response.name = (char *)machine->name;
    response.place = (char *)machine->place;
    response.checks = pointers;
    response.n_checks = machine->count;
    ttrpc_call_finish(call, &response.base);
}
