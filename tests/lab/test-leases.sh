#!/bin/bash
# Balloon leases against real hypervisors: whatever happens to a guest that gave memory, it ends with
# the right size, and events, log or command line say what happened. Sizes are read from vmreclaim
# and, over a QMP socket of its own, from QEMU.
# usage: tests/lab/run tests/lab/test-leases.sh
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
qmp=$LAB_BUILD/tests/lab/qmp

# ---- what both sides say ----

field() { # GUEST FIELD
    vmreclaim --json vm show "$1" | jq -r ".vm.$2 // 0"
}

state_is() { # GUEST STATE
    [[ $(field "$1" state) == "$2" ]]
}

lease_is() { # GUEST MIB
    [[ $(field "$1" balloon_lease) == $(($2 * MiB)) ]]
}

actual_of() { # GUEST: as QEMU says
    "$qmp" "$lab_run/$1.second" query-balloon | sed -E 's/.*"actual": ([0-9]+).*/\1/'
}

actual_is() { # GUEST MIB
    local actual
    actual=$(actual_of "$1")
    ((actual >= ($2 - 2) * MiB && actual <= ($2 + 2) * MiB))
}

no_oom_kill() { # GUEST
    [[ $(guest_run "$1" 'grep ^oom_kill /proc/vmstat') == 'oom_kill 0' ]]
}

# ---- messages ----

events=$LAB_RESULTS/events.json
since=0

# From here on `said` looks.
mark() {
    since=$(wc -l <"$events")
}

has_said() { # PATTERN
    tail -n "+$((since + 1))" "$events" | grep -qE "$1"
}

said() { # SECONDS PATTERN
    wait_for "$1" has_said "$2"
}

# time_of PATTERN: when the first such event since the mark was sent, in milliseconds.
time_of() {
    tail -n "+$((since + 1))" "$events" | grep -m 1 -E "$1" | jq -r .time_ns |
        awk '{ printf "%.0f\n", $1 / 1000000 }'
}

# qemu_time_of GUEST PATTERN: when QEMU sent the first such event after line $qemu_since.
qemu_time_of() {
    tail -n "+$((qemu_since + 1))" "$LAB_RESULTS/$1.qmp-events" | grep -m 1 -E "$2" |
        jq -r '.timestamp.seconds * 1000 + (.timestamp.microseconds / 1000 | floor)'
}

# ---- guests ----

# overcommit NAME: in this boot a hog gets what it asks for.
overcommit() {
    guest_run "$1" 'echo 1 >/proc/sys/vm/overcommit_memory'
}

# boot NAME CID MIB [QEMU-OPTION...]: with QMP sockets for a second client and for a watcher.
boot() {
    guest_boot "$1" "$2" "$3" any -action reboot=reset \
        -qmp "unix:$lab_run/$1.second,server=on,wait=off" \
        -qmp "unix:$lab_run/$1.watch,server=on,wait=off" "${@:4}" || {
        echo "guest $1 did not boot"
        exit 75
    }
    "$qmp" "$lab_run/$1.watch" watch >"$LAB_RESULTS/$1.qmp-events" &
    overcommit "$1"
    vm_describe "$1" "$2"
    echo 'floor: 256MiB' >>"$lab_run/vms/$1.yaml"
    agent_start "$1"
}

# ready NAME: managed, and read lately.
ready() {
    [[ $(vmreclaim --json vm show "$1" | jq -r '.vm | "\(.state) \(.waterfall.guest_is_known)"') == 'managed true' ]]
}

take() { # GUEST MIB [OPTION...]: leaves the guest that much
    vmreclaim balloon "$1" "$2MiB" "${@:3}" >"$lab_run/balloon.out" 2>&1 || {
        sed 's/^/        /' "$lab_run/balloon.out"
        return 1
    }
}

give_back() { # GUEST
    vmreclaim release "$1" >"$lab_run/balloon.out" 2>&1 || {
        sed 's/^/        /' "$lab_run/balloon.out"
        return 1
    }
}

refuses() { # PATTERN COMMAND...: it fails and says so
    local pattern=$1 output
    shift
    ! output=$("$@" 2>&1) || return 1
    grep -qE "$pattern" <<<"$output" || {
        echo "        said: $output"
        return 1
    }
}

# back NAME MIB: no lease, and QEMU has the whole size again.
back() {
    lease_is "$1" 0 && actual_is "$1" "$2"
}

# ---- what happens ----

a_lease() {
    check "a lease is taken" take a 416
    check "the guest has what was left" actual_is a 416
    check "and the lease is shown" lease_is a 96
    check "and released" give_back a
    check "the guest has it all again" wait_for 20 back a 512
    check "nothing is taken below the floor" refuses 'keeps at least' vmreclaim balloon a 200MiB
}

a_pause() {
    take a 416
    mark
    "$qmp" "$lab_run/a.second" stop >"$lab_run/qmp.out"
    check "pause: the VM is paused" wait_for 10 state_is a paused
    check "pause: said" said 5 'paused, was'
    check "pause: nothing is decided for it" refuses 'paused' vmreclaim balloon a 400MiB
    check "pause: the lease stays" lease_is a 96
    mark
    "$qmp" "$lab_run/a.second" cont >"$lab_run/qmp.out"
    check "resume: managed again" wait_for 20 state_is a managed
    check "resume: said" said 5 'managed, was'
    check "resume: the lease is still held" lease_is a 96
    check "resume: so is the memory" actual_is a 416
    give_back a
    check "resume: and given back when asked" wait_for 20 back a 512
}

a_foreign_change() {
    take a 416
    sleep 4 # what comes within seconds of our own command may be late news of it
    mark
    "$qmp" "$lab_run/a.second" balloon "{\"value\": $((456 * MiB))}" >"$lab_run/qmp.out"
    check "foreign: we yield" wait_for 20 lease_is a 0
    check "foreign: said" said 5 'someone else moves the balloon'
    sleep 3
    check "foreign: the other's size stays" actual_is a 456
    check "foreign: it is the new baseline" test "$(field a balloon_baseline)" -eq $((456 * MiB))
    "$qmp" "$lab_run/a.second" balloon "{\"value\": $((512 * MiB))}" >"$lab_run/qmp.out"
    check "foreign: and so is the next one" wait_for 20 actual_is a 512
    sleep 2
}

a_reset() {
    take a 416
    mark
    "$qmp" "$lab_run/a.second" system_reset >"$lab_run/qmp.out"
    check "reset: the lease ends" wait_for 10 lease_is a 0
    check "reset: said" said 5 'was reset, migrated or restored: its leases end'
    guest_wait a || {
        echo "the guest did not boot again"
        exit 75
    }
    overcommit a
    check "reset: the new boot has all its memory" wait_for 30 actual_is a 512
    check "reset: its kernel says so too" test "$(guest_meminfo a MemAvailable)" -gt $((360 * MiB))
    agent_start a
    check "reset: managed again" wait_for 30 ready a
}

# A guest at its floor that needs everything at once.
sudden_need() {
    local pressure told grown
    check "need: down to the floor" take a 256
    mark
    qemu_since=$(wc -l <"$LAB_RESULTS/a.qmp-events")
    guest_run a 'workload hog 330000000 >/tmp/hog 2>&1 & echo $! >/tmp/hog.pid'
    check "need: the lease ends" wait_for 90 lease_is a 0
    check "need: pressure is said" said 10 '"kind":"pressure"'
    check "need: and what is done" said 10 'the guest needs memory: its leases end'
    check "need: it has all its memory" wait_for 30 actual_is a 512
    check "need: the program has its memory" wait_for 30 guest_run a 'grep -q ready /tmp/hog'
    check "need: nothing was killed" no_oom_kill a
    pressure=$(time_of '"kind":"pressure"')
    told=$(time_of 'the guest has its memory back')
    grown=$(qemu_time_of a BALLOON_CHANGE)
    echo "        pressure event at $pressure ms; target raised after $((told - pressure)) ms, QEMU saw the" \
        "guest grow after $((grown - pressure)) ms"
    check "need: raised within 1 s of the event" test $((told - pressure)) -le 1000
    guest_run a 'read -r pid </tmp/hog.pid; kill "$pid"; true'
    sleep 3
}

# Out of memory with a lease held: with deflate-on-oom the balloon gives way, without it the kernel
# kills; either way the guest gets its memory back and the messages say which it was.
oom_with_deflate() {
    take a 416
    mark
    guest_run a 'workload hog 700000000 >/tmp/hog 2>&1; true'
    check "oom: the lease ends" wait_for 10 lease_is a 0
    check "oom: said" said 5 'the guest needs memory'
    check "oom: all memory is back" wait_for 20 actual_is a 512
    check "oom: more than all memory still kills" guest_run a 'dmesg | grep -q "Out of memory"'
    check "oom: and that is said" said 10 'a process was killed'
}

oom_without_deflate() {
    mark
    take b 560
    guest_run b 'workload hog 900000000 >/tmp/hog 2>&1; true'
    check "oom without deflate: the lease ends" wait_for 10 lease_is b 0
    check "oom without deflate: said" said 5 'the guest needs memory'
    check "oom without deflate: a kill is said" said 10 'a process was killed'
    check "oom without deflate: all memory is back" wait_for 20 actual_is b 640
}

job_is_done() { # GUEST JOB
    "$qmp" "$lab_run/$1.second" query-jobs | grep -qE "\"status\": \"concluded\"[^}]*\"id\": \"$2\"|\"id\": \"$2\"[^}]*\"status\": \"concluded\""
}

job() { # GUEST NAME COMMAND ARGUMENTS: starts it and waits
    "$qmp" "$lab_run/$1.second" "$3" "{\"job-id\": \"$2\", $4}" >>"$lab_run/qmp.out" &&
        wait_for 60 job_is_done "$1" "$2"
    "$qmp" "$lab_run/$1.second" query-jobs >>"$LAB_RESULTS/jobs"
    "$qmp" "$lab_run/$1.second" job-dismiss "{\"id\": \"$2\"}" >>"$lab_run/qmp.out"
}

# A snapshot without a lease, gone back to with one; then one with a lease, gone back to without.
a_snapshot() {
    local second=$lab_run/a.second file=$lab_run/snapshot.qcow2 nodes='"vmstate": "snap", "devices": ["snap"]'
    job a file blockdev-create '"options": {"driver": "file", "filename": "'"$file"'", "size": 0}'
    "$qmp" "$second" blockdev-add '{"driver": "file", "node-name": "file", "filename": "'"$file"'"}' >>"$lab_run/qmp.out"
    job a format blockdev-create '"options": {"driver": "qcow2", "file": "file", "size": 1048576}'
    "$qmp" "$second" blockdev-add '{"driver": "qcow2", "node-name": "snap", "file": "file"}' >>"$lab_run/qmp.out"
    check "snapshot: saved without a lease" job a save1 snapshot-save '"tag": "whole", '"$nodes"
    take a 416
    check "snapshot: saved with a lease" job a save2 snapshot-save '"tag": "less", '"$nodes"
    mark
    check "snapshot: gone back" job a load1 snapshot-load '"tag": "whole", '"$nodes"
    check "snapshot: the lease ends" wait_for 20 lease_is a 0
    check "snapshot: said" said 5 'went back to a snapshot'
    check "snapshot: why, too" said 5 'reset, migrated or restored: its leases end'
    check "snapshot: all memory is there" wait_for 20 actual_is a 512
    check "snapshot: managed again" wait_for 30 ready a
    mark
    check "snapshot: gone back to the lease" job a load2 snapshot-load '"tag": "less", '"$nodes"
    check "snapshot: the balloon that came with it is said" said 20 'it gets the rest back'
    check "snapshot: and emptied" wait_for 30 actual_is a 512
    check "snapshot: the VM is known as restored" test "$(field a host.restored)" == true
    check "snapshot: managed once more" wait_for 30 ready a
    # The monitor's own command, which no event tells of: only the guest's clock goes back.
    take a 416
    mark
    "$qmp" "$second" human-monitor-command '{"command-line": "loadvm whole"}' >>"$LAB_RESULTS/jobs"
    check "loadvm: the lease ends" wait_for 30 lease_is a 0
    check "loadvm: said" said 5 'went back to a snapshot'
    check "loadvm: all memory is there" wait_for 20 back a 512
    check "loadvm: managed again" wait_for 30 ready a
}

has_migrated() { # GUEST
    "$qmp" "$lab_run/$1.second" query-migrate | grep -q '"status": "completed"'
}

# move FROM TO CID: into another hypervisor of this host, which keeps its process until told.
move() {
    guest_start "$2" "$3" 640 any -action reboot=reset \
        -qmp "unix:$lab_run/$2.second,server=on,wait=off" \
        -qmp "unix:$lab_run/$2.watch,server=on,wait=off" -incoming "unix:$lab_run/$2.migration"
    wait_for 20 test -S "$lab_run/$2.migration" &&
        "$qmp" "$lab_run/$1.second" migrate "{\"uri\": \"unix:$lab_run/$2.migration\"}" >"$lab_run/qmp.out" &&
        wait_for 90 has_migrated "$1"
}

# arrived NAME CID: the VM b is there now.
arrived() {
    sed -i "s/^cid: .*/cid: $2/; s|^hypervisor: .*|hypervisor: qemu:$lab_run/$1.qmp|; s|^agent: .*|agent: $(agent_address "$1")|" \
        "$lab_run/vms/b.yaml"
}

# With a lease held, a guest moves into another hypervisor; then once more while the daemon is away.
a_migration() {
    take b 560
    mark
    check "migration: the guest moves" move b c 5
    check "migration: the lease ends" wait_for 10 lease_is b 0
    check "migration: said" said 5 'migrating, was managed'
    check "migration: and why it ends" said 5 'reset, migrated or restored: its leases end'
    check "migration: it arrives with all its memory" wait_for 20 actual_is c 640
    check "migration: nothing is decided for what it left" state_is b migrating
    guest_stop b
    arrived c 5
    check "migration: managed again" wait_for 40 ready b
    check "migration: it is known to have arrived" test "$(field b host.migrated_in)" == true
    take b 560
    check "migration: a lease is taken there" actual_is c 560
    controller_kill
    check "migration: it moves while the daemon is away" move c d 6
    guest_stop c
    arrived d 6
    start
    check "migration: it gets back what came along" wait_for 40 actual_is d 640
    check "migration: that is said" grep -q 'came into process' "$LAB_RESULTS/vmreclaimd.log"
    check "migration: no lease is left" wait_for 10 lease_is b 0
    guest_stop d
    boot b 4 640
    arrived b 4
    check "migration: guest b is managed" wait_for 40 ready b
}

holds() { # GUEST MIB: resumed, and not only waiting
    lease_is "$1" "$2" && ready "$1"
}

is_running() { # GUEST
    "$qmp" "$lab_run/$1.second" query-status | grep -q '"status": "running"'
}

is_saved() { # GUEST
    has_migrated "$1" && [[ -s $lab_run/saved-guest ]]
}

# Saved with a lease held, which is given back since: what is restored has the balloon of then.
a_saved_guest() {
    take b 560
    controller_kill
    "$qmp" "$lab_run/b.second" migrate "{\"uri\": \"exec:cat >$lab_run/saved-guest\"}" >"$lab_run/qmp.out"
    check "saved: with a lease, while the daemon is away" wait_for 90 is_saved b
    "$qmp" "$lab_run/b.second" cont >"$lab_run/qmp.out"
    start
    check "saved: the lease goes on" wait_for 40 holds b 80
    give_back b
    check "saved: and is given back" wait_for 20 back b 640
    guest_stop b
    mark
    guest_start e 7 640 any -action reboot=reset -qmp "unix:$lab_run/e.second,server=on,wait=off" \
        -incoming "exec:cat $lab_run/saved-guest"
    wait_for 20 test -S "$lab_run/e.second"
    check "saved: it is restored" wait_for 60 is_running e
    check "saved: with the balloon of then" actual_is e 560
    arrived e 7
    check "saved: what is restored gets all of it" wait_for 60 actual_is e 640
    check "saved: that is said" said 10 'the balloon of an earlier lease'
    check "saved: it is no baseline" wait_for 20 test "$(field b balloon_baseline)" -eq $((640 * MiB))
    guest_stop e
    boot b 4 640
    arrived b 4
    check "saved: guest b is managed" wait_for 40 ready b
}

# Another client holds our socket; first while we know the VM, then from the start.
a_held_socket() {
    local holder
    take a 416
    controller_kill
    "$qmp" "$lab_run/a.qmp" watch >"$lab_run/holder.out" &
    holder=$!
    check "held socket: another client has it" wait_for 5 grep -q ready "$lab_run/holder.out"
    start
    check "held socket: said what it is" wait_for 20 driver_says a 'serves one client at a time'
    check "held socket: the lease waits" wait_for 5 lease_is a 96
    check "held socket: the guest keeps its size" actual_is a 416
    check "held socket: what cannot be done is refused" refuses 'one client at a time' \
        vmreclaim balloon a 400MiB
    kill "$holder"
    # Who owes memory tries such a socket every 30 to 60 s (controller/vms/hypervisor.c).
    check "held socket: free again, ready" wait_for 70 driver_says a '^ready'
    check "held socket: the lease is resumed" wait_for 10 lease_is a 96
    give_back a
    check "held socket: and given back" wait_for 20 back a 512
}

driver_says() { # GUEST PATTERN
    field "$1" driver_state | grep -qE "$2"
}

a_killed_hypervisor() {
    local old=${guest_pids[b]}
    take b 560
    mark
    guest_stop b
    check "killed: said" said 10 "hypervisor process $old ended"
    check "killed: the lease ends, said" said 10 'a lease of .* ends'
    check "killed: no lease is left" wait_for 10 lease_is b 0
    check "killed: the VM waits to be found again" wait_for 10 state_is b discovered
    boot b 4 640
    check "killed: its successor is managed" wait_for 40 ready b
    check "killed: with all its memory" back b 640
}

# The daemon, and all that it says.
start() {
    controller_start
    check "the API is there" wait_for 20 answers
    mark
    vmreclaim --json events -f >>"$events" 2>/dev/null &
}

answers() {
    vmreclaim status >/dev/null 2>&1
}

scenes=("$@")
(($# > 0)) || scenes=(a_lease a_pause a_foreign_change a_reset sudden_need oom_with_deflate
    oom_without_deflate a_snapshot a_migration a_saved_guest a_held_socket a_killed_hypervisor)
# The vsock device of the emulated ground can be neither saved nor migrated.
[[ " ${scenes[*]} " =~ ' a_'(snapshot|migration|saved_guest)' ' ]] && guest_serial=yes
# An emulated TSC never goes back (QEMU 7.2, cpu_get_ticks in softmmu/cpu-timers.c), as a real one does
# with a snapshot: a guest that keeps its time by it would not know that it went back.
guest_deflate=on guest_append=clocksource=acpi_pm boot a 3 512
boot b 4 640
touch "$events"
start
check "guest a is managed" wait_for 40 ready a
check "guest b is managed" wait_for 40 ready b

for scene in "${scenes[@]}"; do
    "$scene"
done
lab_verdict
