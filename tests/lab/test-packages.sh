# shellcheck shell=bash
# shellcheck disable=SC2016,SC2119,SC2154,SC2317 # the guest expands; $lab_run comes from lib.sh
# The Debian packages, in a real Debian guest: all are installed, upgraded, removed and purged there.
# The agent is back after an upgrade, settings of the kernel are put back, nothing is left. The
# initramfs that is made with the package of its agent has it, and boots.
# usage: tests/lab/run tests/lab/test-packages.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
. "$LAB_SOURCE/tests/lab/debian.sh"
. "$LAB_SOURCE/tests/lab/packages.sh"

order=/sys/module/page_reporting/parameters/page_reporting_order
kernel=$(realpath "$(dirname "$LAB_GUEST_KERNEL")/..")
release=$(ls "$kernel/lib/modules")

# The same package of a later version, beside the first.
make_later() { # FILE
    local folder=$lab_run/later.deb
    rm -rf "$folder"
    dpkg-deb -R "$1" "$folder" && sed -i 's/^Version: .*/&.1/; s/(= \([^)]*\))/(= \1.1)/' "$folder/DEBIAN/control" &&
        dpkg-deb --root-owner-group -b "$folder" "$lab_run/later/$(basename "$1")" >/dev/null
}

# The guest's kernel as a package would lay it out, with the modules that an initramfs here needs.
put_kernel() {
    local module verb path modules=$kernel/lib/modules/$release
    debian_put "$kernel"/boot/* /boot
    debian_put "$modules"/modules.{order,builtin,builtin.modinfo} "/usr/lib/modules/$release"
    for module in virtio_pci virtio_blk virtio_console virtio_balloon vmw_vsock_virtio_transport; do
        while read -r verb path _; do
            [[ $verb != insmod ]] || debian_put "$path" "/usr$(dirname "${path#"$kernel"}")"
        done < <(modprobe -d "$kernel" -S "$release" --show-depends "$module")
    done
}

initramfs_has_agent() {
    guest_run vm "lsinitramfs /boot/initrd.img-$release | grep -qx usr/sbin/vmreclaim-agent"
}

initramfs_lacks_agent() {
    ! initramfs_has_agent
}

take_initramfs() {
    guest_run vm "dd if=/boot/initrd.img-$release of=/dev/disk/by-id/virtio-out bs=1M conv=fsync status=none"
}

# All that this guest has is its initramfs: the root file system never comes, and without "panic" a shell
# is what its init ends in.
microvm_start() {
    local words='root=/dev/vdz panic='
    [[ $LAB_GROUND != emulated ]] || words+=' vmreclaim.listen=vsock:any:1017'
    guest_initrd=$lab_run/out.img guest_append=$words guest_start microvm 4 512 any
    vm_describe microvm 4
}

# web PATH PATTERN: the web server of the guest has it, for who asks there. The answer ends with its
# connection; events go on, so what comes at once counts.
web() {
    guest_run vm "timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/10170
        printf \"GET $1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n\" >&3
        read -r answer <&3
        echo \"\$answer\" | grep \" 200 \" && grep -m 1 -aE \"$2\" <&3'" >"$lab_run/answer"
}

web_is_its_own() {
    local user
    user=$(guest_run vm 'stat -c %u /proc/$(systemctl show -P MainPID vmreclaim-web)')
    echo "        user $user"
    ((user >= 61184 && user <= 65519)) # systemd's, for units that bring none
}

check "the packages are built" packages_build
check "lintian finds nothing" lintian --fail-on error,warning "$packages"/*.changes
mkdir -p "$lab_run/later"
for package in "$packages"/*.deb; do
    [[ $package == *-dbgsym_* ]] || make_later "$package" || exit 1
done
put_packages "$packages" /srv/first
put_packages "$lab_run/later" /srv/later
put_kernel
truncate -s 64M "$lab_run/out.img"

packages_boot vm 3 1024 -drive "file=$lab_run/out.img,if=none,format=raw,id=out" \
    -device virtio-blk-pci,drive=out,serial=out || exit 75
vm_describe vm 3
controller_start
files_of_guest >"$lab_run/before"
check "the agent is installed and runs" guest_run vm 'dpkg -i /srv/first/vmreclaim-agent_*.deb && systemctl is-active vmreclaim-agent'
link=$(agent_link vm)
guest_run vm "echo '${link/#--listen /listen = }' >>/etc/vmreclaim/agent.conf && systemctl restart vmreclaim-agent"
check "it is heard" wait_for 30 connected vm
check "it stays" stays connected vm
before=$(guest_run vm "cat $order")
check "an order is set" vmreclaim reporting vm --order $((before - 1))
check "it is upgraded" guest_run vm 'dpkg -i /srv/later/vmreclaim-agent_*.deb'
began=$(now)
check "it is heard again within 5 s" wait_for 5 connected vm
echo "        after $(($(now) - began)) ms"
check "its configuration is kept" guest_run vm 'grep -q "^listen" /etc/vmreclaim/agent.conf'
check "it is removed" guest_run vm 'dpkg -r vmreclaim-agent && ! grep -lx vmreclaim-agent /proc/[0-9]*/comm'
check "the guest's settings are as before" test "$(guest_run vm "cat $order")" == "$before"
check "it is purged" guest_run vm 'dpkg -P vmreclaim-agent'
check "nothing is left of it" nothing_left "$lab_run/before"
controller_kill # soon another daemon of this guest's listens where it dials
rm "$lab_run/vms/vm.yaml"

printf -v drivers 'vmreclaimd-driver-%s ' libvirt firecracker cloud-hypervisor
host="vmreclaim vmreclaimd vmreclaim-common vmreclaim-web vmreclaim-fleet $drivers"
files() { # FOLDER: of the guest, the packages of the host's side
    printf "/srv/$1/%s_*.deb " $host
}
check "the host's side is installed, with all drivers" guest_run vm "dpkg -i $(files first)"
check "the daemon runs" is_active vmreclaimd
check "it holds the agents' port" is_active vmreclaimd.socket
check "the command line reaches it" guest_run vm 'vmreclaim status && vmreclaim vm list'
check "who is in the group may look" guest_run vm 'setpriv --reuid 65534 --regid vmreclaim-read --clear-groups vmreclaim vm list'
check "who is in none may not" guest_run vm '! setpriv --reuid 65534 --regid 65534 --clear-groups vmreclaim vm list'
check "the web server is ready" is_active vmreclaim-web
check "it hears the daemon" wait_for 30 web /healthz '^ok'
check "it has metrics of the daemon" web /metrics '^vmreclaim_'
check "it has a page" web / '<html'
check "it has events, and the daemon's" web /events 'connected.: true'
check "it is nobody's but its own" web_is_its_own
check "its unit leaves it little" guest_run vm 'systemd-analyze security --no-pager --threshold=20 vmreclaim-web | tail -n 1'
check "node_exporter gets a file" guest_run vm 'mkdir -p /var/lib/prometheus/node-exporter && systemctl start vmreclaim-web-textfile &&
    setpriv --reuid 65534 --regid 65534 --clear-groups grep -q ^vmreclaim /var/lib/prometheus/node-exporter/vmreclaim.prom'
daemon=$(started vmreclaimd vmreclaimd.socket)
web=$(started vmreclaim-web)
check "the web server is upgraded" guest_run vm 'dpkg -i /srv/later/vmreclaim-web_*.deb'
check "it was started anew, and hears the daemon" wait_for 30 web /healthz '^ok'
check "it is another one" test "$(started vmreclaim-web)" != "$web"
check "the daemon and its socket are not" test "$(started vmreclaimd vmreclaimd.socket)" == "$daemon"
socket=$(started vmreclaimd.socket)
check "the rest is upgraded" guest_run vm "dpkg -i $(files later)"
check "the daemon runs again" is_active vmreclaimd
check "the command line reaches it again" guest_run vm 'vmreclaim status'
check "the socket stayed" test "$(started vmreclaimd.socket)" == "$socket"
check "the web server hears it again" wait_for 30 web /healthz '^ok'
check "which never failed" guest_run vm '[ "$(systemctl show -P NRestarts vmreclaim-web)" = 0 ]'
guest_run vm 'echo "cid: 7" >/etc/vmreclaim/vms/mine.yaml'
check "it is removed" guest_run vm "dpkg -r $host && ! grep -lx vmreclaimd /proc/[0-9]*/comm"
check "what an operator wrote is there still" guest_run vm 'test -s /etc/vmreclaim/vms/mine.yaml'
check "it is purged" guest_run vm "dpkg -P $host && rmdir -p --ignore-fail-on-non-empty /var/lib/prometheus/node-exporter"
check "nothing is left of it, and its groups are gone" nothing_left "$lab_run/before"

guest_run vm "printf '%s\n' virtio_pci virtio_blk virtio_console >>/etc/initramfs-tools/modules
    sed -i 's/^MODULES=.*/MODULES=list/' /etc/initramfs-tools/initramfs.conf
    depmod $release && update-initramfs -c -k $release"
check "an initramfs is made" initramfs_lacks_agent
files_of_guest >"$lab_run/before"
check "the initramfs's agent is installed" guest_run vm 'dpkg -i /srv/first/vmreclaim-agent-initramfs_*.deb'
check "which makes the initramfs anew, with the agent" initramfs_has_agent
check "it is taken along" take_initramfs
check "the package is purged" guest_run vm 'dpkg -P vmreclaim-agent-initramfs'
check "which makes the initramfs anew, without" initramfs_lacks_agent
check "nothing is left of it" nothing_left "$lab_run/before"
guest_run vm 'journalctl -b -o short-monotonic' >"$LAB_RESULTS/journal"
guest_stop vm

microvm_start
controller_start
check "the agent is heard out of the initramfs" wait_for 150 connected microvm
check "it works there" vmreclaim compact microvm
lab_verdict
