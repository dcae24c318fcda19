# shellcheck shell=bash
# shellcheck disable=SC2016 # the guest expands
# What the benches of the lab share that set vmreclaim beside others' rules: what a guest uses, what
# the host holds of it, and the rivals. For scripts that have sourced lib.sh. Sourced, not run.

# in_use NAME: bytes, from the kernel's own files: the waterfall's definition, without vmreclaim.
in_use() {
    guest_run "$1" "awk '/^MemTotal:/ { use += \$2 } /^MemFree:|^Active\\(file\\):|^Inactive\\(file\\):|^SReclaimable:/ { use -= \$2 }
        /^Dirty:|^Writeback:|^Mapped:/ { use += \$2 } / count:/ { use -= \$2 * 4 }
        END { printf \"%.0f\\n\", use * 1024 }' /proc/meminfo /proc/zoneinfo"
}

# backing PID: what is resident of that hypervisor's memory file, bytes, in $REPLY.
backing() {
    local key value
    REPLY=0
    while read -r key value _; do
        [[ $key != RssShmem: ]] || REPLY=$((value * 1024))
    done <"/proc/$1/status"
}

# rival_start GUEST RULE: "reporting" needs nothing, the kernel does it.
rival_start() {
    case $2 in
        wsl) guest_run "$1" 'setsid rivals wsl >/tmp/rival.log 2>&1 &' ;;
        kata) guest_run "$1" 'mount -t debugfs debug /sys/kernel/debug 2>/dev/null
            setsid rivals kata >/tmp/rival.log 2>&1 &' ;;
        cron) guest_run "$1" 'setsid sh -c "while sleep 60; do echo 3 >/proc/sys/vm/drop_caches
            date +%s; done" >/tmp/rival.log 2>&1 &' ;;
        reporting) ;;
        *) return 1 ;;
    esac
}
