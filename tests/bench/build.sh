#!/bin/bash
# For bench-build, on any ground: a real Debian guest compiles a part of this project twice, fills
# and flushes a redis and then rests, under one rule or two side by side. What the host holds of each
# is recorded every second. Writes table and figures.json to $LAB_RESULTS.
# usage: build.sh full|quick RULE [RULE]    RULE: ours, reporting, wsl, kata or cron
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/lab/debian.sh
. "$LAB_SOURCE/tests/lab/debian.sh"
# shellcheck source=tests/bench/reclaimers.sh
. "$LAB_SOURCE/tests/bench/reclaimers.sh"

memory=2048 # MiB of a guest
form=$1
shift
rules=("$@")
declare -A baseline in_use_before workers
folders=(common/{base,proc,policy,transport,ttrpc} agent/{engine,sensors,actions,config,safety,doctor,calls,core,service})
keys=400000
rest=600 # seconds
if [[ $form == quick ]]; then
    folders=(common/base)
    keys=60000
    rest=150 # longer than the default idle window
fi

give_up() {
    echo "build: $*; logs in $LAB_RESULTS" >&2
    exit 75
}

# Every second a line for each guest whose work has begun: RULE MILLISECONDS-SINCE BYTES.
record() {
    local rule pid since up
    while sleep 1; do
        for rule in "${rules[@]}"; do
            [[ -e $lab_run/$rule.begun ]] || continue
            read -r pid since <"$lab_run/$rule.begun"
            backing "$pid"
            ((REPLY > 0)) || continue # read in the middle of a change
            read -r up _ </proc/uptime
            echo "$rule $((${up/./}0 - since)) $REPLY"
        done
    done >>"$LAB_RESULTS/footprint.data"
}

# boot RULE CID: the guest, and what gives its memory back.
boot() {
    debian_boot "$1" "$2" "$memory" || return 1
    sleep 10
    backing "${guest_pids[$1]}"
    baseline[$1]=$REPLY
    in_use_before[$1]=$(in_use "$1")
    if [[ $1 != ours ]]; then
        rival_start "$1" "$1"
        return
    fi
    vm_describe ours "$2" "$lab_run/policy.yaml"
    controller_start --sample-interval 10s
    debian_agent_start ours && wait_for 60 connected ours
}

# cpu_ticks RULE: processor time of its hypervisor.
cpu_ticks() {
    awk '{ print $14 + $15 }' "/proc/${guest_pids[$1]}/stat"
}

# In the background: RULE.ended in $lab_run has how long it took, in milliseconds, the processor time
# of it and what the host held at its end.
work() {
    local since ticks
    ticks=$(cpu_ticks "$1")
    since=$(now)
    echo "${guest_pids[$1]} $since" >"$lab_run/$1.begun"
    guest_timeout=3000 guest_run "$1" "build-work compile ${folders[*]} && build-work note &&
        build-work redis $keys" >"$LAB_RESULTS/$1.work" 2>&1 || return 1
    backing "${guest_pids[$1]}"
    echo "$(($(now) - since)) $(($(cpu_ticks "$1") - ticks)) $REPLY" >"$lab_run/$1.ended"
}

# byte_seconds RULE FROM-MS TO-MS: what the host held, summed over that time.
byte_seconds() {
    awk -v rule="$1" -v from="$2" -v to="$3" '
        $1 != rule { next }
        { begin = last > from ? last : from; end = $2 < to ? $2 : to
          if (end > begin) sum += $3 * (end - begin) / 1000
          last = $2 }
        END { printf "%.0f\n", sum }' "$LAB_RESULTS/footprint.data"
}

# seconds_until RULE FROM-MS BYTES: from then until the host holds no more; null when it never does.
seconds_until() {
    awk -v rule="$1" -v from="$2" -v goal="$3" '
        $1 == rule && $2 >= from && $3 <= goal { printf "%.1f\n", ($2 - from) / 1000; found = 1; exit }
        END { if (!found) print "null" }' "$LAB_RESULTS/footprint.data"
}

# The figures of one guest as JSON.
judge() {
    local rule=$1 took ticks at_end growth returnable hot
    read -r took ticks at_end <"$lab_run/$rule.ended"
    backing "${guest_pids[$rule]}"
    growth=$(($(in_use "$rule") - in_use_before[$rule]))
    returnable=$((at_end - baseline[$rule] - growth))
    hot=$(guest_run "$rule" 'build-work compare') || return 1
    jq -nc --arg name "$rule" --arg form "$form" --argjson took "$took" --argjson ticks "$ticks" \
        --argjson hertz "$(getconf CLK_TCK)" --argjson rest "$rest" \
        --argjson all "$(byte_seconds "$rule" 0 $((took + rest * 1000)))" \
        --argjson resting "$(byte_seconds "$rule" "$took" $((took + rest * 1000)))" \
        --argjson half "$(seconds_until "$rule" "$took" $((at_end - returnable / 2)))" \
        --argjson pages "${hot% *}" --argjson missing "${hot#* }" --argjson baseline "${baseline[$rule]}" \
        --argjson at_end "$at_end" --argjson last "$REPLY" --argjson growth "$growth" \
        '{name: $name, form: $form, gib_minutes: ($all / 60 / pow(2; 30)),
          rest_gib_minutes: ($resting / 60 / pow(2; 30)), work_seconds: ($took / 1000),
          work_cpu_seconds: ($ticks / $hertz), rest_seconds: $rest, seconds_to_half: $half,
          hot_pages: $pages, hot_refault_percent: (if $pages > 0 then $missing * 100 / $pages else null end),
          baseline_bytes: $baseline, work_end_bytes: $at_end, rest_end_bytes: $last,
          in_use_growth_bytes: $growth}' >>"$LAB_RESULTS/figures.json"
}

printf 'name: build\nprofile: balanced\n' >"$lab_run/policy.yaml"
build_work_put || give_up "headers are missing: run deploy/install-deps"
debian_put "$LAB_BUILD/tests/bench/rivals" /usr/local/bin

# A pair on a busy machine is slow, not wrong.
guest_boot_timeout=300
guest_timeout=900
cid=10
for rule in "${rules[@]}"; do
    boot "$rule" $((cid++)) || give_up "guest $rule failed"
done
record &
recorder=$!
for rule in "${rules[@]}"; do
    work "$rule" &
    workers[$rule]=$!
done
for rule in "${rules[@]}"; do
    wait "${workers[$rule]}" || give_up "the work of guest $rule failed"
done
echo "the work has ended after $(elapsed) s; now $rest s of rest"
sleep $((rest + 2))
kill "$recorder"
for rule in "${rules[@]}"; do
    judge "$rule" || give_up "guest $rule failed"
    case $rule in
        ours) guest_run ours 'journalctl -b -u vmreclaim-agent -o short-monotonic' >"$LAB_RESULTS/agent.log" ;;
        reporting) ;;
        *) guest_run "$rule" 'cat /tmp/rival.log' >"$LAB_RESULTS/$rule.log" ;;
    esac
done
echo "took $(elapsed) s on the ground $LAB_GROUND"
