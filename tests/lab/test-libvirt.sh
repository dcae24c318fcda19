#!/bin/bash
# A real libvirtd with stock domains: it comes up, guests boot, and what the driver rests on is so.
# Functions are called by name.
# shellcheck disable=SC2154,SC2317
# shellcheck source=tests/lab/libvirt.sh
. "$LAB_SOURCE/tests/lab/libvirt.sh"

libvirt_start || { echo "lab: libvirtd does not answer; see $LAB_RESULTS/libvirtd.log"; exit 1; }
domains_start vm 6 192 || { echo "lab: the domains do not start"; exit 1; }
echo "        six domains after $(elapsed) s"
check "virsh lists six" test "$(virsh -q -c "$libvirt_uri" list --name | grep -c vm)" = 6
check "vm1 has a process" grep -q qemu "/proc/$(domain_pid vm1)/comm"
check "vm1 has a balloon" grep -q actual <(virsh -q -c "$libvirt_uri" dommemstat vm1)
lab_verdict
