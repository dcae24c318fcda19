# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # the guest expands; $lab_run comes from lib.sh
# What the benches of the lab share: what a guest uses, what the host holds of it, the work of the
# Debian guest, and others' rules. For scripts that have sourced lib.sh. Sourced, not run.

# in_use NAME: bytes, from the kernel's own files: the waterfall's definition, without vmreclaim.
in_use() {
    guest_run "$1" "awk '/^MemTotal:/ { use += \$2 } /^MemFree:|^Active\\(file\\):|^Inactive\\(file\\):|^SReclaimable:/ { use -= \$2 }
        /^Dirty:|^Writeback:|^Mapped:/ { use += \$2 } / count:/ { use -= \$2 * 4 }
        END { printf \"%.0f\\n\", use * 1024 }' /proc/meminfo /proc/zoneinfo"
}

# cached NAME: bytes, the page cache and what else the kernel can free, by the same definition.
cached() {
    guest_run "$1" "awk '/^Active\\(file\\):|^Inactive\\(file\\):|^SReclaimable:/ { cache += \$2 }
        /^Dirty:|^Writeback:|^Mapped:/ { cache -= \$2 }
        END { printf \"%.0f\\n\", cache * 1024 }' /proc/meminfo"
}

# backing PID: what is resident of that hypervisor's memory file, bytes, in $REPLY.
backing() {
    local key value
    REPLY=0
    while read -r key value _; do
        [[ $key != RssShmem: ]] || REPLY=$((value * 1024))
    done <"/proc/$1/status"
}

# build_work_put: build-work and what it compiles are in the Debian guests that boot from now on: a part
# of this project with the headers of its libraries and the generated code. Needs debian.sh.
build_work_put() {
    mkdir -p "$lab_run/source"
    (cd "$LAB_SOURCE" && git ls-files -z '*.[ch]' | xargs -0 cp --parents -t "$lab_run/source")
    cp -r "$LAB_BUILD/proto" /usr/include/{uv,uv.h,protobuf-c,yaml.h} "$lab_run/source/" || return
    debian_put "$lab_run/source/." /usr/local/src/vmreclaim
    debian_put "$LAB_SOURCE/tests/bench/build-work" /usr/local/bin
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
