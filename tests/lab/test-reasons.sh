#!/bin/bash
# Why memory does not come back: each cause made for real, and what vmreclaim calls it. Prints a
# table of cause, code and evidence; a wrong code fails.
# usage: test-reasons.sh [guest] [host] [migration]: which groups; all of them without.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
guest_boot_timeout=90 # several boot side by side
qmp=$LAB_BUILD/tests/lab/qmp
table=()

# row CAUSE EXPECTED-CODE FINDING: FINDING is JSON with code and evidence.
row() {
    local code evidence
    code=$(jq -r '.code // .reason_code // "none"' <<<"$3")
    evidence=$(jq -r '[.evidence[]? | if .unit == "bytes"
        then "\(.name) \(.value / 1048576 * 10 | round / 10) MiB" else "\(.name) \(.value)" end] |
        join(", ")' <<<"$3")
    table+=("$(printf '%s\t%s\t%s' "$1" "$code" "$evidence")")
    check "$1: $2" test "$code" = "$2"
    [[ $code == "$2" ]] || jq -c 'del(.samples)' <<<"$3"
}

# explains GUEST CAUSE CODE: among what cannot come back now. Without it the first other reason.
explains() {
    local findings
    findings=$(vmreclaim --json explain "$1" | jq -c '[.findings[] | select(.kind == "stuck")]')
    printf '%s\n' "$findings" >"$LAB_RESULTS/explain.$3.json"
    vmreclaim explain "$1" >"$LAB_RESULTS/explain.$3"
    row "$2" "$3" "$(jq -c --arg code "$3" '(map(select(.code == $code)) + .)[0] // {}' <<<"$findings")"
}

# holds GUEST CAUSE CODE: what holds the memory, among what explain names.
holds() {
    row "$2" "$3" "$(vmreclaim --json explain "$1" | jq -c --arg code "$3" \
        '[.findings[] | select(.kind == "holds")] | (map(select(.code == $code)) + .)[0] // {}')"
}

# acts GUEST CAUSE CODE COMMAND...: the one reason in the action's record.
acts() {
    local guest=$1 cause=$2 code=$3 action
    shift 3
    action=$(vmreclaim --json "$@" | jq -c .action)
    vmreclaim verify "$(jq -r .id <<<"$action")" >"$LAB_RESULTS/action.$code"
    row "$cause" "$code" "$action"
}

# hold GUEST NAME WORKLOAD...: as guest_hold, several at a time.
hold() {
    local guest=$1 name=$2
    shift 2
    guest_run "$guest" "rm -f /tmp/$name; workload $* >/tmp/$name 2>&1 & echo \$! >/tmp/$name.pid
        until grep -q . /tmp/$name; do sleep 0.1; done; grep -qx ready /tmp/$name || { cat /tmp/$name; false; }"
}

release() {
    guest_run "$1" "read -r pid </tmp/$2.pid; kill \"\$pid\"; while [ -d /proc/\$pid ]; do sleep 0.02; done"
}

# settled GUEST: nothing waits to be reported any more.
settled() {
    local waiting
    waiting=$(vmreclaim --json vm show "$1" | jq '.vm.waterfall | .reportable - .held_back')
    ((waiting < 8 * MiB))
}

connected_or_die() {
    wait_for 30 connected "$1" || {
        echo "the agent of guest $1 did not connect"
        exit 75
    }
}

boot_or_die() {
    guest_boot "$@" || {
        echo "guest $1 did not boot"
        exit 75
    }
}

# ---- causes within the guest ----

group_guest() {
    local free
    boot_or_die a 3 1024 anon -drive "file=$lab_run/disk.a,if=virtio,format=raw" \
        -qmp "unix:$lab_run/other.qmp,server=on,wait=off"
    guest_reporting=off boot_or_die b 4 256 memfd
    vm_describe a 3 "$lab_run/quiet.yaml"
    vm_describe b 4 "$lab_run/quiet.yaml"
    controller_start
    agent_start a
    agent_start b
    connected_or_die a
    connected_or_die b
    guest_run a 'mke2fs -q /dev/vda >/dev/null 2>&1; mkdir -p /mnt; mount -t ext4 /dev/vda /mnt'

    guest_run b 'workload touch-all 33554432'
    explains b "reporting is off" reporting-off

    # neither cache nor free
    guest_run a 'mkdir -p /tmpfs; mount -t tmpfs tmpfs /tmpfs
        dd if=/dev/zero of=/tmpfs/file bs=1M count=60 2>/dev/null; echo 30 >/proc/sys/vm/nr_hugepages'
    holds a "files in tmpfs" tmpfs
    holds a "huge pages kept for later" hugetlb-pool
    guest_run a 'rm /tmpfs/file; echo 0 >/proc/sys/vm/nr_hugepages'

    # free memory on its way
    hold a hog hog 600000000
    release a hog
    explains a "just freed: the kernel's budget" throttled
    wait_for 40 settled a
    explains a "freed into per-CPU lists" per-cpu-lists
    hold a fragment fragment 300000000
    vmreclaim reporting a --kick >/dev/null # what was in per-CPU lists
    acts a "pieces too small" fragmented reporting a --kick
    release a fragment
    vmreclaim compact a >/dev/null
    hold a pin pin 200000000
    vmreclaim compact a >/dev/null
    acts a "pinned kernel memory" fragmented-unmovable compact a
    explains a "pinned kernel memory" fragmented-unmovable
    release a pin
    # reporting at order 9 leaves 64 MiB and the low watermark
    free=$(guest_meminfo a MemFree)
    hold a hog hog $((free - 70 * MiB))
    hold a more hog $((36 * MiB)) # and is not killed for want of memory
    release a more
    sleep 4
    explains a "below the watermark" held-back
    release a hog

    # cache
    guest_run a 'workload cache-write /mnt 60 4194304; echo 3 >/proc/sys/vm/drop_caches
        workload cache-read /mnt >/dev/null'
    guest_run a 'while [ ! -e /tmp/stop ]; do workload cache-read /mnt >/dev/null; sleep 2; done &'
    acts a "files read again at once" cache-hot reclaim a
    guest_run a 'touch /tmp/stop; (while [ ! -e /tmp/idle ]; do :; done) &'
    acts a "no idle CPU for the action" guest-busy reclaim a
    guest_run a 'touch /tmp/idle; sleep 1; rm /tmp/idle'
    guest_run a 'echo 0 >/proc/sys/vm/dirty_writeback_centisecs; echo 90 >/proc/sys/vm/dirty_ratio
        echo 80 >/proc/sys/vm/dirty_background_ratio; rm -f /mnt/0*; echo 3 >/proc/sys/vm/drop_caches
        dd if=/dev/zero of=/mnt/dirty bs=1M count=120 2>/dev/null'
    acts a "written, not yet on disk" cache-dirty reclaim a
    explains a "written, not yet on disk" cache-dirty
    guest_run a 'sync; rm /mnt/dirty'
    guest_run a 'workload cache-write /mnt 40 4194304; workload cache-read /mnt >/dev/null'
    (
        # The guest's own actions are unfinished while they settle.
        until vmreclaim --json actions --vm a -n 9 |
            jq -e 'any(.actions[]; .asked_by == "root" and (.finished | not))' >/dev/null; do
            sleep 0.1
        done
        hold a hog hog 400000000
    ) &
    acts a "the guest takes memory meanwhile" guest-took-again reclaim a
    wait $!
    release a hog

    # who forbids, who works
    guest_run a 'workload cache-read /mnt >/dev/null; (while [ ! -e /tmp/idle ]; do :; done) &'
    sleep 12
    explains a "the guest works" guest-busy
    guest_run a 'touch /tmp/idle'
    agent_kill b
    agent_start b --set allow_commands=false
    connected_or_die b
    acts b "the guest's owner forbids it" policy-forbids compact b

    # somebody else's balloon
    vmreclaim balloon a 900MiB --for 10m >/dev/null
    "$qmp" "$lab_run/other.qmp" balloon '{"value": 838860800}' >/dev/null
    wait_for 20 foreign_owner a
    explains a "another client moves the balloon" foreign-balloon
}

foreign_owner() {
    [[ -n $(vmreclaim --json vm show "$1" | jq -r '.vm.host.foreign_balloon_owner // ""') ]]
}

# ---- what the host does ----

# grown GUEST FROM MIB: its process holds that much more than FROM.
grown() {
    (($(guest_footprint "$1") - $2 > $3 * MiB))
}

group_host() {
    local khugepaged=/sys/kernel/mm/transparent_hugepage/khugepaged before after
    echo 4294967295 >"$khugepaged"/scan_sleep_millisecs
    # a whole huge page must be found before the memory is in pieces
    echo 1 >/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages
    guest_huge_page=1G boot_or_die h 5 1024 hugetlb
    boot_or_die k 6 512 anon
    boot_or_die s 7 256 memfd
    vm_describe h 5 "$lab_run/quiet.yaml"
    vm_describe k 6 "$lab_run/quiet.yaml"
    vm_describe s 7 "$lab_run/quiet.yaml"
    vm_describe p 10 "$lab_run/quiet.yaml"
    controller_start
    for name in h k s; do
        agent_start "$name"
        connected_or_die "$name"
    done

    explains h "huge pages of 1 GiB back the memory" reporting-inert-huge-pages

    # returned in pieces, and filled again
    guest_run k 'workload touch-all 33554432'
    hold k fragment fragment 260000000
    wait_for 40 settled k
    before=$(guest_footprint k)
    guest_run k 'echo 0 >/sys/module/page_reporting/parameters/page_reporting_order'
    vmreclaim reporting k --kick
    wait_for 60 shrunk k "$before" 90
    after=$(guest_footprint k)
    echo "        order 0 returned $(((before - after) / MiB)) MiB"
    guest_run k 'echo 9 >/sys/module/page_reporting/parameters/page_reporting_order'
    echo 65536 >"$khugepaged"/pages_to_scan
    echo 10 >"$khugepaged"/scan_sleep_millisecs
    wait_for 60 grown k "$after" 60
    sleep 3
    echo "        khugepaged filled $((($(guest_footprint k) - after) / MiB)) MiB"
    explains k "khugepaged fills the holes" khugepaged-refilled

    # the host swaps
    modprobe zram
    echo 1G >/sys/block/zram0/disksize
    mkswap /dev/zram0 >/dev/null && swapon /dev/zram0
    release k fragment
    hold k hog hog 250000000
    hold s hog hog 120000000
    echo 500M >/sys/fs/cgroup/memory.reclaim 2>/dev/null
    sleep 6 # what is read of swap may be five seconds old
    explains k "the host swaps (anonymous)" host-swap
    explains s "the host swaps (memfd)" host-swap

    # the kernel of this one fills free pages with zeroes, and its balloon does not promise to
    guest_stop h
    swapoff /dev/zram0
    guest_reporting=on,page-poison=off boot_or_die p 10 256 anon \
        -append 'console=ttyS0 panic=-1 quiet init_on_free=1'
    agent_start p
    connected_or_die p
    wait_for 10 reporting_is_known p
    explains p "the kernel overwrites free pages" reporting-inert-poisoning
}

reporting_is_known() {
    [[ -n $(vmreclaim --json vm show "$1" | jq -r '.vm.reporting // ""') ]]
}

# shrunk GUEST FROM MIB
shrunk() {
    (($2 - $(guest_footprint "$1") > $3 * MiB))
}

group_migration() {
    boot_or_die m 8 512 memfd -qmp "unix:$lab_run/m.other.qmp,server=on,wait=off"
    guest_start n 9 512 memfd -qmp "unix:$lab_run/n.other.qmp,server=on,wait=off" \
        -incoming "unix:$lab_run/migration"
    vm_describe m 8 "$lab_run/quiet.yaml"
    vm_describe n 9 "$lab_run/quiet.yaml"
    controller_start
    agent_start m
    connected_or_die m
    guest_run m 'workload touch-all 33554432'
    wait_for 40 settled m
    echo "        before: the source holds $(($(guest_footprint m) / MiB)) MiB"
    "$qmp" "$lab_run/m.other.qmp" migrate "{\"uri\": \"unix:$lab_run/migration\"}"
    wait_for 60 migrated || "$qmp" "$lab_run/m.other.qmp" query-migrate
    guest_stop m
    connected_or_die n
    echo "        after: the destination holds $(($(guest_footprint n) / MiB)) MiB"
    sleep 5
    explains n "migrated to this host" migration-filled
}

migrated() {
    [[ $("$qmp" "$lab_run/m.other.qmp" query-migrate | jq -r .return.status) == completed ]]
}

printf 'name: quiet\nprofile: balanced\nidle_window: 1h\ntrickle: 0\nsample_interval: 2s\n' \
    >"$lab_run/quiet.yaml"
truncate -s 1G "$lab_run/disk.a"
[[ $# -gt 0 ]] || set -- guest host migration
for group; do
    "group_$group"
done
printf '\n%-36s %-26s %s\n' CAUSE CODE EVIDENCE
printf '%s\n' "${table[@]}" | while IFS=$'\t' read -r cause code evidence; do
    printf '%-36s %-26s %s\n' "$cause" "$code" "$evidence"
done
for name in "${!guest_pids[@]}"; do
    guest_timeout=10 agent_log "$name" >"$LAB_RESULTS/$name.agent.log"
done
lab_verdict
