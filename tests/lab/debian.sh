# shellcheck shell=bash
# shellcheck disable=SC2154 # $lab_run comes from lib.sh
# The lab's Debian guest, for scripts that have sourced lib.sh: a whole system that boots systemd,
# with the agent's unit, redis, sqlite3 and gcc. Its commands run as a unit of it.
# Sourced, not run.

debian_disk=$("$LAB_SOURCE/tests/lab/debian-guest") || exit 125
debian_tree=$lab_run/debian

# debian_put FILE... FOLDER: these are in that folder of the guests that boot from now on.
debian_put() {
    local folder=$debian_tree/put${*: -1}
    mkdir -p "$folder"
    cp -r "${@:1:$#-1}" "$folder/"
}

# Commands from guest_run. They come before the rest of the system, to see it when it does not boot.
debian_exec_unit() {
    cat <<'END'
[Unit]
Description=Commands from the lab
DefaultDependencies=no
[Service]
ExecStart=/bin/sh -c 'cd /sys/class/virtio-ports; exec guest-exec serve /dev/$(grep -lx lab.exec */name | cut -d / -f 1)'
Environment=HOME=/root
KillMode=process
OOMPolicy=continue
OOMScoreAdjust=-900
END
}

# What of this build is in every guest.
debian_put_build() {
    local units=/etc/systemd/system
    debian_put "$LAB_BUILD/agent/vmreclaim-agent" /usr/sbin
    debian_put "$LAB_BUILD"/tests/lab/{guest-exec,workload,agent-probe} /usr/local/bin
    debian_put "$LAB_BUILD/deploy/systemd/vmreclaim-agent.service" "$LAB_SOURCE/deploy/systemd/vmreclaim.slice" $units
    mkdir -p "$debian_tree/put/etc/vmreclaim" "$debian_tree/put$units/sysinit.target.wants"
    debian_exec_unit >"$debian_tree/put$units/guest-exec.service"
    ln -sf ../guest-exec.service "$debian_tree/put$units/sysinit.target.wants/"
}

debian_initrd() {
    debian_put_build
    "$LAB_SOURCE/tests/lab/initramfs" "$1" "${LAB_GUEST_KERNEL%/boot/*}" \
        "$LAB_SOURCE/tests/lab/debian-init" virtio_pci virtio_blk virtio_balloon virtio_console \
        vmw_vsock_virtio_transport vsock_loopback --
    # The kernel unpacks one archive after the other.
    (cd "$debian_tree" && find put -print0 | cpio --quiet -0 -o -H newc -R 0:0) >>"$1"
}

# debian_start NAME CID MEMORY-MIB [QEMU-OPTION...]: as guest_start. Its disk forgets what is written.
debian_start() {
    local name=$1 cid=$2 memory=$3 initrd=$LAB_RESULTS/$1.initrd
    shift 3
    debian_initrd "$initrd" || return
    guest_initrd=$initrd guest_start "$name" "$cid" "$memory" memfd \
        -drive "file=$debian_disk,format=raw,if=virtio,snapshot=on" "$@"
}

# debian_wait NAME: until the system is up, all of it.
debian_wait() {
    local state
    guest_wait "$1" || {
        echo "lab: guest $1 did not boot" >&2
        return 1
    }
    state=$(guest_run "$1" 'systemctl is-system-running --wait')
    [[ $state == running ]] || {
        echo "lab: guest $1 is $state:" >&2
        guest_run "$1" 'systemctl --failed --no-legend' >&2
        return 1
    }
}

# debian_boot, as debian_start: returns when the system is up, all of it.
debian_boot() {
    debian_start "$@" && debian_wait "$1"
}

# debian_agent_start NAME [LINE...]: the agent's unit, with these lines in its configuration.
debian_agent_start() {
    local name=$1 link
    shift
    link=$(agent_link "$name")
    printf '%s\n' "${link/#--listen /listen = }" "$@" >"$lab_run/agent.conf"
    guest_run "$name" "cat >/etc/vmreclaim/agent.conf <<'END'
$(cat "$lab_run/agent.conf")
END
        systemctl start vmreclaim-agent"
}
