# shellcheck shell=bash
# The lab's Debian guest, for scripts that have sourced lib.sh: a whole system that boots systemd,
# with the agent's unit, redis, sqlite3 and gcc. Its commands run as a unit of it.
# shellcheck disable=SC2154 # $lab_run comes from lib.sh
# Sourced, not run.

debian_disk=$("$LAB_SOURCE/tests/lab/debian-guest") || exit 125

# Everything of this build that the guest gets, below directory `$1`.
debian_tree() {
    local units=$1/etc/systemd/system
    mkdir -p "$1/usr/sbin" "$1/usr/local/bin" "$1/etc/vmreclaim" "$units"
    install "$LAB_BUILD/agent/vmreclaim-agent" "$1/usr/sbin/"
    install "$LAB_BUILD"/tests/lab/{guest-exec,workload,agent-probe} "$1/usr/local/bin/"
    install -m 644 "$LAB_SOURCE"/deploy/systemd/{vmreclaim-agent.service,vmreclaim.slice} "$units/"
    cat >"$units/guest-exec.service" <<'END'
[Unit]
Description=Commands from the lab
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'cd /sys/class/virtio-ports; exec guest-exec serve /dev/$(grep -lx lab.exec */name | cut -d / -f 1)'
Environment=HOME=/root
KillMode=process
OOMScoreAdjust=-900
[Install]
WantedBy=sysinit.target
END
    mkdir "$units/sysinit.target.wants"
    ln -s ../guest-exec.service "$units/sysinit.target.wants/"
}

# Once a run.
debian_initrd() {
    local initrd=$LAB_RESULTS/debian.initrd tree
    [[ ! -e $initrd ]] || return 0
    tree=$(mktemp -d "$lab_run/tree.XXXXXX")
    debian_tree "$tree/put"
    "$LAB_SOURCE/tests/lab/initramfs" "$initrd" "$LAB_GUEST" "$LAB_SOURCE/tests/lab/debian-init" \
        virtio_pci virtio_blk virtio_balloon virtio_console vmw_vsock_virtio_transport vsock_loopback --
    # The kernel unpacks one archive after the other.
    (cd "$tree" && find put -print0 | cpio --quiet -0 -o -H newc -R 0:0) >>"$initrd"
    rm -rf "$tree"
}

# debian_start NAME CID MEMORY-MIB [QEMU-OPTION...]: as guest_start, of this guest. Returns at once.
debian_start() {
    local name=$1 cid=$2 memory=$3
    shift 3
    debian_initrd || return
    guest_initrd=$LAB_RESULTS/debian.initrd guest_append='console=ttyS0 panic=-1 quiet' \
        guest_start "$name" "$cid" "$memory" memfd \
        -drive "file=$debian_disk,format=raw,if=virtio,snapshot=on" "$@"
}
