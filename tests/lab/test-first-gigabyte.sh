#!/bin/bash
# From nothing to the first gigabyte explained, in five commands: on a fresh Debian host with only the
# packages of `make deb` and libvirtd, and in a Debian guest with only the agent's. What the ground needs
# besides is said where it stands.
# usage: tests/lab/run tests/lab/test-first-gigabyte.sh
# shellcheck disable=SC2154,SC2317 # $lab_run comes from lib.sh; functions are called by name
set -uo pipefail

if [[ -z ${LAB_FRESH:-} ]]; then
    [[ $EUID -eq 0 ]] || { echo "lab: a Debian root and libvirtd need root"; exit 77; }
    unset XDG_RUNTIME_DIR
    exec env LAB_FRESH=yes unshare --mount --pid --fork --kill-child --mount-proc bash "$0" "$@"
fi
mount --make-rprivate /
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=tests/lab/debian.sh
. "$LAB_SOURCE/tests/lab/debian.sh"

memory=2048 # MiB
packages=$LAB_BUILD/packages
host=$LAB_RESULTS/host

# ---- the host ----

in_host() { # COMMAND...
    chroot "$host" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# What is written is forgotten; what guest and host share has one path on both sides.
host_make() {
    local root layers=$LAB_RESULTS/layers shared
    root=$("$LAB_SOURCE/tests/lab/debian-host") || return
    mkdir -p "$host" "$layers" && mount -t tmpfs tmpfs "$layers" && mkdir "$layers"/{upper,work} &&
        mount -t overlay overlay "$host" -o "lowerdir=$root,upperdir=$layers/upper,workdir=$layers/work" &&
        mount -t proc proc "$host/proc" && mount --rbind /dev "$host/dev" &&
        mount --rbind /sys "$host/sys" && mount -t tmpfs tmpfs "$host/run" || return
    for shared in "$lab_run" "$LAB_RESULTS" "$(dirname "$debian_disk")"; do
        mkdir -p "$host$shared" && mount --bind "$shared" "$host$shared" || return
    done
    mkdir "$host/srv/packages" && cp "$packages"/*.deb "$host/srv/packages"
}

# As a machine without libvirt's users and cgroups needs it.
libvirt_begin() {
    mkdir -p "$host"/etc/libvirt/qemu "$host"/var/log/libvirt "$host"/var/lib/libvirt "$host"/run/libvirt
    in_host sh -c 'getent passwd libvirt-qemu || useradd -r libvirt-qemu' >/dev/null
    cat >"$host/etc/libvirt/qemu.conf" <<'END'
user = "root"
group = "root"
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
END
    printf 'auth_unix_rw = "none"\nlog_outputs = "2:file:%s"\n' "$LAB_RESULTS/libvirtd.log" \
        >"$host/etc/libvirt/libvirtd.conf"
    in_host virtlogd -d
    in_host libvirtd </dev/null >>"$LAB_RESULTS/libvirtd.out" 2>&1 &
    wait_for 30 in_host virsh -q version >/dev/null 2>&1
}

# A domain with what the doctor asks for. The vsock device is the ground's.
domain_begin() {
    local type=qemu argument arguments='' link_options
    [[ $LAB_ACCELERATOR != kvm ]] || type=kvm
    guest_links[web-1]=$(guest_link memfd)
    link_options web-1 5
    link_options[-1]+=,addr=0x1c # the first slot is a root port's
    for argument in "${link_options[@]}" -drive "file=$debian_disk,format=raw,if=none,id=disk,snapshot=on" \
        -device virtio-blk-pci,drive=disk,addr=0x1d; do
        arguments+="<qemu:arg value='$argument'/>"
    done
    cp "$LAB_GUEST_KERNEL" "$lab_run/vmlinuz" && debian_initrd "$lab_run/initrd" || return
    cat >"$lab_run/web-1.xml" <<END
<domain type='$type' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web-1</name>
  <memory unit='MiB'>$memory</memory>
  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>$lab_run/vmlinuz</kernel>
    <initrd>$lab_run/initrd</initrd>
    <cmdline>console=ttyS0 panic=-1 quiet no_timer_check</cmdline>
  </os>
  <features><acpi/><apic/></features>
  <devices>
    <serial type='file'><source path='$LAB_RESULTS/web-1.console'/></serial>
    <channel type='unix'>
      <source mode='bind' path='$lab_run/web-1.exec'/>
      <target type='virtio' name='lab.exec'/>
    </channel>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'/>
  </devices>
  <qemu:commandline>
    $arguments
  </qemu:commandline>
</domain>
END
    in_host virsh -q define "$lab_run/web-1.xml" && in_host virsh -q start web-1
}

# Its agent cannot be found by its CID where the vsock device is a process of the lab's.
ground_describe() {
    [[ ${guest_links[web-1]} == hybrid ]] || return 0
    printf 'agent: %s\nuuid: %s\n' "$(agent_address web-1)" \
        "$(in_host virsh -q domuuid web-1 | tr -d '[:space:]')" >"$host/etc/vmreclaim/vms/web-1.yaml"
    guest_run web-1 'echo "listen = vsock:any:1017" >>/etc/vmreclaim/agent.conf && systemctl restart vmreclaim-agent'
}

# The unit needs a systemd, which a chroot has not; the port belongs to whoever runs this machine.
daemon_begin() {
    mkdir -p "$host/run/vmreclaim"
    in_host vmreclaimd --listen none --sample-interval 2s </dev/null >>"$LAB_RESULTS/vmreclaimd.log" 2>&1 &
    wait_for 30 in_host vmreclaim status >/dev/null 2>&1
}

# ---- the guest ----

# Nothing of this build but what the package brings.
debian_put_build() {
    local units=/etc/systemd/system
    debian_put "$LAB_BUILD"/tests/lab/guest-exec /usr/local/bin
    debian_put "$packages"/vmreclaim-agent_*.deb /srv
    mkdir -p "$debian_tree/put$units/sysinit.target.wants"
    debian_exec_unit >"$debian_tree/put$units/guest-exec.service"
    ln -sf ../guest-exec.service "$debian_tree/put$units/sysinit.target.wants/"
}

footprint() {
    awk '/^RssShmem:/ { printf "%.0f\n", $2 * 1024 }' "/proc/$(cat "$host/run/libvirt/qemu/web-1.pid")/status"
}

# ---- five commands ----

show() { # COMMAND...: as a person sees it
    echo "        # $*"
    in_host "$@" >"$lab_run/said" 2>&1
    local status=$?
    sed 's/^/        /' "$lab_run/said"
    return "$status"
}

says() { # PATTERN
    grep -qE "$1" "$lab_run/said"
}

# What explain says of a code, in bytes.
explained() { # CODE
    in_host vmreclaim --json explain web-1 |
        jq --arg code "$1" '[.. | objects | select(.code? == $code).bytes // empty | tonumber] | max // 0'
}

has_gigabyte() { # BYTES
    (($1 >= 1 << 30)) || {
        echo "        $1 bytes"
        return 1
    }
}

check "the packages are built" "$LAB_SOURCE/deploy/packages/build" "$LAB_BUILD"
host_make || { echo "lab: no Debian host here"; exit 75; }
libvirt_begin || { echo "lab: libvirtd does not answer; see $LAB_RESULTS/libvirtd.log"; exit 75; }
guest_timeout=600
domain_begin && debian_wait web-1 || { echo "lab: the guest does not boot"; exit 75; }
# The image was made in a chroot where nothing may be started.
guest_run web-1 'rm -f /usr/sbin/policy-rc.d'

check "1. apt installs the host's side" show sh -c \
    'cd /srv/packages && apt-get -q install -y ./vmreclaim_*.deb ./vmreclaimd_*.deb ./vmreclaim-common_*.deb ./vmreclaimd-driver-libvirt_*.deb'
check "2. apt installs the agent in the guest" guest_run web-1 'apt-get -qq install -y /srv/vmreclaim-agent_*.deb'
check "its unit runs" guest_run web-1 'systemctl is-enabled vmreclaim-agent && systemctl is-active vmreclaim-agent'
ground_describe
daemon_begin || { echo "lab: the daemon does not answer; see $LAB_RESULTS/vmreclaimd.log"; exit 75; }
check "the agent is heard" wait_for 60 in_host vmreclaim ping web-1 >/dev/null 2>&1
guest_run web-1 'dd if=/dev/vda of=/dev/null bs=1M count=1400 2>/dev/null'

check "3. the list has the domain" show vmreclaim vm list
check "by its name, with its agent" says '^web-1 .*managed'
check "once" test "$(in_host vmreclaim --json vm list | jq '.vms | length')" = 1
check "4. it is explained" show vmreclaim explain web-1
check "the first gigabyte is file cache" has_gigabyte "$(explained cache)"
check "and it says what to do" says 'vmreclaim (reclaim|squeeze) web-1'
before=$(footprint)
check "5. it is taken back" show vmreclaim reclaim web-1
after=$(footprint)
echo "        the host holds $(((before - after) >> 20)) MiB less"
check "and the host has it" has_gigabyte $((before - after))
check "the record says so" says 'returned to the host: 1\.[0-9] GiB'
lab_verdict
