#!/bin/bash
# The host's AF_VSOCK by itself, over vsock_loopback and without a guest: who is let in, from which
# ports we dial, and a listening socket that the service manager passed. Peers come from CID 1.
# needs: own-host
# Functions are called by name.
# shellcheck disable=SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

echo_program=$LAB_BUILD/tests/lab/vsock-echo

# answers PATTERN COMMAND...: it succeeds and says so. A grep that ends early would end it by SIGPIPE.
answers() {
    local pattern=$1 output
    shift
    output=$("$@" 2>&1) && grep -qE "$pattern" <<<"$output"
}

# fails COMMAND...: it does, and nothing waits for it.
fails() {
    ! timeout 20 "$@" >/dev/null 2>&1
}

# dials_from_below_1024: the port that a listener sees of an agent that dials.
dials_from_below_1024() {
    "$echo_program" listen 1018 >"$lab_run/echo" 2>&1 &
    local server=$! agent
    "$LAB_BUILD/agent/vmreclaim-agent-static" --connect vsock:1:1018 --set log_level=debug \
        --state-directory "$lab_run/agent" >"$LAB_RESULTS/dialling.log" 2>&1 &
    agent=$!
    wait_for 10 test -s "$lab_run/echo" # the agent waits to be asked, in vain
    kill "$agent" "$server" 2>/dev/null
    wait "$agent" "$server" 2>/dev/null
    sed 's/^/        /' "$lab_run/echo"
    awk '$1 == "peer" { good = $3 == 1 && $5 >= 512 && $5 < 1024 } END { exit !good }' "$lab_run/echo"
}

# Without the capability there is no such port, and the agent says so.
dials_without_capability() {
    local log=$LAB_RESULTS/without-capability.log agent
    setpriv --bounding-set -net_bind_service --inh-caps -net_bind_service \
        "$LAB_BUILD/agent/vmreclaim-agent-static" --connect vsock:1:1018 \
        --state-directory "$lab_run/agent" >"$log" 2>&1 &
    agent=$!
    wait_for 10 grep -q CAP_NET_BIND_SERVICE "$log"
    local status=$?
    kill "$agent"
    wait "$agent" 2>/dev/null
    return "$status"
}

# An agent that listens takes the host, not the loopback.
agent_refuses_loopback() {
    local log=$LAB_RESULTS/listening.log agent
    "$LAB_BUILD/agent/vmreclaim-agent-static" --listen vsock:any:1019 --set log_level=debug \
        --state-directory "$lab_run/agent" >"$log" 2>&1 &
    agent=$!
    wait_for 10 fails "$echo_program" dial 1 1019
    wait_for 10 grep -qE 'CID 1\b' "$log"
    local status=$?
    kill "$agent"
    wait "$agent" 2>/dev/null
    return "$status"
}

check "AF_VSOCK itself works" dials_from_below_1024
check "an agent without the capability says what it needs" dials_without_capability
check "an agent that listens refuses CID 1 and says so" agent_refuses_loopback

controller_start
check "the controller listens on vsock" wait_for 10 answers 'listens on' vmreclaim status
check "loopback is refused there" fails "$echo_program" dial 1 1017
check "and that is logged" wait_for 5 grep -q 'CID 1, port [0-9]*: refused:' "$LAB_RESULTS/vmreclaimd.log"
controller_kill

# What systemd does for vmreclaimd.socket: the port is taken before the daemon, and outlives it.
systemd-socket-activate --listen=vsock::1017 "$LAB_BUILD/controller/vmreclaimd" --listen fd:3 --find-processes no --libvirt none \
    --api "$VMRECLAIM_API" --vms "$lab_run/vms" --state-directory "$lab_run/state" \
    </dev/null >>"$LAB_RESULTS/activated.log" 2>&1 &
controller_pid=$!
sleep 1
check "a passed socket: who knocks starts the daemon" fails "$echo_program" dial 1 1017
check "a passed socket: it serves" wait_for 10 answers 'listens on' vmreclaim status
check "a passed socket: loopback is refused" wait_for 5 grep -q 'CID 1, port [0-9]*: refused:' "$LAB_RESULTS/activated.log"
lab_verdict
