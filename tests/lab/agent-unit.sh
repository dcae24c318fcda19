#!/bin/bash
# In the Debian guest, see test-agent-unit.sh: the agent's unit under its systemd. Every RPC works in
# the whole sandbox, readiness and watchdog, restarts, what is put back after a kill, and what breaks
# without each capability and each system call that the unit grants beyond a service's usual ones.
# The host is vsock's loopback, where agent-probe listens. Logs go to $LAB_RESULTS.
# usage: agent-unit.sh works comes_back | agent-unit.sh without
# shellcheck disable=SC2016,SC2119,SC2120,SC2317 # others expand; functions are called by name
set -uo pipefail
# shellcheck source=tests/lab/checks.sh
. "$(dirname "$0")/checks.sh"

unit=vmreclaim-agent
order=/sys/module/page_reporting/parameters/page_reporting_order
drop_in=/etc/systemd/system/$unit.service.d/test.conf
probe=''

configure() {
    mkdir -p "$(dirname $drop_in)" "$LAB_RESULTS"
    # The sample must not be what tells of pressure, so there is none for a minute.
    printf '%s\n' 'connect = vsock:1:1017' 'sample_interval = 60s' 'idle_window = 10m' \
        >/etc/vmreclaim/agent.conf
}

# agent_as [LINE...]: the unit, started afresh with these lines added to its [Service] section and a
# probe that listens for it. Fails when it does not get ready.
agent_as() {
    systemctl stop "$unit" 2>/dev/null
    systemctl reset-failed "$unit" 2>/dev/null
    [[ -z $probe ]] || kill "$probe"
    rm -f /var/lib/vmreclaim-agent/*
    printf '%s\n' '[Service]' "$@" >"$drop_in"
    systemctl daemon-reload
    agent-probe vsock:any:1017 600 "${probe_mode:-}" >"$LAB_RESULTS/probe.log" 2>&1 &
    probe=$!
    systemctl start "$unit"
}

property() { systemctl show -P "$1" "$unit"; }
main_pid() { property MainPID; }
is() { [[ $1 == "$2" ]]; }

# A reader of the probe's record: every RPC but Watch, which does not end, is answered with OK.
all_answered() { (($(grep -c '^rpc .* OK' "$LAB_RESULTS/probe.log") >= 9)); }
is_broken() { grep -q '^rpc .* failed' "$LAB_RESULTS/probe.log" || (($(property NRestarts) > 0)); }
is_decided() { all_answered || is_broken; }
every_rpc_works() { wait_for 60 is_decided && ! is_broken; }
believed() { wait_for 15 grep -Eq '^connected CID 1 port ([0-9]{1,3}|10[01][0-9]|102[0-3])$' "$LAB_RESULTS/probe.log"; }

stalled() { awk -F= '/^some/ { print $NF }' /proc/pressure/memory; }

# The trigger of a second: the unprivileged get one of two on some kernels.
holds_trigger() {
    [[ -n $(find "/proc/$(main_pid)/fd" -lname /proc/pressure/memory) ]] &&
        ! grep -q CAP_SYS_RESOURCE <<<"$(journalctl -q "_PID=$(main_pid)")"
}

# Tasks stall on memory for more than a tenth of a second: within two more the probe knows it. Not
# while actions run, each of which ends with a sample. A sample may tell it as soon; only the trigger
# does so for certain.
pressure_is_told() {
    local before events
    every_rpc_works
    holds_trigger || return 1
    sleep 3
    events=$(grep -c '^pressure' "$LAB_RESULTS/probe.log")
    before=$(stalled)
    systemd-run --quiet --unit=hog -p MemoryHigh=30M -p MemorySwapMax=0 \
        /usr/local/bin/workload hog 200000000
    until (($(stalled) - before > 100000)); do sleep 0.1; done
    told() { (($(grep -c '^pressure' "$LAB_RESULTS/probe.log") > events)); }
    wait_for 2 told
    local told=$?
    systemctl kill -s KILL hog
    systemctl reset-failed hog 2>/dev/null
    return "$told"
}

has_new_process() { is "$(property ActiveState)" active && ! is "$(main_pid)" "$1"; }

works() {
    local pid
    check "the unit gets ready" agent_as
    ((lab_failures == 0)) || lab_verdict
    check "the host believes it: a port below 1024" believed
    check "every RPC works in the unit's sandbox" every_rpc_works
    grep '^rpc' "$LAB_RESULTS/probe.log"
    pid=$(main_pid)
    check "its pages are locked" awk '/^VmLck/ && $2 > 0 { found = 1 } END { exit !found }' "/proc/$pid/status"
    check "the OOM killer passes it by" is "$(cat "/proc/$pid/oom_score_adj")" -900
    check "a child that is killed may have the processor to die" is "$(awk '/^Max nice priority/ { print $4 }' "/proc/$pid/limits")" 20
    check "it goes before others" is "$(awk '{ print $19 }' "/proc/$pid/stat")" -10
    check "its memory is protected" is "$(cat /sys/fs/cgroup/vmreclaim.slice/memory.min)/$(cat /sys/fs/cgroup/vmreclaim.slice/"$unit".service/memory.min)" 4194304/4194304
    check "two capabilities and no more" is "$(awk '/^CapEff/ { print $2 }' "/proc/$pid/status")" 0000000001000400
    check "a system call filter" grep -q '^Seccomp:.*2' "/proc/$pid/status"
    check "the compaction is in the kernel's log" eval "grep -q 'vmreclaim: performing memory compaction' <<<\$(dmesg)"
    check "pressure is told within 2 s" pressure_is_told
    check "it stops with success" eval "systemctl stop $unit && is \$(property Result) success"
    systemd-analyze security --no-pager "$unit" | tail -1
}

# Watchdog, kill, restart.
comes_back() {
    local pid
    agent_as WatchdogSec=4s
    pid=$(main_pid)
    sleep 9
    check "it feeds the watchdog" is "$(main_pid)/$(property NRestarts)" "$pid/0"
    kill -STOP "$pid"
    check "one that hangs is restarted" wait_for 20 has_new_process "$pid"
    probe_mode=keep agent_as Restart=no
    believed
    every_rpc_works
    check "a lowered order is in force" eval "(( $(cat "$order") < found ))"
    kill -KILL "$(main_pid)"
    check "what a killed one changed is put back" wait_for 10 eval "is \$(cat $order) $found"
    agent_as
    pid=$(main_pid)
    kill -KILL "$pid"
    check "a killed one is back" wait_for 10 has_new_process "$pid"
}

# breaks WHAT TEST LINE...: with these lines in the unit the named test fails.
breaks() {
    local what=$1 test=$2
    shift 2
    agent_as "$@" 2>/dev/null
    if "$test"; then
        echo "FAILED  without $what: $test still holds, so it is not needed"
        lab_failures=$((lab_failures + 1))
    else
        echo "ok      without $what: $test breaks ($(property Result))"
    fi
}

without() {
    local call
    agent_as
    check "with all of them the host believes it" believed
    check "with all of them every RPC works" every_rpc_works
    check "with all of them pressure is told" pressure_is_told
    breaks CAP_NET_BIND_SERVICE believed CapabilityBoundingSet= CapabilityBoundingSet=CAP_SYS_RESOURCE
    breaks CAP_SYS_RESOURCE pressure_is_told CapabilityBoundingSet= CapabilityBoundingSet=CAP_NET_BIND_SERVICE
    for call in seccomp pipe2 setpriority sched_setscheduler sched_setaffinity ioprio_set; do
        breaks "the system call $call" every_rpc_works "SystemCallFilter=~$call"
    done
}

configure
found=$(cat $order)
journalctl -f -o short-monotonic -u "$unit" >"$LAB_RESULTS/journal.log" 2>&1 &
for group; do
    "$group"
done
lab_verdict
