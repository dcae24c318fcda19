#!/bin/bash
# Two stock domains of a real libvirtd on a host with vhost-vsock: `doctor --fix` gives each a vsock
# device while it runs, an agent is started in it, and the waterfall is whole.
# needs: vhost-vsock
# Functions are called by name.
# shellcheck disable=SC2317
# shellcheck source=tests/lab/libvirt.sh
. "$LAB_SOURCE/tests/lab/libvirt.sh"

check_of() { # VM CHECK STATUS
    [[ $(vmreclaim --json doctor "$1" | jq -r --arg name "$2" '.checks[] | select(.name == $name).status') == "$3" ]]
}

# Nothing of it is absent, and little of what the host holds is left over.
is_whole() { # VM
    vmreclaim --json vm show "$1" >"$LAB_RESULTS/$1.json" && jq -e '.vm | .state == "managed" and (.waterfall |
        .guest_is_known and .host_is_known and .remainder < 67108864 and
        ([.footprint, .in_use, .cache, .trapped, .percpu, .balloon, .vm_ram] | all(. != null)))' "$LAB_RESULTS/$1.json" >/dev/null
}

fix() { # VM
    vmreclaim doctor "$1" --fix --yes >"$LAB_RESULTS/$1.fix" 2>&1
    local status=$?
    sed 's/^/        /' "$LAB_RESULTS/$1.fix"
    return "$status"
}

libvirt_start || wait_for 120 libvirt_answers || {
    echo "lab: libvirtd does not answer; see $LAB_RESULTS/libvirtd.log"
    exit 1
}
# As virt-install leaves them: with ports for devices that come later.
domain_devices="<controller type='pci' index='0' model='pcie-root'/>"
domain_devices+=$(printf "<controller type='pci' model='pcie-root-port'/>%.0s" {1..8})
domains_start stock 2 256 || { echo "lab: the domains do not start"; exit 75; }
controller_start --drivers "$LAB_BUILD/controller/hypervisors" --libvirt "$libvirt_uri"
for vm in stock1 stock2; do
    guest_links[$vm]=vhost
    check "$vm is found" wait_for 60 check_of "$vm" hypervisor ok
    check "$vm has no vsock device" check_of "$vm" 'vsock device' failure
    check "$vm: doctor --fix does it all" fix "$vm"
    check "$vm has a vsock device, and was not restarted" wait_for 30 check_of "$vm" 'vsock device' ok
    agent_start "$vm"
    check "$vm: its waterfall is whole" wait_for 60 is_whole "$vm"
    vmreclaim vm show "$vm" | sed 's/^/        /'
done
lab_verdict
