#!/bin/bash
# The scenes, run by tests/lab/run. Guest "one" tells `free` and `cache`, guest "two" `fragmented`.
# usage: scenes.sh BEGAN   BEGAN: when the demo was started, ms of /proc/uptime
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=deploy/demo/picture.sh
. "$LAB_SOURCE/deploy/demo/picture.sh"
# shellcheck source=deploy/demo/guests.sh
. "$LAB_SOURCE/deploy/demo/guests.sh"

MiB=$((1024 * 1024))
floor=$((128 * MiB)) # cache_floor of the policy's profile
taken=3000000000
scenes=()
figures=0 # missed
first_result=''
began=$1
start=$(now)
boot_ns=$(($(date +%s%N) - start * 1000000)) # the controller's times on the clock of now()
policy=$LAB_SOURCE/deploy/demo/policy.yaml

seconds_since() { awk -v ms=$(($(now) - $1)) 'BEGIN { printf "%.1f", ms / 1000 }'; }
mib() { echo $(($1 / MiB)); }

give_up() {
    say "$*; logs in $LAB_RESULTS"
    picture_end
    ! lab_is_busy || lab_too_busy "$*"
    exit 75
}

# What is going on now: a line of the picture; elsewhere than on a terminal, one every ten seconds.
last_progress=0
progress() {
    local name
    for name in one two; do
        [[ -d /proc/${guest_pids[$name]} ]] || give_up "guest $name died"
    done
    if [[ -n $picture_pid ]]; then
        picture_caption "$*"
    elif (($(now) - last_progress >= 10000)); then
        last_progress=$(now)
        printf '%4d s  host holds: one %5d MiB, two %5d MiB   %s\n' $((($(now) - began) / 1000)) \
            "$(mib "$(guest_footprint one)")" "$(mib "$(guest_footprint two)")" "$*"
    fi
}

# The independent record, and the controller's own, until the end.
record() {
    while sleep 1; do
        echo "$((($(now) - start) / 1000)) $(mib "$(guest_footprint one)") $(mib "$(guest_footprint two)")"
    done >"$LAB_RESULTS/footprint.data" 2>/dev/null &
    recorders=$!
    "$LAB_BUILD/controller/vmreclaim" --json events -f --samples >"$LAB_RESULTS/events.json" 2>&1 &
    recorders+=" $!"
}

# waterfall GUEST PART: one part of a fresh reading by the controller.
waterfall() {
    vmreclaim --json vm show "$1" | jq -r ".. | .waterfall? // empty | .$2" | head -n 1
}

# figure WORDS CONDITION: CONDITION is arithmetic.
figure() {
    if (($2)); then
        say "   reached: $1"
    else
        say "   MISSED:  $1"
        figures=$((figures + 1))
    fi
}

scene_a() {
    local before freed free_before after=0 reached='' t goal
    say "(a) free: a C program takes 3,000,000,000 bytes, touches them, exits"
    progress "a program takes 3,000,000,000 bytes"
    guest_hold one hog "$taken" || give_up "guest one could not take the memory"
    before=$(guest_footprint one)
    free_before=$(guest_meminfo one MemFree)
    guest_release one
    t=$(now)
    freed=$(($(guest_meminfo one MemFree) - free_before))
    goal=$((before - freed * 95 / 100))
    while (($(now) - t < 45000)); do
        after=$(guest_footprint one)
        progress "the program has ended: its memory goes back to the host"
        if ((after <= goal)); then
            reached=$(seconds_since "$t")
            break
        fi
        sleep 0.2
    done
    first_result=$(seconds_since "$began")
    scenes+=("$(jq -nc --argjson freed "$freed" --argjson before "$before" \
        --argjson after "$after" --argjson in_use "$(waterfall one in_use)" \
        --argjson reported "$(waterfall one reported)" --argjson baseline "$baseline_one" \
        --argjson seconds "${reached:-999}" '{name: "free", guest_freed: $freed,
            reported: $reported, host_returned: ($before - $after), footprint_before: $before,
            footprint_after: $after, in_use: $in_use, floor: 0, boot_baseline: $baseline,
            seconds: $seconds}')")
    say "   $(mib "$freed") MiB freed in the guest, $(mib $((before - after))) MiB back on the host" \
        "after ${reached:-more than 45} s"
    figure "95 % of what was freed left the host within 30 s (${reached:-never} s)" \
        "$(awk -v s="${reached:-999}" 'BEGIN { print s <= 30 }')"
}

# The footprint of guest two half a minute after its compaction, or just before the engine lowered
# the reporting order, if that was sooner: what one compaction and plain reporting had left by then,
# from the independent record, as all figures of this scene. Empty: it is not so far yet.
after_compaction() {
    local seconds
    seconds=$(jq -r -s --argjson zero "$((boot_ns + start * 1000000))" \
        --argjson now "$((boot_ns + $(now) * 1000000))" '[.[] | select(.vm == "two")] |
        (map(select(.action.guest.kind == "set_reporting_order"))[0].time_ns // 0) as $lowered |
        (map(select(.kind == "action" and .action.guest.kind == "compact"))[0].time_ns // 0) as $compacted |
        ([$compacted + 30e9, $lowered | select(. > 0)] | min) as $until |
        if $compacted == 0 or $now < $until then empty
        else ($until - $zero) / 1e9 | floor end' "$LAB_RESULTS/events.json" 2>/dev/null)
    [[ -z $seconds ]] || awk -v end="$seconds" '$1 < end { mib = $3 } END { printf "%.0f\n", mib * 1048576 }' \
        "$LAB_RESULTS/footprint.data"
}

scenes_b_and_c() {
    local in_use_before before_one before_two cache_full trapped alone='' compacted='' goal_one t
    local cache_seconds='' ladder_seconds='' after_one after_two in_use ladder=0 current
    say "(b) cache: guest one reads many files, then goes idle"
    say "(c) fragmented: guest two has freed every second page of 600 MB; both side by side"
    in_use_before=$in_use_one
    demo_read_files
    before_one=$(guest_footprint one)
    cache_full=$(waterfall one cache)
    before_two=$(guest_footprint two)
    guest_fragment two
    t=$(now)
    trapped=$(waterfall two trapped)
    say "   guest one: $(mib "$cache_full") MiB of cache; guest two: $(mib "$trapped") MiB free but trapped"
    while (($(now) - t < 110000)); do
        progress "idle: the policy acts"
        after_one=$(guest_footprint one)
        after_two=$(guest_footprint two)
        if [[ -z $cache_seconds ]] && (($(now) - t > 20000)); then
            in_use=$(waterfall one in_use)
            goal_one=$((baseline_one + ((in_use > in_use_before ? in_use - in_use_before : 0) + floor) * 110 / 100 + 64 * MiB))
            ((after_one > goal_one)) || cache_seconds=$(seconds_since "$t")
        fi
        [[ -n $alone ]] || (($(now) - t < 10000)) || {
            alone=$((before_two - after_two))
            say "   after 10 s of reporting alone: vmreclaim policy apply policy.yaml --vm two"
            vmreclaim policy apply "$policy" --vm two >/dev/null
        }
        [[ -n $compacted ]] || {
            current=$(after_compaction)
            [[ -z $current ]] || compacted=$((before_two - current))
        }
        ((before_two - after_two <= ladder)) || ladder=$((before_two - after_two))
        [[ -n $ladder_seconds ]] || ((ladder < trapped * 85 / 100)) || ladder_seconds=$(seconds_since "$t")
        [[ -z $ladder_seconds || -z $cache_seconds || -z $compacted ]] || break
        sleep 1
    done
    in_use=$(waterfall one in_use)
    scenes+=("$(jq -nc --argjson freed "$((cache_full - $(waterfall one cache)))" \
        --argjson reported "$(waterfall one reported)" --argjson before "$before_one" \
        --argjson after "$after_one" --argjson in_use "$in_use" --argjson floor "$floor" \
        --argjson baseline "$baseline_one" --argjson seconds "${cache_seconds:-999}" '{name: "cache",
            guest_freed: $freed, reported: $reported, host_returned: ($before - $after),
            footprint_before: $before, footprint_after: $after, in_use: $in_use, floor: $floor,
            boot_baseline: $baseline, seconds: $seconds}')")
    scenes+=("$(jq -nc --argjson freed "$trapped" --argjson reported "$(waterfall two reported)" \
        --argjson before "$before_two" --argjson after "$after_two" \
        --argjson in_use "$(waterfall two in_use)" --argjson baseline "$baseline_two" \
        --argjson seconds "${ladder_seconds:-999}" --argjson alone "${alone:-0}" \
        --argjson compaction "${compacted:-0}" --argjson ladder "$ladder" '{name: "fragmented",
            guest_freed: $freed, reported: $reported, host_returned: ($before - $after),
            footprint_before: $before, footprint_after: $after, in_use: $in_use, floor: 0,
            boot_baseline: $baseline, seconds: $seconds, returned_by_reporting_alone: $alone,
            returned_by_compaction: $compaction, returned_by_ladder: $ladder}')")
    figure "(b) footprint near what is in use plus the floor, after ${cache_seconds:-never} s" \
        "${cache_seconds:+1}"
    figure "(c) reporting alone returned under 5 %: $((${alone:-0} * 100 / trapped)) %" \
        "${alone:-$trapped} * 100 < trapped * 5"
    figure "(c) one compaction at least 50 %: $((${compacted:-0} * 100 / trapped)) %" \
        "${compacted:-0} * 100 >= trapped * 50"
    figure "(c) the ladder at least 85 % within 90 s: $((ladder * 100 / trapped)) % (${ladder_seconds:-never} s)" \
        "$(awk -v s="${ladder_seconds:-999}" 'BEGIN { print s <= 90 }')"
}

table() {
    printf '\n%-11s %12s %12s %12s %12s %8s\n' scene 'freed MiB' 'returned MiB' 'before MiB' 'after MiB' seconds
    jq -r '.scenes[] | [.name, .guest_freed, .host_returned, .footprint_before, .footprint_after,
        .seconds] | @tsv' "$LAB_RESULTS/result.json" |
        while IFS=$'\t' read -r name freed returned before after seconds; do
            printf '%-11s %12d %12d %12d %12d %8s\n' "$name" "$(mib "$freed")" "$(mib "$returned")" \
                "$(mib "$before")" "$(mib "$after")" "$seconds"
        done
    echo
}

printf 'name: watched\nprofile: observe\n' >"$lab_run/watched.yaml" # until the third story
say "The policy, with an idle window of 20 s:"
while IFS= read -r line; do
    say "    $line"
done <"$policy"
say "Booting two guests"
demo_guests "$policy" "$lab_run/watched.yaml" || give_up "$demo_problem"
picture_begin one 4096 two 1024
record
baseline_one=$(guest_footprint one)
baseline_two=$(guest_footprint two)
in_use_one=$(waterfall one in_use)
guest_hold two fragment-later 600000000 & # touches it while the first scene runs
holding=$!
scene_a
progress "guest one writes 200 files of 4 MiB"
demo_write_files
say "Files written on guest one: 200 of 4 MiB"
wait "$holding"
scenes_b_and_c
picture_end
# shellcheck disable=SC2086 # two numbers
kill $recorders
read -r load _ </proc/loadavg
printf '%s\n' "${scenes[@]}" | jq -s --argjson total "$(seconds_since "$began")" \
    --argjson first "$first_result" --arg ground "$LAB_GROUND" --argjson load "$load" \
    '{ground: $ground, load: $load, seconds_total: $total, first_result_seconds: $first, scenes: .}' \
    >"$LAB_RESULTS/result.json"
grep -h '"kind":"sample"' "$LAB_RESULTS/events.json" | jq -r --argjson zero "$((boot_ns + start * 1000000))" '
    select(.vm == "two" and .waterfall.guest_is_known) | .time_ns as $t | .waterfall |
    [($t - $zero) / 1e9, (.in_use + .unmanaged, .cache, .percpu, .trapped, .reportable, .reported) / 1048576] |
    @tsv' >"$LAB_RESULTS/waterfall.data"
for name in one two; do
    agent_log "$name" >"$LAB_RESULTS/$name.agent.log"
done
table
echo "The demo took $(seconds_since "$began") s on the ground '$LAB_GROUND'; first result after $first_result s"
((figures == 0)) || ! lab_is_busy || lab_too_busy "$figures figures were missed"
exit $((figures > 0))
