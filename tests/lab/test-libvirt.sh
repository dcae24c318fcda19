#!/bin/bash
# A real libvirtd with stock domains, and nothing written by hand: all are found and followed, what
# happens to them is seen, and whatever becomes of libvirtd or of a domain's QEMU passes.
# Functions are called by name.
# shellcheck disable=SC2154,SC2317
# shellcheck source=tests/lab/libvirt.sh
. "$LAB_SOURCE/tests/lab/libvirt.sh"

MiB=1048576

field() { # VM KEY
    vmreclaim --json vm show "$1" 2>/dev/null | jq -r ".vm.$2"
}

is() { # VM KEY VALUE
    [[ $(field "$1" "$2") == "$3" ]]
}

said() { # WORDS
    grep -q "$1" "$lab_run/events"
}

is_more_than() { # VM KEY NUMBER
    [[ $(field "$1" "$2") =~ ^[0-9]+$ ]] && (($(field "$1" "$2") > $3))
}

says() { # VM KEY WORDS
    [[ $(field "$1" "$2") == *"$3"* ]]
}

quietly() { # COMMAND...: what it says is shown when it fails
    local output
    output=$("$@" 2>&1) || {
        echo "        $output"
        return 1
    }
}

threads() {
    find "/proc/$controller_pid/task" -mindepth 1 -maxdepth 1 | wc -l
}

shown() { # COUNT
    [[ $(vmreclaim --json vm list | jq '[.. | objects | select(has("driver_state"))] | length') == "$1" ]]
}

# within MILLISECONDS: since $began, by what this machine can do.
within() {
    local took=$(($(now) - began))
    echo "        after $took ms"
    ((took <= $1 * lab_pace / 100))
}

libvirt_start || { echo "lab: libvirtd does not answer; see $LAB_RESULTS/libvirtd.log"; exit 1; }
domains_start vm 6 192 || { echo "lab: the domains do not start"; exit 1; }
virsh desc vm1 --title "The first" --live >/dev/null
virsh metadata vm1 --uri https://example.org/lab --key lab --set '<labels>tier=web,rack=7</labels>' \
    --live >/dev/null
echo "        six domains after $(elapsed) s"

libvirt_actual() { # VM MIB
    [[ $(virsh dommemstat "$1" | sed -n 's/^actual //p') == $(($2 * 1024)) ]]
}

mark_of() { # VM: bytes, as vmreclaimd of whatever host has written them
    virsh metadata "$1" --uri urn:vmreclaim:lease 2>/dev/null | sed -n "s/.*baseline=['\"]\([0-9]*\).*/\1/p"
}

has_no_mark() { # VM
    [[ -z $(mark_of "$1") ]]
}

# As if it had come from another host, in the midst of a lease there.
virsh setmem vm4 128M >/dev/null
wait_for 20 libvirt_actual vm4 128
virsh metadata vm4 --uri urn:vmreclaim:lease --key vmreclaim --set "<lease baseline='$((192 * MiB))'/>" \
    --live >/dev/null
virsh save vm4 "$lab_run/vm4.saved" >/dev/null
virsh restore "$lab_run/vm4.saved" >/dev/null
check "it comes with another host's lease in its balloon" libvirt_actual vm4 128

# ---- found ----

began=$(now)
libvirt_controller_start
wait_for 20 vms_ready 6
check "all six are shown with footprint and memory, within 5 s of the start" within 5000
check "each is shown once" shown 6
check "what another host's lease took is given back" wait_for 30 libvirt_actual vm4 192
check "... and its mark removed" wait_for 70 has_no_mark vm4
check "vm1 is known by libvirt's UUID" is vm1 uuid "$(virsh domuuid vm1 | head -n 1)"
check "its process is QEMU's" is vm1 pid "$(domain_pid vm1)"
check "its memory is all of it" is vm1 waterfall.vm_ram $((192 * MiB))
check "its metadata are labels" wait_for 5 says vm1 labels tier=web
check "its balloon does not report free pages" says vm1 reporting off
check "it was only found, so nothing of it was changed" \
    test "$(virsh dumpxml vm1 | grep -c '<stats period')" = 0

# ---- what happens to them ----

vmreclaim events -f >"$lab_run/events" 2>&1 &
events=$!
virsh suspend vm1 >/dev/null
check "suspended: it is paused" wait_for 5 is vm1 state paused
virsh resume vm1 >/dev/null
check "resumed: it is not" wait_for 5 is vm1 state discovered
virsh setmem vm2 128M >/dev/null
check "somebody takes memory: its balloon is seen" wait_for 20 is vm2 waterfall.balloon $((64 * MiB))
virsh setmem vm2 192M >/dev/null
virsh reset vm3 >/dev/null
check "reset: said" wait_for 10 said 'vm3.*reset'
virsh desc vm4 --title renamed --live >/dev/null
virsh save vm4 "$lab_run/vm4.saved" >/dev/null
check "saved: it is gone" wait_for 10 shown 5
virsh restore "$lab_run/vm4.saved" >/dev/null
check "restored: it is there" wait_for 10 vms_ready 6
check "... with its new process" is vm4 pid "$(domain_pid vm4)"
virsh destroy vm5 >/dev/null
check "destroyed: it is gone" wait_for 10 shown 5
virsh start vm5 >/dev/null
began=$(now)
wait_for 10 vms_ready 6
check "started: it is there within 5 s" within 5000
kill "$events"

# ---- a lease, and libvirtd away in the middle of it ----

managed() { # VM
    [[ $(vmreclaim --json vm show "$1" | jq -r '.vm | "\(.state) \(.waterfall.guest_is_known)"') == 'managed true' ]]
}

a_lease() {
    domain_start_with_vsock leased 384 9 && guest_wait leased || return
    {
        echo "uuid: $(virsh domuuid leased | head -n 1)"
        echo "agent: $(agent_address leased)"
    } >"$lab_run/vms/leased.yaml"
    agent_start leased
    check "a file with its UUID and its agent makes the domain managed" wait_for 30 managed leased
    check "a lease is taken" quietly vmreclaim balloon leased 340MiB
    check "libvirt says the same" libvirt_actual leased 340
    check "what it had before is written into it" test "$(mark_of leased)" = $((384 * MiB))
    libvirt_end TERM
    libvirt_launch
    wait_for 60 libvirt_answers
    check "libvirtd was restarted: the lease is given back" quietly vmreclaim release leased
    check "libvirt says the same" wait_for 20 libvirt_actual leased 384
    check "... and that is not written any more" wait_for 70 has_no_mark leased
    virsh destroy leased >/dev/null
    rm "$lab_run/vms/leased.yaml"
    check "destroyed: it is gone" wait_for 20 shown 6
}
if [[ $LAB_GROUND == emulated ]]; then
    a_lease
else
    echo "        no lease here: only the emulated ground has a vsock device for it"
fi

# ---- libvirtd goes and comes ----

returns() { # WORDS: ready within 5 s of the first connection that libvirtd accepts
    wait_for 60 libvirt_answers
    began=$(now)
    wait_for 30 vms_ready 6
    check "$1: all are back within 5 s" within 5000
}

libvirt_end TERM
libvirt_launch
returns "restarted"
libvirt_end KILL
sleep 15 # their figures are asked for every ten
check "killed: that is said" wait_for 10 says vm1 driver_state libvirt
check "... and the footprint goes on" is_more_than vm1 waterfall.footprint 0
libvirt_launch
returns "killed"
kill -STOP "$libvirt_pid"
sleep 60
check "stopped: that is said" says vm1 driver_state answer
kill -CONT "$libvirt_pid"
returns "stopped for a minute"
echo "        $(threads) threads"

# ---- a QEMU that hangs ----

kill -STOP "$(domain_pid vm6)"
check "its QEMU is stopped: that is said" wait_for 30 says vm6 driver_state 'stopped (T)'
check "the others answer" vms_ready 5
check "nobody's call waits in it" test "$(virsh domcontrol vm6 | head -n 1)" = ok
began=$(now)
virsh dommemstat vm2 >/dev/null
check "libvirt serves others at once" within 1000
kill -CONT "$(domain_pid vm6)"
began=$(now)
wait_for 20 vms_ready 6
check "it goes on: it is back within 5 s" within 5000
controller_kill

# ---- a session's libvirt, of another user ----

session=$lab_run/session
mkdir -p "$session/run" "$session/drivers" "$session/vms" "$session/state"
cp "$LAB_BUILD/controller/vmreclaimd" "$session/"
cp "$LAB_BUILD"/controller/hypervisors/libvirt.so "$session/drivers/"
chmod 711 "$lab_run"
chown -R nobody "$session"

as_nobody() { # COMMAND...
    setpriv --reuid nobody --clear-groups env HOME="$session" XDG_RUNTIME_DIR="$session/run" "$@"
}

as_nobody "$libvirt_daemon" -d </dev/null >"$LAB_RESULTS/session.out" 2>&1
socket=$session/run/libvirt/libvirt-sock
[[ ${libvirt_daemon##*/} == libvirtd ]] || socket=${socket%/*}/${libvirt_daemon##*/}-sock
libvirt_uri="qemu+unix:///session?socket=$socket"
wait_for 30 libvirt_answers || cat "$LAB_RESULTS/session.out"
cat >"$session/own.xml" <<'XML'
<domain type='qemu'><name>own</name><memory unit='MiB'>64</memory>
<os><type arch='x86_64' machine='q35'>hvm</type></os><devices/></domain>
XML
virsh create "$session/own.xml" >/dev/null
own_pid=$(cat "$session/run/libvirt/qemu/run/own.pid")
libvirt_controller_start --libvirt "$libvirt_uri"
check "a session's domain is found with its process" wait_for 20 is own pid "$own_pid"
controller_kill
as_nobody "$session/vmreclaimd" --drivers "$session/drivers" --listen none \
    --api "unix:$session/api" --vms "$session/vms" --state-directory "$session/state" \
    --find-processes no --libvirt qemu:///session </dev/null >>"$LAB_RESULTS/session.log" 2>&1 &
VMRECLAIM_API=unix:$session/api
check "... also by its own user, as qemu:///session" wait_for 20 is own pid "$own_pid"
lab_verdict
