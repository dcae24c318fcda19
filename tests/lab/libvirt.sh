# shellcheck shell=bash
# A libvirtd of the script's own, with real guests. For scripts that tests/lab/run runs; sourced
# before lib.sh, and it sources that. Needs root, and libvirt's daemon and clients.
#
# The script runs again in namespaces of its own. What libvirtd keeps is in overlays there, so the
# machine's own libvirt is neither seen nor changed. All processes end with the script, since the
# namespace's first process does: the guests, too, which libvirtd does not take along.
#
# LAB_LIBVIRT_DAEMON: what serves QEMU's domains: libvirtd, or virtqemud of the modular daemons, as a
# name or a path.
set -uo pipefail

libvirt_daemon=${LAB_LIBVIRT_DAEMON:-libvirtd}

if [[ -z ${LAB_LIBVIRT:-} ]]; then
    for program in "$libvirt_daemon" virtlogd virsh; do
        command -v "$program" >/dev/null ||
            { echo "lab: $program is missing: run deploy/install-deps"; exit 77; }
    done
    [[ $EUID -eq 0 ]] || { echo "lab: libvirtd needs root here"; exit 77; }
    unset XDG_RUNTIME_DIR # is below /run
    exec env LAB_LIBVIRT=yes unshare --mount --pid --fork --kill-child --mount-proc \
        bash "$0" "$@"
fi

# Directory by directory, so that $LAB_RESULTS stays what it is.
libvirt_make_room() {
    local directory layers
    mount --make-rprivate / || return
    layers=$(mktemp -d)
    mount -t tmpfs tmpfs "$layers" || return
    for directory in /etc /var/lib /var/log /var/cache; do
        mkdir -p "$layers$directory.upper" "$layers$directory.work"
        mount -t overlay overlay "$directory" \
            -o "lowerdir=$directory,upperdir=$layers$directory.upper,workdir=$layers$directory.work" ||
            return
    done
    mount -t tmpfs tmpfs /run
}
libvirt_make_room || { echo "lab: no mounts of our own here"; exit 77; }

# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

libvirt_uri=qemu:///system
libvirt_pid=''

# A guest's files are root's, since the machine need not have libvirt's users.
libvirt_configure() {
    mkdir -p /etc/libvirt/qemu /run/libvirt /var/lib/libvirt /var/log/libvirt
    getent group libvirt-qemu >/dev/null || echo 'libvirt-qemu:x:64055:' >>/etc/group
    getent group kvm >/dev/null || echo 'kvm:x:64056:' >>/etc/group
    getent passwd libvirt-qemu >/dev/null ||
        echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
    cat >/etc/libvirt/qemu.conf <<'CONFIGURATION'
user = "root"
group = "root"
remember_owner = 0
security_driver = "none"
namespaces = []
cgroup_controllers = []
CONFIGURATION
    cat >"/etc/libvirt/${libvirt_daemon##*/}.conf" <<CONFIGURATION
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "2:file:$LAB_RESULTS/libvirtd.log"
CONFIGURATION
    [[ -S /run/libvirt/virtlogd-sock ]] || virtlogd -d
}

libvirt_answers() {
    virsh version >/dev/null 2>&1
}

# libvirt_launch: returns at once. libvirt_start: when it answers.
libvirt_launch() {
    "$libvirt_daemon" </dev/null >>"$LAB_RESULTS/libvirtd.out" 2>&1 &
    libvirt_pid=$!
}

libvirt_start() {
    libvirt_configure
    libvirt_launch
    wait_for 30 libvirt_answers
}

# libvirt_end [SIGNAL]: libvirtd ends; its guests live on.
libvirt_end() {
    kill "-${1:-TERM}" "$libvirt_pid" 2>/dev/null
    wait "$libvirt_pid" 2>/dev/null
    libvirt_pid=''
}

# domain_xml NAME MEMORY-MIB: a stock domain, as people's tools write one: no vsock device, a
# balloon without free page reporting or statistics. $domain_devices and $domain_elements add to it,
# $domain_arguments gives QEMU's own, $domain_initrd another initramfs.
# With domain_boots=no it has no system: its firmware waits, which costs next to nothing.
domain_xml() {
    local type=qemu system='' arguments='' argument
    for argument in ${domain_arguments:-}; do arguments+="<qemu:arg value='$argument'/>"; done
    [[ $LAB_ACCELERATOR != kvm ]] || type=kvm
    [[ ${domain_boots:-yes} == no ]] || system="<kernel>$LAB_GUEST_KERNEL</kernel>
    <initrd>${domain_initrd:-$LAB_RESULTS/guest.initrd}</initrd>
    <cmdline>console=ttyS0 panic=-1 quiet no_timer_check</cmdline>"
    cat <<XML
<domain type='$type' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>$1</name>
  <memory unit='MiB'>$2</memory>
  <vcpu>1</vcpu>
  <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    $system
  </os>
  <features><acpi/><apic/></features>
  ${domain_elements:-}
  <devices>
    <serial type='file'><source path='$LAB_RESULTS/$1.console'/></serial>
    <channel type='unix'>
      <source mode='bind' path='$lab_run/$1.exec'/>
      <target type='virtio' name='lab.exec'/>
    </channel>
    <memballoon model='virtio'/>
    ${domain_devices:-}
  </devices>
  <qemu:commandline>
    $arguments
  </qemu:commandline>
</domain>
XML
}

# domain_start NAME MEMORY-MIB: defines it and starts it. guest_wait says when it takes commands.
# Again, after it has ended, `virsh start` is enough.
domain_start() {
    domain_xml "$1" "$2" >"$LAB_RESULTS/$1.xml"
    virsh define "$LAB_RESULTS/$1.xml" >/dev/null && virsh start "$1" >/dev/null
}

# domain_start_with_vsock NAME MEMORY-MIB CID: with the lab's vsock device, for an agent, on the
# emulated ground.
domain_start_with_vsock() {
    local domain_elements domain_arguments
    guest_links[$1]=hybrid
    link_options "$1" "$3"
    domain_elements="<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>"
    # Without an address it takes the first slot, where libvirt puts a root port.
    domain_arguments="${link_options[*]},addr=0x1c"
    domain_start "$1" "$2"
}

# domains_start PREFIX COUNT MEMORY-MIB: PREFIX1 and so on; returns when all take commands.
domains_start() {
    local i
    for ((i = 1; i <= $2; i++)); do
        domain_start "$1$i" "$3" || return
    done
    [[ ${domain_boots:-yes} == yes ]] || return 0
    for ((i = 1; i <= $2; i++)); do
        guest_wait "$1$i" || return
    done
}

# domain_pid NAME: its hypervisor's process.
domain_pid() {
    cat "/run/libvirt/qemu/$1.pid"
}

virsh() {
    command virsh -q -c "$libvirt_uri" "$@"
}

# vms_ready COUNT: so many VMs are shown whose hypervisor answers, with footprint and memory.
vms_ready() {
    [[ $(vmreclaim --json vm list 2>/dev/null | jq '[.. | objects | select(.driver_state? == "ready"
        and .waterfall.footprint? > 0 and .waterfall.vm_ram? > 0)] | length') == "$1" ]]
}

# The controller as it is installed, with the drivers that were built: it finds what there is. Ends by
# controller_kill.
libvirt_controller_start() {
    mkdir -p "$lab_run/vms" "$lab_run/state"
    "$LAB_BUILD/controller/vmreclaimd" --drivers "$LAB_BUILD/controller/hypervisors" --listen none \
        --api "$VMRECLAIM_API" --vms "$lab_run/vms" --state-directory "$lab_run/state" \
        --sample-interval 2s "$@" </dev/null >>"$LAB_RESULTS/vmreclaimd.log" 2>&1 &
    controller_pid=$!
}
