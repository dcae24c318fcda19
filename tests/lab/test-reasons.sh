#!/bin/bash
# Why memory does not come back: causes within the guest.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/reasons.sh
. "$LAB_SOURCE/tests/lab/reasons.sh"

per_cpu() {
    vmreclaim --json vm show "$1" | jq -r .vm.waterfall.percpu
}

foreign_owner() {
    [[ -n $(vmreclaim --json vm show "$1" | jq -r '.vm.host.foreign_balloon_owner // ""') ]]
}

truncate -s 1G "$lab_run/disk.a"
boot_or_die a 3 1024 any -drive "file=$lab_run/disk.a,if=virtio,format=raw" \
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
# Whether they keep much depends on how the kernel had given it out: until they do. As large as they
# may be on a machine with much more memory.
guest_run a 'echo 8 >/proc/sys/vm/percpu_pagelist_high_fraction'
for _ in 1 2 3 4 5 6; do
    (($(per_cpu a) < 24 * MiB)) || break
    hold a hog hog 600000000
    release a hog
    wait_for 40 settled a
done
explains a "freed into per-CPU lists" per-cpu-lists
guest_run a 'echo 0 >/proc/sys/vm/percpu_pagelist_high_fraction'
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
hold a hog hog $((free - 110 * MiB))
hold a more hog $((36 * MiB)) # and is not killed for want of memory
release a more
vmreclaim reporting a --kick >/dev/null # what was in per-CPU lists
sleep 4
explains a "below the watermark" held-back
release a hog
wait_for 40 settled a # or the next action gets the credit for it

# cache
guest_run a 'workload cache-write /mnt 60 4194304; echo 3 >/proc/sys/vm/drop_caches
    workload cache-read /mnt >/dev/null'
guest_run a 'while [ ! -e /tmp/stop ]; do workload cache-read /mnt >/dev/null; sleep 2; done &'
acts a "files read again at once" cache-hot reclaim a
# sixteen, or the idle class still gets enough to take some
guest_run a 'touch /tmp/stop; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
    (while [ ! -e /tmp/idle ]; do :; done) & done'
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
reasons_end
