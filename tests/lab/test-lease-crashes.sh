#!/bin/bash
# The controller is killed at every step of a lease's life, with a real hypervisor and guest; started
# again, it resumes the lease or gives it back, and QEMU says that the guest's size is right.
# usage: tests/lab/run tests/lab/test-lease-crashes.sh [SCENE...]
# shellcheck disable=SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
whole=512  # MiB
leased=480
qmp=$LAB_BUILD/tests/lab/qmp
lab_controller=vmreclaimd-crash

actual_is() { # MIB
    "$qmp" "$lab_run/a.second" query-balloon | grep -q "\"actual\": $(($1 * MiB))}"
}

# look: state, lease in MiB and whether the guest was read lately, in one call.
look() {
    vmreclaim --json vm show a 2>/dev/null |
        jq -r --argjson mib $MiB \
            '.vm | "\(.state) \((.balloon_lease // 0) / $mib) \(.waterfall.guest_is_known) \(.driver_state)"'
}

ready() {
    [[ $(look) == "managed "*" true ready" ]]
}

lease_is() { # MIB
    [[ $(look) == *" $1 "*" ready" ]]
}

is_whole() {
    actual_is $whole && lease_is 0
}

is_held() {
    actual_is $leased && lease_is $((whole - leased))
}

is_consistent() {
    is_whole || is_held
}

fail() {
    echo "FAILED  $*; logs in $LAB_RESULTS"
    look
    "$qmp" "$lab_run/a.second" query-balloon
    exit 1
}

dead() {
    ! kill -0 "$controller_pid" 2>/dev/null
}

# start [STEP]: the daemon, to die at that step counted from when $lab_run/crash exists.
start() {
    # shellcheck disable=SC2030
    if [[ -n ${1:-} ]]; then
        export VMRECLAIM_CRASH_AT=$1 VMRECLAIM_CRASH_WHEN=$lab_run/crash
    fi
    controller_start
    unset VMRECLAIM_CRASH_AT VMRECLAIM_CRASH_WHEN
}

take() {
    vmreclaim balloon a ${leased}MiB >>"$LAB_RESULTS/commands" 2>&1
}

give_back() {
    vmreclaim release a >>"$LAB_RESULTS/commands" 2>&1
}

# before SCENE: the lease that it needs, or none. The daemon runs and counts nothing yet.
before() {
    case $1 in
        take | pulse | squeeze) is_whole || { give_back && wait_for 30 is_whole; } ;;
        *) is_held || { wait_for 30 ready && take && wait_for 30 is_held; } ;;
    esac
}

# play SCENE STEP: true when the daemon died at that step.
play() {
    rm -f "$lab_run/crash"
    case $1 in
        resume)
            start
            before resume || fail "no lease to resume"
            controller_kill
            touch "$lab_run/crash"
            start "$2"
            wait_for 30 dead_or is_held
            ;;
        *)
            start "$2"
            wait_for 30 ready || fail "not ready"
            before "$1" || fail "not as $1 needs it"
            touch "$lab_run/crash"
            case $1 in
                take)
                    take
                    wait_for 30 dead_or is_held
                    ;;
                pulse | squeeze)
                    vmreclaim "$1" a >>"$LAB_RESULTS/commands" 2>&1
                    wait_for 30 dead_or is_whole
                    ;;
                *)
                    give_back
                    wait_for 30 dead_or is_whole
                    ;;
            esac
            ;;
    esac
    rm -f "$lab_run/crash"
    dead
}

dead_or() {
    dead || "$@"
}

# The leases of these scenes outlive a crash; others are given back.
is_lasting() {
    [[ $1 != pulse && $1 != squeeze ]]
}

# see_whole: within 5 s of the daemon's start; how long it took, if longest, in $slowest.
see_whole() {
    local began
    began=$(now)
    wait_for 5 actual_is $whole || return
    slowest=$(($(now) - began > slowest ? $(now) - began : slowest))
}

# One scene, until it comes to its end before the step, or nothing but looking at the balloon is left.
# A pulse looks many times a second: of its looks every tenth counts (of a squeeze, whose last step is
# a pulse here, every fifth), and they go on to its end.
scene() {
    local step what looks=0 resumed=0 released=0 stride=1 most=60 slowest=0
    for ((step = 1; step < most && looks < 4; step += stride)); do
        case $1 in
            pulse) looks=0 most=400 stride=$((step < 6 ? 1 : 10)) ;;
            squeeze) looks=0 most=400 stride=$((step < 4 ? 1 : 5)) ;;
        esac
        play "$1" "$step" || break
        start
        is_lasting "$1" || see_whole || fail "$1, step $step: the guest has not its memory back"
        wait_for 40 is_consistent || fail "$1, step $step"
        if is_held; then
            resumed=$((resumed + 1))
        else
            released=$((released + 1))
        fi
        what=$(grep 'crash point' "$LAB_RESULTS/vmreclaimd.log" | tail -1)
        echo "        ${what/crash point/$1,}"
        [[ $what == *"the balloon"* ]] && looks=$((looks + 1)) || looks=0
        controller_kill
    done
    [[ -z $controller_pid ]] || controller_kill
    echo "ok      $1: $((resumed + released)) steps, $resumed resumed, $released released"
    is_lasting "$1" || echo "        the guest had its memory back $slowest ms after the start, at the latest"
    steps=$((steps + resumed + released))
}

guest_reporting=off guest_deflate=on guest_boot a 3 $whole any -qmp "unix:$lab_run/a.second,server=on,wait=off" || {
    echo "the guest did not boot"
    exit 75
}
vm_describe a 3
agent_start a
steps=0
scenes=("$@")
((${#scenes[@]} > 0)) || scenes=(take resume release pulse squeeze)
for name in "${scenes[@]}"; do
    scene "$name"
done
echo "$steps steps"
((steps >= 4 * ${#scenes[@]}))
