#!/bin/bash
# Why memory does not come back: the guest came from another hypervisor with all of it.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/reasons.sh
. "$LAB_SOURCE/tests/lab/reasons.sh"

migrated() {
    [[ $("$qmp" "$lab_run/m.other.qmp" query-migrate | jq -r .return.status) == completed ]]
}

guest_serial=yes # the vsock device of the emulated ground cannot be migrated
boot_or_die m 8 512 memfd -qmp "unix:$lab_run/m.other.qmp,server=on,wait=off"
guest_start n 9 512 memfd -qmp "unix:$lab_run/n.other.qmp,server=on,wait=off" \
    -incoming "unix:$lab_run/migration"
vm_describe m 8 "$lab_run/quiet.yaml"
vm_describe n 9 "$lab_run/quiet.yaml"
controller_start
agent_start m
connected_or_die m
guest_run m 'workload touch-all 33554432'
wait_for 40 settled m
echo "        before: the source holds $(($(guest_footprint m) / MiB)) MiB"
"$qmp" "$lab_run/m.other.qmp" migrate "{\"uri\": \"unix:$lab_run/migration\"}"
wait_for 60 migrated || "$qmp" "$lab_run/m.other.qmp" query-migrate
guest_stop m
connected_or_die n
echo "        after: the destination holds $(($(guest_footprint n) / MiB)) MiB"
sleep 5
explains n "migrated to this host" migration-filled
reasons_end
