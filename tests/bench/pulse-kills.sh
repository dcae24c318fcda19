#!/bin/bash
# Runs in the lab for bench-pulse: in a real Debian guest that does not report a program takes half or
# all of what is free in the midst of a pulse, at a random moment of it, as fast as the guest can touch
# memory. Is anything killed, and how much longer does it take than without a pulse? Writes figures.json
# to $LAB_RESULTS.
# usage: pulse-kills.sh GUEST TRIES PART...    PART: half or all
#   GUEST: stock or gives (deflate-on-oom), stock-alone or gives-alone (without an agent)
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/lab/pulse-guests.sh
. "$LAB_SOURCE/tests/lab/pulse-guests.sh"
# shellcheck source=tests/lab/debian.sh
. "$LAB_SOURCE/tests/lab/debian.sh"

guest=$1 tries=$2
shift 2
controls=8   # runs without a pulse
slow=1000    # ms that a program may be slower
no_wait=250  # ms that QEMU's threads may wait for a CPU meanwhile; more is the machine's doing

give_up() {
    echo "pulse-kills: $*; logs in $LAB_RESULTS" >&2
    exit 75
}

# sprint BYTES: milliseconds, and of the longest MiB, in $took and $longest. Fails when it was killed.
sprint() {
    took='' longest=''
    read -r took longest < <(guest_run "$guest" "workload sprint $1" 2>/dev/null)
    [[ $took =~ ^[0-9]+$ && -n $longest ]] || took=''
    [[ -n $took ]]
}

# bytes_of half|all: what a program takes of what is $free now, in $bytes.
bytes_of() {
    free=$(guest_meminfo "$guest" MemFree)
    bytes=$((free - reserve))
    [[ $1 == all ]] || bytes=$((free / 2))
}

# prepare: the host holds what is free in it.
prepare() {
    guest_run "$guest" "workload touch-all $((200 * MiB))"
}

# ---- without a pulse ----

# survives: so many programs in a row with this reserve; their milliseconds in $times.
survives() {
    local i
    times=()
    for ((i = 0; i < controls; i++)); do
        prepare
        bytes_of all
        sprint "$bytes" || return 1
        times+=("$took")
    done
}

reserve=0

# What must stay free of all for a program to survive without a pulse.
measure_reserve() {
    reserve=$((32 * MiB))
    until survives; do
        reserve=$((reserve + 16 * MiB))
        ((reserve <= 256 * MiB)) || give_up "programs are killed in guest $guest without a pulse"
    done
    echo "$guest without a pulse: all that is free less $((reserve / MiB)) MiB survives $controls times in a row"
    echo "        in ${times[*]} ms"
}

# ---- with one ----

pulse() {
    vmreclaim --json pulse "$guest" >"$lab_run/pulse.json" 2>"$lab_run/pulse.err"
}

# pulse_to BYTES: begins one, and returns when the balloon has taken so much; or when it gives back.
# What it has then in $taken, and the most that it had in $deepest.
pulse_to() {
    local left
    pulse &
    pulse_pid=$!
    taken=0 deepest=0
    while ((taken < $1 && taken + 4 * MiB >= deepest)) && kill -0 "$pulse_pid" 2>/dev/null; do
        ((taken <= deepest)) || deepest=$taken
        left=$(size "$guest")
        [[ -z $left ]] || taken=$((whole * MiB - left))
    done
}

# waited: milliseconds that QEMU's threads could have run and had no CPU of the machine, since their start.
waited() {
    cat "/proc/${guest_pids[$guest]}"/task/*/schedstat 2>/dev/null | awk '{ sum += $2 } END { printf "%.0f\n", sum / 1000000 }'
}

# A daemon that has seen a guest take memory faster than it could be read refuses it pulses for ten
# minutes. A new one has seen nothing.
forget() {
    controller_kill
    controller_start
    wait_for 60 ready "$guest" || give_up "guest $guest is not seen"
}

# try half|all: the same program without a pulse and then in the midst of one. 1: it was no try: the first
# was killed, there was no pulse at that moment, or it was slow while others used the machine.
try() {
    local before taken deepest bytes free took longest killed control wait
    prepare
    bytes_of "$1"
    sprint "$bytes" || return 1
    control=$took
    before=$(oom_kills "$guest")
    pulse_to $((depth * (RANDOM + 1) / 32768))
    if ((taken == 0)); then
        wait "$pulse_pid"
        echo "        no pulse: $(tr '\n' ' ' <"$lab_run/pulse.err" | cut -c 1-200) $(jq -r '.action.reason // ""' "$lab_run/pulse.json")"
        forget
        return 1
    fi
    wait=$(waited)
    sprint "$bytes"
    wait=$(($(waited) - wait))
    wait "$pulse_pid"
    killed=$(($(oom_kills "$guest") - before))
    echo "        $guest, $1: $((bytes / MiB)) of $((free / MiB)) MiB in $control ms and in ${took:-no} ms (longest ${longest:-no} ms, waited $wait ms)" \
        "when it had taken $((taken / MiB)) MiB; $(jq -r '.action.reason // ""' "$lab_run/pulse.json")"
    [[ -n $took ]] || ((killed > 0)) || killed=1
    ((killed == 0)) || { echo "        KILLED:"; kernel_said "$guest"; }
    if ((killed == 0 && took - control > slow && wait > no_wait)); then
        echo "        again: others used the machine, QEMU waited $wait ms for a CPU"
        wait_for 10 is_whole "$guest"
        return 1
    fi
    wait_for 10 is_whole "$guest" || { echo "        guest $guest has not everything back"; killed=$((killed + 1)); }
    jq -nc --arg part "$1" --argjson killed "$killed" --argjson control "$control" --argjson took "${took:-null}" \
        --argjson longest "${longest:-0}" --argjson wait "$wait" --argjson taken "$taken" --argjson bytes "$bytes" \
        '{$part, $killed, $control, $took, $longest, $wait, $taken, $bytes}' >>"$LAB_RESULTS/tries.json"
}

# measure half|all
measure() {
    local tried=0 missed=0
    while ((tried < tries)); do
        if try "$1"; then
            tried=$((tried + 1))
        else
            missed=$((missed + 1))
            ((missed <= tries + 10)) || give_up "guest $guest gets no pulses"
        fi
    done
    jq -sc --arg guest "$guest" --arg part "$1" --argjson reserve "$reserve" '
        def mean(of): [.[] | of] | add / length;
        map(select(.part == $part)) | {combination: "\($guest):\($part)", tries: length, kills: (map(.killed) | add),
            stall_ms_max: (map(select(.took) | [0, .took - .control] | max) | max // 0),
            longest_ms_max: (map(.longest) | max), waited_ms_max: (map(.wait) | max), control_ms: mean(.control), took_ms: mean(.took // 0),
            reserve_bytes: $reserve, taken_bytes: mean(.taken), bytes: mean(.bytes)}' "$LAB_RESULTS/tries.json" >>"$LAB_RESULTS/figures.json"
    tail -n 1 "$LAB_RESULTS/figures.json"
}

boot() {
    local guest_reporting=off guest_deflate=off
    [[ $guest != gives* ]] || guest_deflate=on
    guest_boot_timeout=300
    debian_boot "$guest" 3 $whole -qmp "unix:$lab_run/$guest.second,server=on,wait=off" || return
    guest_run "$guest" 'echo 1 >/proc/sys/vm/overcommit_memory'
    pulse_describe "$guest" 3
    [[ $guest == *-alone ]] || debian_agent_start "$guest"
}

RANDOM=${SEED:-1}
controller_start
boot || give_up "guest $guest failed"
wait_for 60 ready "$guest" || give_up "guest $guest is not seen"
depth=0
measure_reserve
for ((i = 0; i < 3 && depth < 256 * MiB; i++)); do
    pulse_to $((whole * MiB))
    wait "$pulse_pid"
    ((deepest <= depth)) || depth=$deepest
    wait_for 10 is_whole "$guest"
done
((depth >= 64 * MiB)) || give_up "a pulse takes $((depth / MiB)) MiB: $(cat "$lab_run/pulse.err")"
echo "$guest: a pulse that nothing disturbs takes $((depth / MiB)) MiB"
for part; do
    measure "$part"
done
echo "took $(elapsed) s on the ground $LAB_GROUND"
