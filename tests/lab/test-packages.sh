# shellcheck shell=bash
# shellcheck disable=SC2016,SC2119,SC2154 # the guest expands; $lab_run comes from lib.sh
# The Debian packages, in a real Debian guest: both sides are installed, upgraded, removed and purged
# there. The agent is back after an upgrade, settings of the kernel are put back, nothing is left.
# usage: tests/lab/run tests/lab/test-packages.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
. "$LAB_SOURCE/tests/lab/debian.sh"

packages=$LAB_BUILD/packages
order=/sys/module/page_reporting/parameters/page_reporting_order

# This guest has nothing of this build but what the packages bring.
debian_put_build() {
    local units=/etc/systemd/system
    debian_put "$LAB_BUILD"/tests/lab/guest-exec /usr/local/bin
    mkdir -p "$debian_tree/put$units/sysinit.target.wants"
    debian_exec_unit >"$debian_tree/put$units/guest-exec.service"
    ln -sf ../guest-exec.service "$debian_tree/put$units/sysinit.target.wants/"
}

# The same package of a later version, beside the first.
make_later() { # FILE
    local folder=$lab_run/later.deb
    rm -rf "$folder"
    dpkg-deb -R "$1" "$folder" && sed -i 's/^Version: .*/&.1/; s/(= \([^)]*\))/(= \1.1)/' "$folder/DEBIAN/control" &&
        dpkg-deb --root-owner-group -b "$folder" "$lab_run/later/$(basename "$1")" >/dev/null
}

same_packages() {
    "$LAB_SOURCE/deploy/packages/build" "$lab_run/again" >/dev/null &&
        diff <(cd "$packages" && sha256sum ./*.deb ./*.tar.gz) <(cd "$lab_run/again/packages" && sha256sum ./*.deb ./*.tar.gz)
}

is_active() { # UNIT
    guest_run vm "systemctl is-active --quiet $1"
}

gone() { # WORD...: no file has it in its name
    local found
    found=$(guest_run vm "find / -xdev -path /put -prune -o -path /srv -prune -o -path '*/tmp/systemd-private-*' -prune -o -name '*vmreclaim*' -print")
    [[ -z $found ]] || {
        echo "        left: $found"
        return 1
    }
}

check "the packages are built" "$LAB_SOURCE/deploy/packages/build" "$LAB_BUILD"
check "lintian finds nothing" lintian --fail-on error,warning "$packages"/*.changes
check "a second build makes the same bytes" same_packages
mkdir -p "$lab_run/later"
for package in "$packages"/vmreclaim{,d,-agent,-common}_*.deb; do
    make_later "$package" || exit 75
    debian_put "$package" /srv/first
    debian_put "$lab_run/later/$(basename "$package")" /srv/later
done

guest_timeout=600
debian_boot vm 3 1024 || exit 75
vm_describe vm 3
controller_start
# The image was made in a chroot where nothing may be started.
guest_run vm 'rm -f /usr/sbin/policy-rc.d'
check "the agent is installed and runs" guest_run vm 'dpkg -i /srv/first/vmreclaim-agent_*.deb && systemctl is-active vmreclaim-agent'
link=$(agent_link vm)
guest_run vm "echo '${link/#--listen /listen = }' >>/etc/vmreclaim/agent.conf && systemctl restart vmreclaim-agent"
check "it is heard" wait_for 30 connected vm
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
check "nothing is left of it" gone

check "the host's side is installed" guest_run vm 'dpkg -i /srv/first/vmreclaim_*.deb /srv/first/vmreclaimd_*.deb /srv/first/vmreclaim-common_*.deb'
check "the daemon runs" is_active vmreclaimd
check "it holds the agents' port" is_active vmreclaimd.socket
check "the command line reaches it" guest_run vm 'vmreclaim status && vmreclaim vm list'
check "who is in the group may look" guest_run vm 'setpriv --reuid 65534 --regid vmreclaim-read --clear-groups vmreclaim vm list'
check "who is in none may not" guest_run vm '! setpriv --reuid 65534 --regid 65534 --clear-groups vmreclaim vm list'
check "it is upgraded" guest_run vm 'dpkg -i /srv/later/vmreclaim_*.deb /srv/later/vmreclaimd_*.deb /srv/later/vmreclaim-common_*.deb'
check "the daemon runs again" is_active vmreclaimd
check "the command line reaches it again" guest_run vm 'vmreclaim status'
check "it is removed" guest_run vm 'dpkg -r vmreclaimd vmreclaim vmreclaim-common && ! grep -lx vmreclaimd /proc/[0-9]*/comm'
check "it is purged" guest_run vm 'dpkg -P vmreclaimd vmreclaim vmreclaim-common'
check "nothing is left of it" gone
check "its groups are gone" guest_run vm '! getent group vmreclaim vmreclaim-read'
guest_run vm 'journalctl -b -o short-monotonic' >"$LAB_RESULTS/journal"
lab_verdict
