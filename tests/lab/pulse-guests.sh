# shellcheck shell=bash
# shellcheck disable=SC2154 # $lab_run comes from lib.sh
# Guests that do not report, for scripts about pulses that have sourced lib.sh: with an agent, or, when
# they are called NAME-alone, with the statistics of their balloon's driver alone. Sourced, not run.

MiB=$((1024 * 1024))
whole=1024 # MiB of such a guest
qmp=$LAB_BUILD/tests/lab/qmp

# ready GUEST: its agent was read lately, or its hypervisor answers where it has none.
ready() {
    local look
    look=$(vmreclaim --json vm show "$1" 2>/dev/null | jq -r '.vm | "\(.driver_state) \(.waterfall.guest_is_known)"')
    [[ $look == "ready true" || ($1 == *-alone && $look == ready*) ]]
}

# size GUEST: bytes that the balloon leaves it; nothing when QEMU hangs up.
size() {
    "$qmp" "$lab_run/$1.second" query-balloon 2>>"$LAB_RESULTS/qmp.err" | sed -nE 's/.*"actual": ([0-9]+).*/\1/p'
}

# is_whole GUEST: it has all its memory, and the controller holds no lease.
is_whole() {
    [[ $(size "$1") == $((whole * MiB)) && $(vmreclaim --json vm show "$1" | jq -r '.vm.balloon_lease // 0') == 0 ]]
}

# Memory that the host holds and the guest does not need.
use_and_free() { # GUEST
    guest_hold "$1" hog $((600 * MiB)) && guest_release "$1"
}

# kernel_said GUEST: why it killed.
kernel_said() {
    guest_run "$1" "dmesg | grep -aE 'oom-killer|free:|Killed' | tail -n 5"
}

oom_kills() { # GUEST
    guest_run "$1" "sed -n 's/^oom_kill //p' /proc/vmstat"
}

# pulse_describe NAME CID: the controller knows of it.
pulse_describe() {
    vm_describe "$1" "$2"
    [[ $1 != *-alone ]] || sed -i '/^agent:/d; /^cid:/d' "$lab_run/vms/$1.yaml"
}

# pulse_boot NAME CID DEFLATE: DEFLATE is deflate-on-oom, on or off.
pulse_boot() {
    guest_reporting=off guest_deflate=$3 guest_boot "$1" "$2" $whole any \
        -qmp "unix:$lab_run/$1.second,server=on,wait=off" || {
        echo "guest $1 did not boot"
        exit 75
    }
    guest_run "$1" 'echo 1 >/proc/sys/vm/overcommit_memory'
    pulse_describe "$1" "$2"
    [[ $1 == *-alone ]] || agent_start "$1"
}
