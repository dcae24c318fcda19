#!/bin/bash
# The host's AF_VSOCK with a guest: a CID means a VM only while that VM's own hypervisor reports it,
# and of two agents of one CID the one that answers stays.
# needs: vhost-vsock
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

fails() { # PATTERN COMMAND...: it fails and says PATTERN
    local pattern=$1 output
    shift
    ! output=$("$@" 2>&1) || return 1
    grep -qE "$pattern" <<<"$output" || {
        echo "        said: $output"
        return 1
    }
}

vsock_echo() {
    "$LAB_BUILD/tests/lab/vsock-echo" listen 1018 >"$lab_run/echo" &
    local server=$!
    wait_for 5 guest_run a 'vsock-echo dial 2 1018 >/dev/null 2>&1'
    wait "$server"
    grep -q '^peer cid 3 ' "$lab_run/echo"
}

field() { # VM FIELD
    vmreclaim --json vm show "$1" | jq -r ".vm.$2 // \"\""
}

listed() { # PATTERN
    vmreclaim vm list 2>&1 | grep -qE "$1"
}

# pid_stays PID: the agent that was first is still the one that is watched.
one_is_watched() {
    guest_run a 'grep -c "a controller watches" /tmp/agent.log /tmp/second.log' >"$lab_run/watched"
    sed 's/^/        /' "$lab_run/watched"
    grep -q '^/tmp/second.log:0$' "$lab_run/watched" && return
    guest_run a 'tail -n 20 /tmp/agent.log /tmp/second.log' | sed 's/^/        /'
    return 1
}

second_is_watched() {
    guest_run a 'grep -q "a controller watches" /tmp/second.log'
}

printf 'name: quiet\nprofile: balanced\nidle_window: 10m\ntrickle: 0\n' >"$lab_run/quiet.yaml"
guest_boot a 3 512 any || {
    echo "the guest did not boot"
    exit 75
}
check "AF_VSOCK itself works" vsock_echo

# Nobody vouches for the CID: seen, never commanded.
mkdir -p "$lab_run/vms"
controller_start
agent_start a
check "an agent of a CID that nobody names is seen" wait_for 30 listed '^cid-3 '
check "and is not commanded" fails 'vouch|announce|observed' vmreclaim compact cid-3

# Its hypervisor does: it becomes that VM's.
vm_describe a 3 "$lab_run/quiet.yaml"
check "its hypervisor vouches: it is the VM's agent" wait_for 40 connected a
check "and the other record is gone" fails 'cid-3' vmreclaim vm show cid-3

# A second agent in the guest replaces the first only when that does not answer any more.
guest_run a 'mkdir -p /tmp/second; setsid vmreclaim-agent-static --state-directory /tmp/second \
    >>/tmp/second.log 2>&1 & echo $! >/tmp/second.pid'
sleep 8 # it dials again and again meanwhile
check "a second agent is not taken while the first answers" one_is_watched
check "and the first still answers" connected a
guest_run a 'xargs kill -STOP </tmp/agent.pid'
check "the first does not answer any more: the second is taken" wait_for 60 second_is_watched
check "the VM has its agent" wait_for 30 connected a
guest_run a 'xargs kill -CONT </tmp/agent.pid; xargs kill -KILL </tmp/second.pid'
check "and the first is back when the second is gone" wait_for 60 connected a

for kind in garbage oversized truncated; do
    check "who dials and sends $kind frames is hung up on" guest_run a "vsock-garbage $kind"
    check "and the agent beside it still answers" wait_for 5 connected a
done
lab_verdict
