# shellcheck shell=bash
# shellcheck disable=SC2016,SC2034,SC2154 # guests expand it; $lab_run is of lib.sh, $demo_problem for who sources us
# The demo's two guests, also for who looks at them in another way. Sourced after tests/lab/lib.sh.
demo_problem=''

# demo_guests POLICY-OF-ONE POLICY-OF-TWO: boots "one", which has a disk, and "two", with their agents
# and the controller. Fails with $demo_problem.
demo_guests() {
    local name
    truncate -s 2G "$lab_run/files.img"
    guest_start one 3 4096 any \
        -drive "file=$lab_run/files.img,if=virtio,format=raw,detect-zeroes=unmap,discard=unmap"
    guest_start two 4 1024 memfd
    for name in one two; do
        guest_wait "$name" || {
            demo_problem="guest $name did not boot"
            return 1
        }
    done
    vm_describe one 3 "$1"
    vm_describe two 4 "$2"
    controller_start
    for name in one two; do
        agent_start "$name"
    done
    for name in one two; do
        wait_for 30 connected "$name" || {
            demo_problem="the agent of guest $name did not connect"
            return 1
        }
    done
}

# Files for the page cache of guest one: 200 of 4 MiB.
demo_write_files() {
    guest_run one 'mke2fs -q /dev/vda >/dev/null 2>&1; mkdir -p /mnt
        mount -t ext4 -o noatime /dev/vda /mnt && workload cache-write /mnt 200 4194304
        echo 3 >/proc/sys/vm/drop_caches'
}

demo_read_files() {
    guest_run one 'workload cache-read /mnt >/dev/null'
}
