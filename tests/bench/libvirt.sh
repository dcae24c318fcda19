#!/bin/bash
# Run by tests/lab/run, from bench-libvirt: a real libvirtd, figures into $LAB_RESULTS/libvirt.json.
# Functions are called by name.
# shellcheck disable=SC2154,SC2317
# shellcheck source=tests/lab/libvirt.sh
. "$LAB_SOURCE/tests/lab/libvirt.sh"

probe=$LAB_BUILD/tests/bench/libvirt-probe
rounds=${BENCH_ROUNDS:-10} seconds=2
domain_boots=no

libvirt_start || { echo "libvirtd does not answer; see $LAB_RESULTS/libvirtd.log"; exit 1; }
domains_start vm 6 64 || exit 1

# ---- how soon all are known ----

began=$(now)
libvirt_controller_start
wait_for 60 vms_ready 6 || { echo "not all are found"; exit 1; }
discover=$(($(now) - began))
controller_kill

# ---- somebody else's calls while QEMUs hang, beside us and without us ----

# shellcheck disable=SC2034 # domain_start reads it
for i in 7 8 9 10 11 12; do
    domain_start "vm$i" 64 || exit 1
done

calls() { # INTO
    "$probe" calls "$libvirt_uri" "$seconds" vm7 vm8 vm9 vm10 vm11 vm12 >>"$1" || exit 1
}

# paired STOPPED: QEMUs hang after the daemon knows all of them; then short rounds with it and, while
# it is stopped, without it, so that both meet the same machine.
paired() {
    local round i
    libvirt_controller_start
    wait_for 60 vms_ready 12
    for ((i = 1; i <= $1; i++)); do kill -STOP "$(domain_pid "vm$i")"; done
    for ((round = 0; round < rounds; round++)); do
        calls "$LAB_RESULTS/with-$1"
        kill -STOP "$controller_pid"
        calls "$LAB_RESULTS/without-$1"
        kill -CONT "$controller_pid"
    done
    noticed=$(vmreclaim --json vm list | jq '[.. | .driver_state? // empty |
        select(contains("stopped (T)"))] | length')
    controller_kill
    for ((i = 1; i <= $1; i++)); do kill -CONT "$(domain_pid "vm$i")"; done
    sleep 1
}

# difference STOPPED CALL: how much longer its slowest hundredth took beside us: the median over the
# rounds, and whether it was longer in all of them. Else it is the machine's noise.
difference() {
    jq -n --slurpfile with "$LAB_RESULTS/with-$1" --slurpfile without "$LAB_RESULTS/without-$1" "
        [range($rounds) | \$with[.].$2.p99 - \$without[.].$2.p99] |
        {median: (sort | .[length / 2 | floor] * 1000 | round / 1000), always: all(. > 0)}"
}

differences=''
for stopped in 2 4 6; do
    paired "$stopped"
    echo "        $stopped of 12 hang: we have asked, and noticed $noticed"
    for call in list dominfo dommemstat; do
        this=$(difference "$stopped" "$call")
        jq -r --arg call "$call" '"        \($call): p99 \(.median) ms longer beside us, " +
            if .always then "in every round" else "within noise" end' <<<"$this"
        differences+=$this
    done
done
delay=$(jq -s 'map(select(.always).median) | max // 0' <<<"$differences")
noise=$(jq -s 'map(.median | fabs) | max' <<<"$differences")

# ---- commands to other VMs, while libvirtd is away ----

# side NAME OPTION...: a daemon with ten VMs whose agents answer; its API is at $lab_run/NAME.api.
side() {
    local name=$1 i
    shift
    mkdir -p "$lab_run/$name.vms" "$lab_run/$name.state"
    "$LAB_BUILD/tests/bench/load-agents" "unix:$lab_run/$name.agents" 10 >/dev/null 2>&1 &
    for ((i = 0; i < 10; i++)); do
        printf 'name: other%d\nagent: unix:%s.%d\n' "$i" "$lab_run/$name.agents" "$i" \
            >"$lab_run/$name.vms/other$i.yaml"
    done
    "$LAB_BUILD/controller/vmreclaimd" --drivers "$LAB_BUILD/controller/hypervisors" --listen none \
        --api "unix:$lab_run/$name.api" --vms "$lab_run/$name.vms" --find-processes no \
        --state-directory "$lab_run/$name.state" "$@" </dev/null >>"$LAB_RESULTS/$name.log" 2>&1 &
}

answers() { # NAME
    vmreclaim --api "unix:$lab_run/$1.api" ping other9 >/dev/null 2>&1
}

# commands: a thousand to each side, in turn; adds how much longer the slowest hundredth took at ours.
commands() {
    local lines
    lines=$("$LAB_BUILD/tests/bench/load-commands" other 10 100 10 "unix:$lab_run/ours.api" \
        "unix:$lab_run/apart.api") || exit 1
    echo "        $1: ${lines//$'\n'/ | apart: }"
    command_delay=$(awk -v worst="$command_delay" 'NR == 1 { ours = $4 } NR == 2 { apart = $4 }
        END { delay = ours - apart; if (delay < worst) delay = worst; print delay }' <<<"$lines")
}

command_delay=0
side ours
side apart --libvirt none
wait_for 60 answers ours && wait_for 60 answers apart || exit 1
commands "libvirtd runs (commands, failed, p50, p99, longest)"
command_noise=$command_delay command_delay=0
(sleep 2 && kill -STOP "$libvirt_pid" && sleep 6 && kill -CONT "$libvirt_pid") &
commands "stopped"
libvirt_end KILL
commands "killed"
libvirt_launch
commands "comes back"
wait_for 60 libvirt_answers

# ---- one look at many ----

{
    echo '<node>'
    for ((i = 0; i < 500; i++)); do
        printf "<domain type='test'><name>t%d</name><uuid>00000000-0000-4000-8000-%012d</uuid>
            <memory>262144</memory><vcpu>1</vcpu><os><type>hvm</type></os></domain>\n" "$i" "$i"
    done
    echo '</node>'
} >"$lab_run/500.xml"
look=$("$probe" look "test+unix://$lab_run/500.xml" "$libvirt_pid" 50) || exit 1

echo "        one look at 500 domains: $look"
jq -n --argjson look "$look" --argjson discover "$discover" --argjson delay "$delay" \
    --argjson noise "$noise" --argjson command_delay "$command_delay" \
    --argjson command_noise "$command_noise" '{metrics: {
    discover_seconds: ($discover / 1000), victim_delay_ms: $delay, victim_noise_ms: $noise,
    command_delay_ms: $command_delay, command_noise_ms: $command_noise, tick_500_ms: $look.own_ms,
    tick_500_daemon_ms: $look.daemon_ms}}' >"$LAB_RESULTS/libvirt.json"
