# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154,SC2317 # the guest expands; $lab_run comes from lib.sh
# The initramfs hook: mkinitramfs puts the static agent into an image; a guest that never finds a root
# file system is served from there for good, and one that does has put it away before its own init.
# usage: tests/lab/run tests/lab/test-agent-initramfs.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

kernel=$(dirname "$LAB_GUEST_KERNEL")/..
version=$(ls "$kernel/lib/modules")
image=$lab_run/hooked.initrd

# In mounts of its own: the agent where it is installed, and the guest kernel's modules.
make_image() {
    mkdir -p "$lab_run"/conf/conf.d "$lab_run/upper"
    printf 'MODULES=list\nBUSYBOX=y\nCOMPRESS=gzip\n' >"$lab_run/conf/initramfs.conf"
    printf 'virtio_pci\nvirtio_blk\nvirtio_console\n' >"$lab_run/conf/modules"
    cp -r "$LAB_SOURCE"/deploy/initramfs/{hooks,scripts} "$lab_run/conf/"
    cp "$LAB_BUILD/agent/vmreclaim-agent-static" "$lab_run/upper/"
    unshare -m bash -euc '
        mount -t tmpfs tmpfs /mnt
        mkdir /mnt/upper /mnt/work
        cp "$1"/upper/* /mnt/upper/
        mount -t overlay -o "lowerdir=/usr/sbin,upperdir=/mnt/upper,workdir=/mnt/work" agent /usr/sbin
        mkdir /mnt/lib /mnt/lib-work
        mount -t overlay -o "lowerdir=/usr/lib,upperdir=/mnt/lib,workdir=/mnt/lib-work" lib /usr/lib
        mkdir -p /usr/lib/modules
        mount --bind "$2/lib/modules" /usr/lib/modules
        mount --bind "$2/boot" /boot # its configuration says what it can unpack
        mkinitramfs -d "$1/conf" -o "$3" "$4"' - "$lab_run" "$kernel" "$image" "$version"
}

# A root file system with the lab's guest tree, whose init serves commands.
make_root() {
    mkdir -p "$lab_run/tree"
    (cd "$lab_run/tree" && cpio --quiet -i <"$LAB_RESULTS/guest.initrd" && mkdir -p sbin &&
        mv init sbin/init && rm -rf modules && mkdir modules)
    sed -i '/^mount -t \(proc\|sysfs\|devtmpfs\)/d' "$lab_run/tree/sbin/init"
    truncate -s 64M "$lab_run/root.img"
    mke2fs -q -t ext4 -d "$lab_run/tree" "$lab_run/root.img"
}

boot() { # NAME CID KERNEL-WORDS [QEMU-OPTION...]
    local name=$1 cid=$2 words=$3
    shift 3
    [[ $LAB_GROUND != emulated ]] || words+=' vmreclaim.listen=vsock:any:1017'
    guest_initrd=$image guest_append=$words \
        guest_start "$name" "$cid" 512 any "$@"
}

all_answered() { (($(grep -c '^rpc .* OK' "$LAB_RESULTS/probe.log") >= 9)); }

check "mkinitramfs runs the hook" make_image
((lab_failures == 0)) || lab_verdict
make_root
# Without "panic" its init ends in a shell, and goes on.
boot microvm 3 'root=/dev/vdb panic= vmreclaim.idle_window=20s'
"$LAB_BUILD/tests/lab/agent-probe" "$(agent_address microvm)" 200 >"$LAB_RESULTS/probe.log" 2>&1 &
check "every RPC works out of the initramfs" wait_for 150 all_answered
guest_stop microvm
boot installed 4 'root=/dev/vda rootfstype=ext4 rw init=/sbin/init' \
    -drive "file=$lab_run/root.img,if=virtio,format=raw"
guest_wait installed || guest_wait installed || exit 75
check "it ran before the guest's own init" guest_run installed 'dmesg | grep -q "vmreclaim-agent.* runs"'
check "and ended in order" guest_run installed 'dmesg | grep -q "stopping" && ! pidof vmreclaim-agent'
guest_run installed 'dmesg | grep -i vmreclaim'
lab_verdict
