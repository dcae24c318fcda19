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

# The median over the rounds of what each call's slowest hundredth took.
slowest() { # FILE CALL
    jq -s "map(.$2.p99) | sort | .[length / 2 | floor]" "$1"
}

delay=0 table=''
for stopped in 2 4 6; do
    paired "$stopped"
    table+="$stopped of 12 hang: we have asked, and noticed, $noticed"$'\n'
    for call in list dominfo dommemstat; do
        with=$(slowest "$LAB_RESULTS/with-$stopped" "$call")
        without=$(slowest "$LAB_RESULTS/without-$stopped" "$call")
        table+="$stopped of 12 hang: $call p99 $with ms with us, $without ms without"$'\n'
        delay=$(jq -n "[$delay, $with - $without] | max * 1000 | round / 1000")
    done
done

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

printf '%s' "$table" | sed 's/^/        /'
echo "        one look at 500 domains: $look"
jq -n --argjson look "$look" --argjson discover "$discover" --argjson delay "$delay" '{metrics: {
    discover_seconds: ($discover / 1000), victim_delay_ms: $delay, tick_500_ms: $look.own_ms,
    tick_500_daemon_ms: $look.daemon_ms}}' >"$LAB_RESULTS/libvirt.json"
