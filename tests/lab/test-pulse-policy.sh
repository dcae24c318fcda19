#!/bin/bash
# Pulses by policy against real guests that do not report: what a program leaves free comes back to the
# host by itself, with an agent (of its cache, too) and with the balloon's statistics alone.
# usage: tests/lab/run tests/lab/test-pulse-policy.sh
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/lab/pulse-guests.sh
. "$LAB_SOURCE/tests/lab/pulse-guests.sh"

# pulsed GUEST: its policy has had a pulse that brought something.
pulsed() {
    vmreclaim --json actions --vm "$1" -n 9 |
        jq -es 'any(.[]; (.actions // [.])[]? | .kind == "pulse" and .asked_by == "policy soon" and (.host_returned // 0) > 0)' >/dev/null
}

pulse_boot stock 3 off
pulse_boot stock-alone 4 off
controller_start
cat >"$lab_run/soon.yaml" <<'END'
name: soon
profile: balanced
idle_window: 10s
sample_interval: 5s
idle_cpu: 20%
pulse_interval: 1m
END
for guest in stock stock-alone; do
    check "guest $guest is there" wait_for 40 ready "$guest"
    use_and_free "$guest"
    before=$(guest_footprint "$guest")
    check "$guest: a policy" vmreclaim policy apply "$lab_run/soon.yaml" --vm "$guest"
    wait_for 90 pulsed "$guest" || vmreclaim explain "$guest"
    check "$guest: its policy had a pulse" pulsed "$guest"
    echo "        footprint $((before / MiB)) -> $(($(guest_footprint "$guest") / MiB)) MiB"
    check "$guest: the host has at least 250 MiB" test $((before - $(guest_footprint "$guest"))) -ge $((250 * MiB))
    check "$guest: the guest has everything" wait_for 10 is_whole "$guest"
    vmreclaim explain "$guest" | grep -i 'pulse' | sed 's/^/        /'
done
lab_verdict
