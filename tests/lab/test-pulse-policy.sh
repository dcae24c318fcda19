#!/bin/bash
# Pulses by policy against real guests that do not report: what a program leaves free comes back to the
# host by itself, with an agent (of its cache, too) and with the balloon's statistics alone.
# usage: tests/lab/run tests/lab/test-pulse-policy.sh
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
whole=1024 # MiB

# ready GUEST: its agent was read lately, or its hypervisor answers where it has none.
ready() {
    local look
    look=$(vmreclaim --json vm show "$1" 2>/dev/null | jq -r '.vm | "\(.driver_state) \(.waterfall.guest_is_known)"')
    [[ $look == "ready true" || ($1 == *-alone && $look == ready*) ]]
}

# pulsed GUEST: its policy has had a pulse that brought something.
pulsed() {
    vmreclaim --json actions --vm "$1" -n 9 |
        jq -es 'any(.[]; (.actions // [.])[]? | .kind == "pulse" and .asked_by == "policy soon" and (.host_returned // 0) > 0)' >/dev/null
}

is_whole() { # GUEST
    [[ $(vmreclaim --json vm show "$1" | jq -r '.vm.balloon_lease // 0') == 0 ]] &&
        "$LAB_BUILD/tests/lab/qmp" "$lab_run/$1.second" query-balloon | grep -q "\"actual\": $((whole * MiB))}"
}

boot() { # NAME CID
    guest_reporting=off guest_deflate=off guest_boot "$1" "$2" $whole any \
        -qmp "unix:$lab_run/$1.second,server=on,wait=off" || {
        echo "guest $1 did not boot"
        exit 75
    }
    vm_describe "$1" "$2"
    if [[ $1 == *-alone ]]; then
        sed -i '/^agent:/d; /^cid:/d' "$lab_run/vms/$1.yaml"
    else
        agent_start "$1"
    fi
}

boot stock 3
boot stock-alone 4
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
    guest_hold "$guest" hog $((600 * MiB)) && guest_release "$guest"
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
