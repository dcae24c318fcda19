#!/bin/bash
# For bench-arbiter, and for test-arbiter.sh in a small form: guests with unequal shares and a cgroup
# that stands for their host, in which something else grows and grows. One arm in each run: nobody acts
# ("off"), MOM's rule, Proxmox VE's, or the arbiter, by balloons alone ("ours") or with agents that take
# orders. Writes figures.json, and what it saw each second to host.data and guests.data, to $LAB_RESULTS.
# usage: arbiter.sh full|quick off|mom|proxmox|ours|orders
# Functions are called by name, what guests run expands there, and a pid may be no word.
# shellcheck disable=SC2016,SC2086,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/lab/group.sh
. "$LAB_SOURCE/tests/lab/group.sh"
# shellcheck source=tests/bench/arbiter-rivals.sh
. "$LAB_SOURCE/tests/bench/arbiter-rivals.sh"

MiB=$((1024 * 1024))
qmp=$LAB_BUILD/tests/lab/qmp
form=$1
arm=$2
memory=1024 # MiB of each guest
# A host's own memory beside its guests: at rest a little more than a fifth of it is available, from
# where on neither rival does anything.
host=$((8448 * MiB))
hog=$((2816 * MiB)) # some 300 MiB more than there is
rate=$((32 * MiB)) # a second of a quiet machine, of the hog
settle=60 steady=60 back=300 # seconds
guests=(one two three four five six)
if [[ $form == quick ]]; then
    guests=(one three five)
    host=$((4224 * MiB))
    hog=$((1500 * MiB))
    rate=$((16 * MiB))
    settle=20 steady=20 back=120
fi
declare -A shares=([one]=2000 [two]=2000 [three]=3000 [four]=3000 [five]=4000 [six]=5000)
# MiB. Where a share is less than what its guest cannot do without, the floor is what counts.
declare -A floors=([one]=512 [two]=640 [three]=320 [four]=384 [five]=320 [six]=384)
declare -A holds=([one]=40 [two]=100 [three]=60 [four]=140 [five]=80 [six]=160)     # MiB of a program
hot_files=6 files=42 # of 16 MiB: those that it reads all the time, and all that it has read
declare -A before=()

give_up() {
    echo "arbiter: $*; logs in $LAB_RESULTS" >&2
    exit 75
}

# ---- guests ----

# Files of holes: they fill a page cache as others do, and no disk.
make_files() {
    local i
    mkdir -p "$lab_run/files/hot"
    for ((i = 0; i < files; i++)); do
        truncate -s 16M "$lab_run/files/$(printf %06d "$i")"
    done
    for ((i = 0; i < hot_files; i++)); do
        mv "$lab_run/files/$(printf %06d $((files - i - 1)))" "$lab_run/files/hot/$(printf %06d "$i")"
    done
    truncate -s 32M "$lab_run/files.img"
    PATH=$PATH:/usr/sbin mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$lab_run/files" "$lab_run/files.img"
}

boot_all() {
    local name cid=3
    for name in "${guests[@]}"; do
        guest_start "$name" $((cid++)) "$memory" any \
            -qmp "unix:$lab_run/$name.second,server=on,wait=off" \
            -qmp "unix:$lab_run/$name.third,server=on,wait=off" \
            -drive "file=$lab_run/files.img,format=raw,if=virtio,snapshot=on"
    done
    for name in "${guests[@]}"; do
        guest_wait "$name" || return
    done
}

# A program that holds memory, files that were read twice, which the kernel therefore takes for hot, and
# a few that are.
load() { # NAME
    guest_hold "$1" hog $((holds[$1] * MiB)) &&
        guest_run "$1" 'mkdir -p /mnt && mount -t ext4 -o ro /dev/vda /mnt
            workload cache-read /mnt; workload cache-read /mnt; workload busy 5 /mnt/hot >/dev/null 2>&1 &' \
            >/dev/null
}

# What it suffered so far: programs killed, milliseconds in which all waited for memory, pages read
# again.
suffering() { # NAME
    guest_run "$1" 'awk "\$1 == \"oom_kill\" { kills = \$2 } \$1 == \"workingset_refault_file\" { again = \$2 }
        FILENAME ~ /pressure/ && \$1 == \"full\" { sub(/total=/, \"\", \$5); full = \$5 / 1000 }
        END { printf \"%.0f %.0f %.0f\n\", kills, full, again }" /proc/vmstat /proc/pressure/memory'
}

# What the hypervisor says that the guest has.
size_of() { # NAME
    "$qmp" "$lab_run/$1.second" query-balloon | sed -nE 's/.*"actual": ([0-9]+).*/\1/p'
}

all_are_whole() {
    local name
    for name in "${guests[@]}"; do
        [[ ! -d /proc/${guest_pids[$name]} || $(size_of "$name") -eq $((memory * MiB)) ]] || return
    done
}

# ---- the arms ----

# The arbiter, with agents that do nothing of themselves: what they would have taken is gone before the
# host is short. Without orders they only tell what their guests use, and balloons are all that is left,
# as for the rivals: then shares decide.
ours_start() { # ORDERS
    local name cid=3
    for name in "${guests[@]}"; do
        printf 'name: %s\nprofile: balanced\nidle_window: 1h\ntrickle: 0\nallow_commands: %s\nshares: %s\nfloor: %sMiB\n' \
            "$name" "$1" "${shares[$name]}" "${floors[$name]}" >"$lab_run/$name.policy"
        vm_describe "$name" $((cid++)) "$lab_run/$name.policy"
        agent_start "$name" || return
    done
    controller_start --arbiter on --host-cgroup "$lab_group"
    for name in "${guests[@]}"; do
        wait_for 60 connected "$name" || return
    done
    vmreclaim events --follow >"$LAB_RESULTS/events" 2>&1 &
    while [[ -d $lab_group ]]; do
        sleep 5
        { date +%T && vmreclaim host && vmreclaim plan; } >>"$LAB_RESULTS/plan" 2>&1
    done &
}

arm_start() {
    case $arm in
        off) ;;
        mom | proxmox) rule_start "$arm" ;;
        ours) ours_start false ;;
        orders) ours_start true ;;
        *) give_up "there is no arm $arm" ;;
    esac
}

# ---- what is seen ----

# Each second, in milliseconds since the hog began: SINCE USAGE AVAILABLE HOG of the host, and SINCE
# NAME SIZE FOOTPRINT of each guest.
record() { # BEGAN
    local since name held
    while sleep 1 && [[ -d $lab_group ]]; do
        since=$(($(now) - $1))
        held=$(awk '/^RssAnon:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$hog_pid/status" 2>/dev/null)
        echo "$since $(group_usage) $(group_available) ${held:-0}" >>"$LAB_RESULTS/host.data"
        for name in "${guests[@]}"; do
            [[ -d /proc/${guest_pids[$name]} ]] || continue
            echo "$since $name $(size_of "$name") $(guest_footprint "$name")" >>"$LAB_RESULTS/guests.data"
        done 2>/dev/null
    done
}

hog_start() {
    (group_enter "$LAB_BUILD/tests/lab/workload" grow "$hog" $((rate * 100 / lab_pace))) >"$lab_run/hog" 2>&1 &
    hog_pid=$!
}

hog_has_it() {
    grep -qx ready "$lab_run/hog"
}

hog_is_done() {
    hog_has_it || [[ ! -d /proc/$hog_pid ]]
}

# The share of each guest beside what it held in that time: NAME HELD SHARE ERROR-PERCENT each.
shares_of() { # FROM-MS TO-MS
    local name
    for name in "${guests[@]}"; do
        [[ -d /proc/${guest_pids[$name]} ]] || continue
        echo "$name ${shares[$name]} $((floors[$name] * MiB)) $((memory * MiB))"
    done >"$lab_run/claims"
    awk -v from="$1" -v to="$2" -f "$LAB_SOURCE/tests/bench/arbiter-shares.awk" \
        "$lab_run/claims" "$LAB_RESULTS/guests.data"
}

# The largest shortfall under a floor at any time, beyond a page, in percent.
floor_error() {
    local name
    for name in "${guests[@]}"; do
        awk -v name="$name" -v floor="$((floors[$name] * MiB))" '
            $2 == name && $3 != "" && floor - $3 > 4096 && floor - $3 > short { short = floor - $3 }
            END { printf "%.2f\n", short * 100 / floor }' "$LAB_RESULTS/guests.data"
    done | sort -g | tail -n 1
}

# Seconds after the hog's end until each guest had everything; null: not in the time that was given.
back_seconds() { # END-MS
    awk -v end="$1" -v whole=$((memory * MiB)) '$1 < end { next }
        $1 != last { if (NR > 1 && good && !found) found = last; last = $1; good = 1 }
        $3 != whole { good = 0; found = 0 }
        END { if (good && !found) found = last
            if (found) printf "%.1f\n", (found - end) / 1000; else print "null" }' "$LAB_RESULTS/guests.data"
}

judge() { # HOG-MS END-MS
    local kills full again kills_before full_before again_before stalls=0 refaults=0 inside=0 name
    for name in "${guests[@]}"; do
        [[ -d /proc/${guest_pids[$name]} ]] || continue
        read -r kills_before full_before again_before <<<"${before[$name]}"
        read -r kills full again <<<"$(suffering "$name")"
        ((inside += kills - kills_before, stalls += full - full_before, refaults += again - again_before))
    done
    jq -nc --arg name "$arm" --arg form "$form" --argjson pace "$lab_pace" --argjson host "$(group_oom_kills)" \
        --argjson inside "$inside" --argjson floor "$(floor_error)" \
        --argjson share "$(awk '$4 > worst { worst = $4 } END { printf "%.2f\n", worst }' "$LAB_RESULTS/shares")" \
        --argjson hog "$1" --argjson back "$(back_seconds "$2")" --argjson stalls "$stalls" \
        --argjson refaults "$refaults" \
        --argjson least "$(awk 'NR == 1 || $3 < least { least = $3 } END { printf "%.0f\n", least }' "$LAB_RESULTS/host.data")" \
        '{name: $name, form: $form, pace_percent: $pace, oom_kills: ($host + $inside), oom_kills_host: $host,
          oom_kills_guests: $inside, floor_error_percent: $floor, share_error_percent: $share,
          hog_satisfied_seconds: (if $hog == null then null else $hog / 1000 end), back_seconds: $back,
          guest_stall_seconds: ($stalls / 1000), refault_pages: $refaults,
          least_available_bytes: $least}' >>"$LAB_RESULTS/figures.json"
}

# ---- the course of it ----

make_files || give_up "the files could not be made"
group_make "$host" || exit
guest_boot_timeout=300
boot_all || give_up "a guest did not boot"
for name in "${guests[@]}"; do
    load "$name" || give_up "guest $name failed"
done
((lab_pace <= 1000)) || lab_too_busy "the guests are slower than what happens to them"
arm_start || give_up "the arm $arm did not start"
sleep "$settle"
for name in "${guests[@]}"; do
    before[$name]=$(suffering "$name")
done
echo "$(elapsed) s: the hog begins, at $lab_pace % of a quiet machine's time;" \
    "$(($(group_available) / MiB)) of $((host / MiB)) MiB are available"
began=$(now)
hog_start
record "$began" &
recorder=$!
wait_for 300 hog_is_done
took=$(($(now) - began))
if hog_has_it; then
    echo "$(elapsed) s: the hog has all of it after $took ms"
else
    echo "$(elapsed) s: the hog was killed, or waits, after $took ms"
    took=null
fi
sleep $((settle + steady))
from=$(($(now) - began - steady * 1000))
shares_of "$from" $((from + steady * 1000)) >"$LAB_RESULTS/shares"
end=$(($(now) - began))
kill -TERM "$hog_pid" 2>/dev/null
wait "$hog_pid" 2>/dev/null
echo "$(elapsed) s: the hog ends"
wait_for "$back" all_are_whole
sleep 2
kill "$recorder" $rule_pid
judge "$took" "$end" || give_up "there are no figures"
cat "$LAB_RESULTS/shares"
jq -r '"\(.oom_kills) kills, floor \(.floor_error_percent) %, share \(.share_error_percent) %"' "$LAB_RESULTS/figures.json"
echo "took $(elapsed) s on the ground $LAB_GROUND"
