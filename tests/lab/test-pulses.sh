#!/bin/bash
# Pulses against real guests: what is free and not reported comes back, and a program that takes half
# or all of what is free in the midst of one is not killed: with deflate-on-oom and without it, with an
# agent and with the balloon's statistics alone.
# usage: [GUESTS='stock ...'] [SEED=N] tests/lab/run tests/lab/test-pulses.sh [ROUNDS]
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/lab/pulse-guests.sh
. "$LAB_SOURCE/tests/lab/pulse-guests.sh"

rounds=${1:-2}
# Under the watermarks, some 80 MiB, a guest without page cache only looks for memory. And 53 MiB of what a
# balloon gave back were still in the lists of the guest's CPU (free_pcp) when it killed for want of 32 KiB:
# such a guest does not empty them before.
least=$(((80 + 64) * MiB))

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
    left=$(($(size "$1") / MiB))
    while ((left > whole - depth)) && kill -0 "$pid" 2>/dev/null; do
        left=$(($(size "$1") / MiB))
    done
    began=$(now)
    guest_hold "$1" hog "$bytes"
    took=$(($(now) - began))
    wait "$pid"
    cat "$lab_run/pulse.out"
    echo "        $((bytes / MiB)) MiB taken in $took ms when it had $left MiB; PSI full $((($(psi_full "$1") - psi) / 1000)) ms"
    [[ $(oom_kills "$1") == "$kills" ]] || kernel_said "$1"
    check "$1, $2 %: nothing was killed" test "$(oom_kills "$1")" == "$kills"
    guest_run "$1" 'read -r pid </tmp/hold.pid; kill "$pid"; true'
    check "$1, $2 %: the guest has everything" wait_for 10 is_whole "$1"
}

RANDOM=${SEED:-1}
pulse_boot stock 3 off
pulse_boot gives 4 on
pulse_boot stock-alone 5 off
pulse_boot gives-alone 6 on
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
