#!/bin/bash
# A VM that only its API socket names, with a real guest behind a real virtio-vsock device: the
# driver for Firecracker asks a strict fake of it where that is, and the agent is dialled there. The
# hypervisor below is QEMU, so footprint and balloon are not under test here.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

field() { # VM FIELD
    vmreclaim --json vm show "$1" | jq -r ".vm.$2 // \"\""
}

is() { # FIELD VALUE
    [[ $(field "$vm" "$1") == "$2" ]]
}

doctor_says() { # CHECK STATUS
    vmreclaim --json doctor "$vm" | jq -re --arg name "$1" \
        '.checks[] | select(.name == $name).status' | grep -qx "$2"
}

# The hypervisor's process and its vsock device are one, as they are in Firecracker.
link_options() { # NAME CID
    if [[ ${guest_links[$1]} != hybrid ]]; then
        echo "skipped: on this ground the guest's vsock device is the host kernel's"
        exit 77
    fi
    mkdir -p "$lab_run/api"
    "$LAB_BUILD/tests/fakes/fake-firecracker" "$lab_run/api/web-1.sock" "$lab_run/$1.vsock" \
        "$lab_run/$1.vhost" "$2" 512 </dev/null >>"$LAB_RESULTS/fake-firecracker" 2>&1 &
    fake=$!
    wait_for 10 test -S "$lab_run/$1.vhost" || echo "lab: no vsock device for $1" >&2
    link_options=(-chardev "socket,id=vsock,path=$lab_run/$1.vhost"
        -device "vhost-user-vsock-pci,chardev=vsock")
}

vm=web-1
fake=
printf 'name: quiet\nprofile: balanced\nidle_window: 10m\ntrickle: 0\n' >"$lab_run/quiet.yaml"
guest_boot a 3 512 memfd || {
    echo "the guest did not boot"
    exit 75
}
agent_start a
mkdir -p "$lab_run/vms"
controller_start --drivers "$LAB_BUILD/controller/hypervisors" \
    --hypervisor-directory "firecracker:$lab_run/api"
check "a VM that only its API socket names is found" wait_for 30 is driver firecracker
check "its agent is reached through its own vsock device" wait_for 60 is agent_connected true
check "and may be commanded" vmreclaim compact "$vm"
check "its CID is nobody else's" is cid ''
check "the doctor finds the device" doctor_says 'vsock device' ok
check "and the agent" doctor_says agent ok

agent_kill a
check "an agent that ended is gone" wait_for 30 is agent_connected ''
agent_start a
check "and is dialled again" wait_for 60 is agent_connected true

kill -KILL "$fake"
wait "$fake" 2>/dev/null
check "with its hypervisor the agent is gone" wait_for 60 is agent_connected ''
lab_verdict
