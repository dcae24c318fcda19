# shellcheck shell=bash
# shellcheck disable=SC2016 # the guest expands it
# How often the agent wakes up in a guest in which nothing happens, under the default policy over
# real AF_VSOCK: with no controller there is, and with vmreclaimd attached. Involuntary switches are
# shown apart: an emulated CPU shared with others takes the agent off it in the middle of its work.
# Dialling is part of what it costs, so the host's AF_VSOCK is needed.
# needs: vhost-vsock
# usage: tests/lab/run tests/lab/test-agent-quiet.sh [SECONDS-EACH [SECONDS-TO-SETTLE]]
. "$LAB_SOURCE/tests/lab/lib.sh"
seconds=${1:-100} settle=${2:-150}

# switches: voluntary and involuntary ones of all the agent's threads, and how many processes it has
# started and ended, as the kernel counts them.
switches() {
    guest_run a 'read -r pid </tmp/agent.pid
        cat /proc/$pid/task/*/status | awk "/^voluntary/ { v += \$2 } /^nonvoluntary/ { n += \$2 }
            END { print v, n }"'
}

# children: actions that were started since the agent's start.
children() {
    guest_run a 'grep -c "asked by" /tmp/agent.log'
}

# measure WORDS: fails when there are more wake-ups than 0.2 in a second.
measure() {
    local voluntary involuntary children_before v n
    children_before=$(children)
    read -r voluntary involuntary <<<"$(switches)"
    sleep "$seconds"
    read -r v n <<<"$(switches)"
    echo "$1: $((v - voluntary)) wake-ups, $((n - involuntary)) involuntary switches," \
        "$(($(children) - children_before)) actions in $seconds s"
    check "$1: at most 0.2 wake-ups per second" \
        test "$(((v - voluntary) * 5))" -le "$seconds"
}

guest_boot a 3 512 anon || exit 75
agent_start a
sleep "$settle"
measure "no controller"
vm_describe a 3
controller_start --sample-interval 10s # the default of a daemon outside the lab
wait_for 60 connected a || echo "not connected"
sleep 20
measure "with a controller"
agent_log a
lab_verdict
