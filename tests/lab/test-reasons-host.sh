#!/bin/bash
# Why memory does not come back: what the host does. Settings of the host are changed for it.
# needs: own-host
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/reasons.sh
. "$LAB_SOURCE/tests/lab/reasons.sh"

# grown GUEST FROM MIB: its process holds that much more than FROM.
grown() {
    (($(guest_footprint "$1") - $2 > $3 * MiB))
}

reporting_is_known() {
    [[ -n $(vmreclaim --json vm show "$1" | jq -r '.vm.reporting // ""') ]]
}

# shrunk GUEST FROM MIB
shrunk() {
    (($2 - $(guest_footprint "$1") > $3 * MiB))
}

khugepaged=/sys/kernel/mm/transparent_hugepage/khugepaged
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
guest_append=init_on_free=1 guest_reporting=on,page-poison=off boot_or_die p 10 256 anon
agent_start p
connected_or_die p
wait_for 10 reporting_is_known p
explains p "the kernel overwrites free pages" reporting-inert-poisoning
reasons_end
