#!/bin/bash
# Pulses against real guests: what is free and not reported comes back, and a program that takes half
# or all of what is free in the midst of one is not killed: with deflate-on-oom and without it, with an
# agent and with the balloon's statistics alone.
# usage: [GUESTS='stock ...'] [SEED=N] tests/lab/run tests/lab/test-pulses.sh [ROUNDS]
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
whole=1024 # MiB
rounds=${1:-2}
qmp=$LAB_BUILD/tests/lab/qmp
# Under the watermarks, some 80 MiB, a guest without page cache only looks for memory. And 53 MiB of what a
# balloon gave back were still in the lists of the guest's CPU (free_pcp) when it killed for want of 32 KiB:
# such a guest does not empty them before.
least=$(((80 + 64) * MiB))

# ready GUEST: its agent was read lately, or its hypervisor answers where it has none.
ready() {
    local look
    look=$(vmreclaim --json vm show "$1" 2>/dev/null | jq -r '.vm | "\(.driver_state) \(.waterfall.guest_is_known)"')
    [[ $look == "ready true" || ($1 == *-alone && $look == ready*) ]]
}

actual_is() { # GUEST MIB
    "$qmp" "$lab_run/$1.second" query-balloon | grep -q "\"actual\": $(($2 * MiB))}"
}

no_lease() { # GUEST
    [[ $(vmreclaim --json vm show "$1" | jq -r '.vm.balloon_lease // 0') == 0 ]]
}

is_whole() { # GUEST
    actual_is "$1" $whole && no_lease "$1"
}

# Memory that the host holds and the guest does not need.
use_and_free() { # GUEST
    guest_hold "$1" hog $((600 * MiB)) && guest_release "$1"
}

oom_kills() { # GUEST
    guest_run "$1" "awk '\$1 == \"oom_kill\" { print \$2 }' /proc/vmstat"
}

psi_full() { # GUEST: microseconds
    guest_run "$1" "sed -nE 's/^full.*total=//p' /proc/pressure/memory"
}

pulse() { # GUEST: prints what came back, and why not more
    vmreclaim --json pulse "$1" >"$lab_run/pulse.json" 2>"$lab_run/pulse.err" ||
        sed 's/^/        /' "$lab_run/pulse.err"
    jq -r '.action | "        \(.host_returned / 1048576 | floor) MiB in \(.duration_ns / 1000000 | floor) ms \(.reason // "")"' \
        "$lab_run/pulse.json"
}

undisturbed() { # GUEST
    local before after
    use_and_free "$1"
    before=$(guest_footprint "$1")
    check "$1: a pulse" pulse "$1"
    after=$(guest_footprint "$1")
    echo "        footprint $((before / MiB)) -> $((after / MiB)) MiB"
    ((before - after >= 300 * MiB)) || ! lab_is_busy || lab_too_busy "a pulse was cut short: guests are not heard in time"
    check "$1: the host has at least 300 MiB of it" test $((before - after)) -ge $((300 * MiB))
    check "$1: the guest has everything" wait_for 10 is_whole "$1"
}

# What taking all that is free takes without a pulse, in milliseconds.
alone() { # GUEST
    local bytes began
    use_and_free "$1"
    bytes=$(($(guest_meminfo "$1" MemFree) - least))
    began=$(now)
    guest_hold "$1" hog "$bytes" || lab_too_busy "a guest takes minutes to touch its memory"
    echo "        $1: $((bytes / MiB)) MiB taken without a pulse in $(($(now) - began)) ms"
    guest_release "$1"
}

size() { # GUEST: MiB that the balloon leaves it
    "$qmp" "$lab_run/$1.second" query-balloon | sed -nE 's/.*"actual": ([0-9]+).*/\1/p' | awk '{ print int($1 / 1048576) }'
}

# disturbed GUEST PERCENT: of what is free, taken at a random moment of a pulse: when the balloon has taken
# so much, or the pulse is over.
disturbed() {
    local free bytes depth left kills psi began took pid
    use_and_free "$1"
    free=$(guest_meminfo "$1" MemFree)
    bytes=$((free / 100 * $2 - least))
    depth=$((RANDOM * 600 / 32768))
    kills=$(oom_kills "$1")
    psi=$(psi_full "$1")
    pulse "$1" >"$lab_run/pulse.out" &
    pid=$!
    left=$(size "$1")
    while ((left > whole - depth)) && kill -0 "$pid" 2>/dev/null; do
        left=$(size "$1")
    done
    began=$(now)
    guest_hold "$1" hog "$bytes"
    took=$(($(now) - began))
    wait "$pid"
    cat "$lab_run/pulse.out"
    echo "        $((bytes / MiB)) MiB taken in $took ms when it had $left MiB; PSI full $((($(psi_full "$1") - psi) / 1000)) ms"
    [[ $(oom_kills "$1") == "$kills" ]] || guest_run "$1" "dmesg | grep -aE 'oom-killer|free:|Killed' | tail -n 5"
    check "$1, $2 %: nothing was killed" test "$(oom_kills "$1")" == "$kills"
    guest_run "$1" 'read -r pid </tmp/hold.pid; kill "$pid"; true'
    check "$1, $2 %: the guest has everything" wait_for 10 is_whole "$1"
}

# boot NAME CID DEFLATE: what is called NAME-alone has no agent.
boot() {
    guest_reporting=off guest_deflate=$3 guest_boot "$1" "$2" $whole any \
        -qmp "unix:$lab_run/$1.second,server=on,wait=off" || {
        echo "guest $1 did not boot"
        exit 75
    }
    guest_run "$1" 'echo 1 >/proc/sys/vm/overcommit_memory'
    vm_describe "$1" "$2"
    if [[ $1 == *-alone ]]; then
        sed -i '/^agent:/d; /^cid:/d' "$lab_run/vms/$1.yaml"
    else
        agent_start "$1"
    fi
}

RANDOM=${SEED:-1}
boot stock 3 off
boot gives 4 on
boot stock-alone 5 off
boot gives-alone 6 on
controller_start
for guest in ${GUESTS:-stock gives stock-alone gives-alone}; do
    check "guest $guest is there" wait_for 40 ready "$guest"
    undisturbed "$guest"
    ((rounds == 0)) || alone "$guest"
    for ((round = 0; round < rounds; round++)); do
        disturbed "$guest" 50
        disturbed "$guest" 100
    done
done
lab_verdict
