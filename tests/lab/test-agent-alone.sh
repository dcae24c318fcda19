# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # the guest expands; $lab_run comes from lib.sh
# The agent alone, with no controller anywhere: the demo's scenes (b) page cache of an idle guest and
# (c) memory trapped in single pages reach the demo's figures under the local policy.
# usage: tests/lab/run tests/lab/test-agent-alone.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
floor=$((128 * MiB)) # cache_floor of the profile
options='--connect none --set profile=balanced --set idle_window=20s'

# guest_sum NAME AWK-PROGRAM FILE: bytes, computed in the guest.
guest_sum() {
    guest_run "$1" "awk '$2 END { printf \"%.0f\\n\", sum }' $3"
}

# What no cache and no free memory is, by the waterfall's definition.
in_use() {
    local rest percpu
    rest=$(guest_sum "$1" '/^MemTotal:|^Dirty:|^Writeback:|^Mapped:/ { sum += $2 * 1024 }
        /^MemFree:|^Active\(file\):|^Inactive\(file\):|^SReclaimable:/ { sum -= $2 * 1024 }' /proc/meminfo)
    percpu=$(guest_sum "$1" '/^ +count:/ { sum += $2 * 4096 }' /proc/zoneinfo)
    echo $((rest - percpu))
}

# Free below a pageblock, order 9.
trapped() {
    guest_sum "$1" '{ size = 4096; for (i = 5; i < 14; i++) { sum += $i * size; size *= 2 } }' /proc/buddyinfo
}

since() { echo $((($(now) - $1) / 1000)); }

truncate -s 2G "$lab_run/files.img"
guest_boot one 3 4096 any \
    -drive "file=$lab_run/files.img,if=virtio,format=raw,detect-zeroes=unmap,discard=unmap" || exit 75
guest_boot two 4 1024 memfd || exit 75
# shellcheck disable=SC2086 # words
agent_start one $options
sleep 2
baseline=$(guest_footprint one)
used=$(in_use one)
guest_hold two fragment-later 600000000 || exit 1
guest_run one 'mke2fs -q /dev/vda >/dev/null 2>&1; mkdir -p /mnt
    mount -t ext4 -o noatime /dev/vda /mnt && workload cache-write /mnt 200 4194304
    echo 3 >/proc/sys/vm/drop_caches'

# (b) and (c) side by side; in (c) the agent comes after ten seconds of reporting alone.
guest_run one 'workload cache-read /mnt >/dev/null'
full=$(guest_footprint one)
before=$(guest_footprint two)
guest_fragment two
start=$(now)
stuck=$(trapped two)
sleep 10
alone=$((before - $(guest_footprint two)))
# shellcheck disable=SC2086 # words
agent_start two $options --set lowest_order=0
cache_seconds='' ladder_seconds='' ladder=0
while (($(now) - start < 110000)); do
    now_used=$(in_use one)
    goal=$((baseline + ((now_used > used ? now_used - used : 0) + floor) * 110 / 100 + 64 * MiB))
    left=$(guest_footprint one)
    [[ -n $cache_seconds ]] || ((left > goal)) || cache_seconds=$(since "$start")
    returned=$((before - $(guest_footprint two)))
    ((returned <= ladder)) || ladder=$returned
    [[ -n $ladder_seconds ]] || ((ladder < stuck * 85 / 100)) || ladder_seconds=$(since "$start")
    [[ -z $cache_seconds || -z $ladder_seconds ]] || break
    sleep 1
done
echo "(b) footprint $((full / MiB)) -> $((left / MiB)) MiB, baseline $((baseline / MiB))," \
    "bound $((goal / MiB)), after ${cache_seconds:-never} s"
echo "(c) $((stuck / MiB)) MiB trapped: $((alone * 100 / stuck)) % by reporting alone in 10 s," \
    "$((ladder * 100 / stuck)) % by the ladder, 85 % after ${ladder_seconds:-never} s"
check "(b) the cache was there to be taken" test "$((full - baseline))" -ge "$((600 * MiB))"
check "(b) footprint near what is in use plus the floor" test -n "$cache_seconds"
check "(c) reporting alone returned under 5 %" test "$((alone * 100))" -lt "$((stuck * 5))"
check "(c) the ladder at least 85 % within 90 s" test "${ladder_seconds:-999}" -le 90
for name in one two; do
    agent_log $name >"$LAB_RESULTS/$name.agent.log"
done
lab_verdict
