#!/bin/bash
# Random lives of guests whose memory was all touched once: at every settled point the waterfall
# must explain the footprint (|remainder| <= max(32 MiB, 3 %)), and what an action's record says
# reached the host must agree within 2 % with a measurement taken here (fincore of the memfd, smaps
# of an anonymous backing). A third guest that has hardly touched its memory must be told so.
# usage: test-remainder.sh [SEED [SCENES]]: default a fixed seed and 20 scenes, over four guests side
# by side, since most of a scene is waiting for the kernel's reporting. 0 scenes: the records only.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
guest_boot_timeout=90 # several boot side by side
seed=${1:-20260}
scenes=${2:-20}

# memfd_of GUEST: the path of the file that is its memory; nothing for an anonymous backing.
memfd_of() {
    find "/proc/${guest_pids[$1]}/fd" -lname '/memfd:memory-backend-memfd*' -print -quit
}

# independent GUEST MEMFD: bytes of guest memory on the host, without vmreclaim's ways of measuring.
independent() {
    if [[ -n $2 ]]; then
        fincore --bytes --noheadings --output RES "$2"
    else # the anonymous mapping of the guest's size
        awk -v size="$((guest_memory[$1] * 1024))" '
            /^[0-9a-f]+-[0-9a-f]+ / { inside = 0 }
            $1 == "Size:" && $2 == size { inside = 1 }
            $1 == "Rss:" && inside { printf "%.0f\n", $2 * 1024; exit }' "/proc/${guest_pids[$1]}/smaps"
    fi
}

# read_on GUEST: such readings until killed, each behind its time in microseconds.
read_on() {
    local memfd value start
    memfd=$(memfd_of "$1")
    while is_there "$1" && start=${EPOCHREALTIME/./}; do
        value=$(independent "$1" "$memfd")
        echo "$(((start + ${EPOCHREALTIME/./}) / 2)) $value"
        sleep 0.1
    done
}

# returned_between FROM TO FILE: by how much the readings nearest to these moments (in microseconds)
# differ, and how far from their moment, in seconds, the worse of them is.
returned_between() {
    awk -v from="$1" -v to="$2" '
        function distance(a, b) { return a > b ? a - b : b - a }
        NR == 1 || distance($1, from) < apart_from { apart_from = distance($1, from); before = $2 }
        NR == 1 || distance($1, to) < apart_to { apart_to = distance($1, to); after = $2 }
        END { printf "%.0f %.2f\n", before - after, (apart_from > apart_to ? apart_from : apart_to) / 1e6 }' "$3"
}

is_there() { # GUEST: its hypervisor has not ended
    [[ -S $lab_run/$1.exec ]]
}

# need_guests: the emulation sometimes loses one; there is nothing to say then.
need_guests() {
    local name
    for name in "${lives[@]}"; do
        is_there "$name" || {
            echo "guest $name was lost"
            exit 75
        }
    done
}

waterfall() { # GUEST: all of it, fresh
    vmreclaim --json vm show "$1" | jq -c .vm.waterfall
}

# settle GUEST: until nothing waits for reporting and the footprint rests; prints the waterfall.
settle() {
    local deadline=$(($(now) + 60000)) w='' before=0 after
    while is_there "$1" && w=$(waterfall "$1"); do
        after=$(jq .footprint <<<"$w")
        ! jq -e --argjson before "$before" '.reportable - .held_back < 8388608 and
            (.footprint - $before | fabs) < 1048576' >/dev/null <<<"$w" || break
        (($(now) < deadline)) || break
        before=$after
        sleep 2
    done
    echo "$w"
}

# ---- what may happen ----

release_held() {
    guest_run "$1" '[ ! -e /tmp/hold.pid ] || { read -r pid </tmp/hold.pid; kill "$pid" 2>/dev/null
        while [ -d "/proc/$pid" ]; do sleep 0.05; done; rm -f /tmp/hold.pid; }'
}

scene_hog() { release_held "$1" && guest_hold "$1" hog $(($2 * MiB)); }
scene_burst() { release_held "$1" && guest_hold "$1" hog $(($2 * MiB)) && release_held "$1"; }
scene_fragment() { release_held "$1" && guest_hold "$1" fragment $(($2 * MiB)); }
scene_pin() { release_held "$1" && guest_hold "$1" pin $(($2 * MiB / 2)); }
scene_files() { guest_run "$1" "workload cache-write /mnt $(($2 / 4)) 4194304 && workload cache-read /mnt >/dev/null"; }
scene_drop() { guest_run "$1" 'rm -f /mnt/0*; echo 3 >/proc/sys/vm/drop_caches'; }
scene_tmpfs() { guest_run "$1" "dd if=/dev/zero of=/tmpfs/file bs=1M count=$(($2 / 2)) 2>/dev/null"; }
scene_no_tmpfs() { guest_run "$1" 'rm -f /tmpfs/file'; }
scene_pool() { guest_run "$1" "echo $(($2 / 8)) >/proc/sys/vm/nr_hugepages; sleep 0.1; echo 0 >/proc/sys/vm/nr_hugepages"; }
scene_compact() { act "$1" compact "$1" --force; }
scene_reclaim() { act "$1" reclaim "$1"; }
scene_kick() { act "$1" reporting "$1" --kick; }
kinds=(hog burst fragment pin files drop tmpfs no_tmpfs pool compact reclaim kick)

has_more_lines() { # FILE COUNT
    [[ $(wc -l <"$1") -gt $2 ]]
}

# act GUEST COMMAND...: an action, measured here as well, at the moments that its record is of: a
# guest goes on living, and one page that it touches a second later may be 2 MiB.
act() {
    local guest=$1 readings=$lab_run/$1.readings action reader count start end returned apart
    shift
    is_there "$guest" || return
    read_on "$guest" >"$readings" &
    reader=$!
    wait_for 10 test -s "$readings"
    action=$(vmreclaim --json "$@" | jq -c .action)
    count=$(wc -l <"$readings")
    wait_for 10 has_more_lines "$readings" "$((count + 1))" # one reading begun after it
    kill "$reader"
    wait "$reader" 2>/dev/null
    read -r start end <<<"$(jq -r '"\(.started_ns / 1000) \((.started_ns + .duration_ns) / 1000)"' <<<"$action")"
    read -r returned apart <<<"$(returned_between "$start" "$end" "$readings")"
    jq -r --argjson returned "$returned" --arg guest "$guest" --argjson apart "$apart" '
        (.host_returned // 0) as $ours | ($returned - $ours | fabs) as $off |
        [$guest, .kind, .guest.outcome, $returned / 1048576, $ours / 1048576, (.drift // 0) / 1048576,
         (if $returned > 50331648 then $off * 100 / $returned else -1 end),
         $apart, .confidence, (.reason_code // "")] | @tsv' <<<"$action" >>"$lab_run/actions.tsv"
}

# live GUEST SCENES SEED LARGEST-MIB: one life; a line for each scene into GUEST.tsv.
live() {
    local guest=$1 count=$2 largest=$4 kind mib w i
    RANDOM=$3
    for ((i = 1; i <= count; i++)); do
        is_there "$guest" || return
        kind=${kinds[RANDOM % ${#kinds[@]}]}
        mib=$((largest / 4 + RANDOM % (largest * 3 / 4)))
        "scene_$kind" "$guest" "$mib" >/dev/null || echo "        $guest: scene $kind $mib failed"
        w=$(settle "$guest")
        jq -r --arg guest "$guest" --arg kind "$kind" --argjson mib "$mib" --argjson i "$i" '
            ([33554432, .footprint * 0.03] | max) as $bound |
            [$guest, $i, $kind, $mib, .footprint / 1048576, .in_use / 1048576, .remainder / 1048576,
             $bound / 1048576, (if (.remainder | fabs) <= $bound then "ok" else "OVER" end)] | @tsv' \
            <<<"$w" >>"$lab_run/$guest.tsv"
        tail -n 1 "$lab_run/$guest.tsv" |
            awk -F'\t' -v count="$count" -v at="$(elapsed)" '{ printf "%6d s: %s, scene %d of %d, " \
                "%s: remainder %.1f MiB, bound %.1f\n", at, $1, $2, count, $3, $7, $8 }'
    done
}

boot() { # NAME CID MEMORY BACKING
    guest_memory[$1]=$3
    truncate -s 1G "$lab_run/disk.$1"
    guest_boot "$@" -drive "file=$lab_run/disk.$1,if=virtio,format=raw" || {
        echo "guest $1 did not boot"
        exit 75
    }
    vm_describe "$1" "$2" "$lab_run/quiet.yaml"
}

prepare() { # NAME
    agent_start "$1"
    guest_run "$1" 'mke2fs -q /dev/vda >/dev/null 2>&1; mkdir -p /mnt /tmpfs
        mount -t ext4 -o noatime /dev/vda /mnt; mount -t tmpfs -o size=90% tmpfs /tmpfs'
    wait_for 30 connected "$1" || {
        echo "the agent of guest $1 did not connect"
        exit 75
    }
}

# The guest does nothing by itself: the scenes are what moves.
printf 'name: quiet\nprofile: balanced\nidle_window: 1h\ntrickle: 0\n' >"$lab_run/quiet.yaml"
declare -A guest_memory=()
waiting=()
lives=(memfd anon1 anon2 anon3) # small pages are dear to touch here, so one of four has them
boot memfd 3 320 memfd
boot anon1 4 512 anon
boot anon2 5 768 anon
boot anon3 6 1024 anon
# Where free memory is reported, what was never touched is reported too.
guest_reporting=off boot fresh 7 1024 anon
controller_start
for name in "${lives[@]}" fresh; do
    prepare "$name"
done
echo "seed $seed, $scenes scenes"
for i in "${!lives[@]}"; do
    name=${lives[i]}
    {
        guest_run "$name" 'workload touch-all 33554432'
        settle "$name" >/dev/null
        live "$name" $(((scenes + i) / ${#lives[@]})) $((seed + i)) $((guest_memory[$name] * 2 / 5))
    } &
    waiting+=($!)
done
wait "${waiting[@]}"
need_guests

printf '\n%-7s %2s %-9s %4s %9s %7s %9s %6s\n' guest no scene MiB footprint in_use remainder bound
cat "$lab_run"/{memfd,anon?}.tsv 2>/dev/null >"$LAB_RESULTS/scenes.tsv"
while IFS=$'\t' read -r guest i kind mib footprint in_use remainder bound verdict; do
    printf '%-7s %2d %-9s %4d %9.1f %7.1f %9.1f %6.1f %s\n' "$guest" "$i" "$kind" "$mib" "$footprint" \
        "$in_use" "$remainder" "$bound" "$verdict"
done <"$LAB_RESULTS/scenes.tsv"
echo "worst remainder: $(awk -F'\t' '{ a = $7 < 0 ? -$7 : $7; if (a > worst) worst = a } END { printf "%.1f MiB", worst }' \
    "$LAB_RESULTS/scenes.tsv") (seed $seed)"
check "all $scenes scenes were lived" test "$(wc -l <"$LAB_RESULTS/scenes.tsv")" -eq "$scenes"
check "every settled remainder is within max(32 MiB, 3 %)" \
    awk -F'\t' '$9 != "ok" { bad = 1 } END { exit bad }' "$LAB_RESULTS/scenes.tsv"

# Actions worth measuring, for certain: what is held comes back.
measured() {
    release_held "$1"
    guest_run "$1" 'rm -f /tmpfs/file'
    guest_hold "$1" fragment $((guest_memory[$1] * MiB / 2))
    settle "$1" >/dev/null
    act "$1" compact "$1" --force
    release_held "$1"
    scene_files "$1" 200
    settle "$1" >/dev/null
    act "$1" reclaim "$1"
}
waiting=()
for name in "${lives[@]}"; do
    measured "$name" &
    waiting+=($!)
done
wait "${waiting[@]}"
need_guests
printf '\n%-7s %-10s %-12s %9s %9s %7s %7s %7s %-7s %s\n' guest action outcome measured record drift 'off %' 'apart s' sure 'why not'
while IFS=$'\t' read -r guest kind outcome returned ours drift off apart sure why; do
    printf '%-7s %-10s %-12s %9.1f %9.1f %7.1f %7.2f %7.2f %-7s %s\n' "$guest" "$kind" "$outcome" "$returned" \
        "$ours" "$drift" "$off" "$apart" "$sure" "$why"
done <"$lab_run/actions.tsv"
cp "$lab_run/actions.tsv" "$LAB_RESULTS/actions.tsv"
check "at least 4 actions returned more than 48 MiB" \
    awk -F'\t' '$7 >= 0 { n++ } END { exit n < 4 }' "$LAB_RESULTS/actions.tsv"
check "their records agree with the measurement within 2 %" \
    awk -F'\t' '$7 > 2 { bad = 1 } END { exit bad }' "$LAB_RESULTS/actions.tsv"

fresh=$(vmreclaim --json explain fresh)
jq -r '.findings[] | select(.code == "never-touched") | .sentence' <<<"$fresh"
is_told() { jq -e '.findings | any(.code == "never-touched" and .bytes > 400 * 1048576)' >/dev/null <<<"$fresh"; }
check "a guest that touched little is told so" is_told
for name in "${lives[@]}" fresh; do
    vmreclaim explain "$name" >"$LAB_RESULTS/explain.$name"
    agent_log "$name" >"$LAB_RESULTS/$name.agent.log"
done
vmreclaim actions >"$LAB_RESULTS/actions"
vmreclaim history anon1 >"$LAB_RESULTS/history.anon1"
lab_verdict
