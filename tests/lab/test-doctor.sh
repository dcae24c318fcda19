#!/bin/bash
# The doctor and a stock domain of a real libvirtd: it names what the domain lacks, mends what can be
# mended at once, writes the rest for the next cold start, and that start has it.
# Functions are called by name.
# shellcheck disable=SC2154,SC2317
# shellcheck source=tests/lab/libvirt.sh
. "$LAB_SOURCE/tests/lab/libvirt.sh"

vm=stock

status_of() { # CHECK
    vmreclaim --json doctor "$vm" | jq -r --arg name "$1" '.checks[] | select(.name == $name).status'
}

says() { # CHECK STATUS
    [[ $(status_of "$1") == "$2" ]] || {
        echo "        $1: $(status_of "$1")"
        return 1
    }
}

line_of() { # CHECK
    vmreclaim --json doctor "$vm" | jq -r --arg name "$1" '.checks[] | select(.name == $name).line'
}

domain() { # VIRSH-COMMAND...
    virsh -q -c "$libvirt_uri" "$@"
}

inactive_has() { # PATTERN
    domain dumpxml --inactive "$vm" | grep -q "$1"
}

# Nothing else of the domain is another.
only_the_balloon_changed() {
    diff <(domain dumpxml --inactive --security-info "$vm" | grep -v '<memballoon') \
        <(grep -v '<memballoon' "$lab_run/before.xml") >"$lab_run/diff"
    grep -vE "^[0-9,acd]+$|^[<>] +(</?vsock|<cid|<stats|<address|<alias|</memballoon)" "$lab_run/diff" &&
        return 1
    return 0
}

cold_start() {
    domain destroy "$vm" >/dev/null && domain start "$vm" >/dev/null && guest_wait "$vm"
}

libvirt_start || { echo "lab: libvirtd does not answer; see $LAB_RESULTS/libvirtd.log"; exit 1; }
domains_start "$vm" 1 192 2>/dev/null || { echo "lab: the domain does not start"; exit 75; }
vm=${vm}1
domain dumpxml --inactive --security-info "$vm" >"$lab_run/before.xml"
controller_start --drivers "$LAB_BUILD/controller/hypervisors" --libvirt "$libvirt_uri"
check "the domain is found" wait_for 30 says hypervisor ok
vmreclaim doctor "$vm" | sed 's/^/        /'
check "it has no vsock device" says 'vsock device' failure
check "nor free page reporting" says 'free page reporting' failure
check "nor deflate-on-oom" says 'deflate on OOM' warning
check "nor an agent" says agent failure
check "and a balloon" says balloon ok
check "the line for reporting needs a cold start" test \
    "$(line_of 'free page reporting')" = "<memballoon model='virtio' freePageReporting='on'>"

# The emulated ground's host may have no vhost-vsock: that step alone fails then.
[[ -e /dev/vhost-vsock ]] && expected=0 || expected=7
vmreclaim doctor "$vm" --fix --yes >"$LAB_RESULTS/fix" 2>&1
status=$?
sed 's/^/        /' "$LAB_RESULTS/fix"
check "it mends what this host can have" test "$status" = "$expected"
check "reporting is in the domain's XML" inactive_has "freePageReporting='on'"
check "and so is autodeflate" inactive_has "autodeflate='on'"
check "and nothing else is another" only_the_balloon_changed
check "the running guest has no other balloon" grep -vq freePageReporting <(domain dumpxml "$vm")
check "asked again, it says that a start is left" grep -q 'cold start' <(vmreclaim doctor "$vm" --fix --yes 2>&1)
check "a cold start" cold_start
check "has reporting" wait_for 60 says 'free page reporting' ok
check "and deflate-on-oom" says 'deflate on OOM' ok
lab_verdict
