#!/bin/bash
# A squeeze of a real guest: the daemon is killed in each of its steps, and the guest has its settings
# and its memory back; a lease keeps it small, and it is said when it is back to size.
# usage: tests/lab/run tests/lab/test-squeeze.sh
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
memory=768
qmp=$LAB_BUILD/tests/lab/qmp

vm=s

order_of() {
    guest_run "$vm" 'cat /sys/module/page_reporting/parameters/page_reporting_order'
}

order_is() {
    [[ $(order_of) == "$1" ]]
}

actual_of() {
    "$qmp" "$lab_run/$vm.second" query-balloon | jq -r .return.actual
}

is_whole() {
    [[ $(actual_of) == $((memory * MiB)) ]]
}

# fill WORKLOAD: cache, and free memory in single pages: "fragment", or "pin" for what no compaction
# joins.
fill() {
    guest_run "$vm" 'umount /mnt 2>/dev/null; mount -t ext4 -o ro /dev/vda /mnt && workload cache-read /mnt >/dev/null' &&
        guest_hold "$vm" "$1" $((256 * MiB))
}

ready() {
    [[ $(vmreclaim --json vm show "$vm" 2>/dev/null | jq -r '.vm | "\(.state) \(.waterfall.guest_is_known)"') == 'managed true' ]]
}

# squeeze [OPTION...]: in the background, what it says in $lab_run/said.
squeeze() {
    vmreclaim --json squeeze "$vm" "$@" >"$lab_run/said" 2>"$lab_run/said.errors" &
    squeezer=$!
}

is_at() { # STEP
    jq -e --arg step "$1" '.steps[-1] | .name == $step and .finished != true' "$lab_run/said" \
        2>/dev/null | grep -q true
}

is_held() {
    jq -r .phase "$lab_run/said" | grep -q holding
}

killed_at() { # STEP [OPTION...]
    local step=$1 workload=fragment
    shift
    [[ $step != order ]] || workload=pin
    fill "$workload" || return 1
    squeeze "$@"
    wait_for 90 is_at "$step" || return 1
    echo "        killed in step $step; the guest's reporting order is $(order_of)"
    controller_kill
    wait "$squeezer"
    controller_start
    wait_for 60 ready
    guest_release "$vm"
}

# killed_in_pulse MIB: the daemon, in a squeeze, when the balloon holds more than that.
killed_in_pulse() {
    squeeze
    wait_for 60 is_below $((memory - $1)) || return
    controller_kill
    echo "        killed when the guest had $(($(actual_of) / MiB)) MiB"
    wait "$squeezer"
    controller_start
}

is_below() { # MIB
    (($(actual_of) < $1 * MiB))
}

boot() {
    guest_boot "$vm" 3 "$memory" any -qmp "unix:$lab_run/$vm.second,server=on,wait=off" \
        -drive "file=$lab_run/source.img,format=raw,if=virtio,snapshot=on" || return
    guest_run "$vm" 'mkdir -p /mnt'
    vm_describe "$vm" 3 "$lab_run/policy.yaml"
    agent_start "$vm"
}

mkdir "$lab_run/source"
for ((i = 0; i < 8; i++)); do
    head -c $((16 * MiB)) /dev/urandom >"$lab_run/source/$(printf %06d "$i")"
done
truncate -s 160M "$lab_run/source.img"
PATH=$PATH:/usr/sbin mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$lab_run/source" "$lab_run/source.img"
printf 'name: quiet\nprofile: balanced\nidle_window: 1h\ntrickle: 0\ncache_floor: 16MiB\n' >"$lab_run/policy.yaml"
controller_start
boot || {
    echo "the guest did not boot"
    exit 75
}
check "the guest is managed" wait_for 60 ready
before=$(order_of)

for step in cache compact order; do
    check "killed in step $step" killed_at "$step"
    check "killed in step $step: the order is as before" wait_for 10 order_is "$before"
    check "killed in step $step: the guest has all its memory" is_whole
done
check "killed in step hold" killed_at hold --hold
check "killed in step hold: the order is as before" order_is "$before"
vmreclaim release "$vm" >/dev/null 2>&1
check "killed in step hold: the guest has all its memory" wait_for 20 is_whole

fill fragment
squeeze --hold
check "hold: the guest is kept small" wait_for 120 is_held
check "hold: as QEMU says" test "$(actual_of)" -lt $((memory * MiB))
jq -r '.steps[] | "\(.name) \(.action.host_returned // 0 | . / 1048576 | floor) MiB"' \
    <<<"$(tail -n 1 "$lab_run/said")" | sed 's/^/        /'
check "hold: the order is as before" order_is "$before"
vmreclaim release "$vm" >/dev/null
check "hold: the squeeze ends with it" wait "$squeezer"
check "hold: the guest is back to size" test "$(tail -n 1 "$lab_run/said" | jq -r .guest_size)" -eq $((memory * MiB))
check "hold: as QEMU says" is_whole
agent_log "$vm" >"$LAB_RESULTS/agent.log"
guest_stop s
rm "$lab_run/vms/s.yaml"
vm=silent

# ---- a guest that does not report: by a pulse ----

guest_reporting=off boot || {
    echo "the guest that does not report did not boot"
    exit 75
}
check "no reporting: the guest is managed" wait_for 60 ready
fill fragment
before=$(guest_footprint "$vm")
free=$(guest_meminfo "$vm" MemFree)
squeeze
check "no reporting: the squeeze ends well" wait "$squeezer"
tail -n 1 "$lab_run/said" | jq -r '.steps[] | "        \(.name): \(.action.host_returned // 0 | . / 1048576 | floor) MiB"'
check "no reporting: its last step was a pulse" test "$(tail -n 1 "$lab_run/said" | jq -r '.steps[-1].name')" = pulse
check "no reporting: the host has at least 128 MiB" test $((before - $(guest_footprint "$vm"))) -ge $((128 * MiB))
echo "        footprint $((before / MiB)) -> $(($(guest_footprint "$vm") / MiB)) MiB; $((free / MiB)) MiB were free"
check "no reporting: the guest has all its memory" wait_for 5 is_whole
for below in 8 72 136; do
    check "killed when the pulse has more than $below MiB" killed_in_pulse "$below"
    check "killed when the pulse has more than $below MiB: the guest has its memory 5 s later" wait_for 5 is_whole
    wait_for 60 ready
done
agent_log "$vm" >"$LAB_RESULTS/agent-silent.log"
echo "took $(elapsed) s on the ground $LAB_GROUND"
lab_verdict
