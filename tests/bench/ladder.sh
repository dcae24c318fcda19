#!/bin/bash
# Runs in the lab host for bench-ladder: the same guest does the same build-like work under one or
# two reclaimers, then stays idle; the host's footprint is recorded every second. Writes table and
# figures.json to $LAB_RESULTS.
# usage: ladder.sh SECONDS RECLAIMER [RECLAIMER]    SECONDS of idleness are observed
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/bench/reclaimers.sh
. "$LAB_SOURCE/tests/bench/reclaimers.sh"

MiB=$((1024 * 1024))
memory=1024            # MiB of a guest
observed=$1
shift
floor=$((128 * MiB))   # of the cache, in the promise
variants=("$@") # two at most, since the lab host has two CPUs
declare -A baseline in_use_before ended at_end workers

# Every second a line for each guest whose work has ended: NAME MILLISECONDS-SINCE BYTES.
record() {
    local name pid since up
    while sleep 1; do
        for name in "${variants[@]}"; do
            [[ -e $lab_run/$name.ended ]] || continue
            read -r pid since _ <"$lab_run/$name.ended"
            backing "$pid"
            ((REPLY > 0)) || continue # read in the middle of a change
            read -r up _ </proc/uptime
            echo "$name $((${up/./}0 - since)) $REPLY"
        done
    done >>"$LAB_RESULTS/footprint.data"
}

start_reclaimer() {
    case $1 in
        ours)
            vm_describe ours "$2" "$lab_run/policy.yaml"
            controller_start
            agent_start ours
            wait_for 30 connected ours
            ;;
        *) rival_start "$1" "$1" ;;
    esac
}

# boot NAME CID: the guest, with its reclaimer.
boot() {
    guest_boot "$1" "$2" "$memory" memfd \
        -drive "file=$lab_run/source.img,format=raw,if=virtio,snapshot=on" || return 1
    sleep 3
    backing "${guest_pids[$1]}"
    baseline[$1]=$REPLY
    in_use_before[$1]=$(in_use "$1")
    guest_run "$1" 'mkdir -p /mnt && mount -t ext4 -o noatime /dev/vda /mnt' || return 1
    start_reclaimer "$1" "$2"
}

# In the background: NAME.ended in $lab_run says that it is over.
work() {
    local since
    since=$(now)
    guest_timeout=250 guest_run "$1" 'build-load work /mnt' || return 1
    backing "${guest_pids[$1]}"
    echo "${guest_pids[$1]} $(now) $REPLY" >"$lab_run/$1.ended"
    echo "$1: work took $((($(now) - since) / 1000)) s; in use grew" \
        "$((($(in_use "$1") - in_use_before[$1]) / MiB)) MiB; footprint" \
        "$((baseline[$1] / MiB)) -> $((REPLY / MiB)) MiB"
}

give_up() {
    echo "ladder: $*; logs in $LAB_RESULTS" >&2
    exit 75
}

# Seconds from the end of the work until half of what it added is back; 9999 when it never was.
seconds_to_half() {
    awk -v name="$1" -v goal=$(((at_end[$1] + baseline[$1]) / 2)) '
        $1 == name && $3 <= goal { printf "%.1f\n", $2 / 1000; found = 1; exit }
        END { if (!found) print 9999 }' "$LAB_RESULTS/footprint.data"
}

# at NAME SECONDS: MiB above the baseline then; - when it was not recorded for so long.
at() {
    awk -v name="$1" -v at="$(($2 * 1000))" -v base="${baseline[$1]}" '
        $1 == name && $2 >= at { printf "%.0f\n", ($3 - base) / 1048576; found = 1; exit }
        END { if (!found) print "-" }' "$LAB_RESULTS/footprint.data"
}

# The figures of one guest as JSON, and a line of the table.
judge() {
    local name=$1 growth seconds hot half
    seconds=$((($(now) - ended[$name]) / 1000))
    growth=$(($(in_use "$name") - in_use_before[$name]))
    backing "${guest_pids[$name]}"
    hot=$(guest_run "$name" 'build-load hot /mnt') || return 1
    half=$(seconds_to_half "$name")
    # shellcheck disable=SC2086 # six words
    set -- $hot
    jq -nc --arg name "$name" --argjson above "$((REPLY - baseline[$name]))" \
        --argjson allowed "$((growth + floor))" --argjson half "$half" --argjson pages "$2" \
        --argjson missing "$4" --argjson major "$6" --argjson seconds "$seconds" \
        '{name: $name, seconds: $seconds, footprint_ratio: ($above / $allowed),
          seconds_to_half: $half, hot_refault_percent: ($missing * 100 / $pages),
          hot_major_faults: $major, above_baseline_bytes: $above, allowed_bytes: $allowed}' \
        >>"$LAB_RESULTS/figures.json"
    printf '%-11s %9s %6s %6s %6s %6s %6s %7.2f %9.2f %7s\n' "$name" "$half" \
        "$(((at_end[$name] - baseline[$name]) / MiB))" "$(at "$name" 30)" "$(at "$name" 60)" \
        "$(at "$name" 95)" "$((REPLY / MiB - baseline[$name] / MiB))" \
        "$(jq -s 'last.footprint_ratio' "$LAB_RESULTS/figures.json")" \
        "$(jq -s 'last.hot_refault_percent' "$LAB_RESULTS/figures.json")" "$6" \
        >>"$LAB_RESULTS/table"
}

printf 'name: ladder\nprofile: balanced\nidle_window: 20s\n' >"$lab_run/policy.yaml"
truncate -s 600M "$lab_run/source.img"
guest_boot prepare 3 512 memfd -drive "file=$lab_run/source.img,format=raw,if=virtio" ||
    give_up "the guest that makes the source tree did not boot"
guest_run prepare 'mke2fs -q /dev/vda >/dev/null 2>&1; mkdir -p /mnt
    mount -t ext4 /dev/vda /mnt && build-load prepare /mnt && umount /mnt' ||
    give_up "the source tree could not be made"
guest_stop prepare
echo "the source tree is there after $(elapsed) s"

record &
recorder=$!
cid=10 # a guest's CPU follows from it
for name in "${variants[@]}"; do
    boot "$name" $((cid++)) || give_up "guest $name failed"
done
for name in "${variants[@]}"; do
    work "$name" &
    workers[$name]=$!
done
for name in "${variants[@]}"; do
    wait "${workers[$name]}" || give_up "the work of guest $name failed"
    read -r _ "ended[$name]" "at_end[$name]" <"$lab_run/$name.ended"
done
sleep "$observed"
kill "$recorder"
for name in "${variants[@]}"; do
    judge "$name" || give_up "guest $name failed"
    [[ $name != wsl && $name != kata ]] || guest_run "$name" 'cat /tmp/rival.log' >"$LAB_RESULTS/$name.log"
done
[[ -z $controller_pid ]] || agent_log ours >"$LAB_RESULTS/agent.log"
echo "took $(elapsed) s on the ground $LAB_GROUND"
