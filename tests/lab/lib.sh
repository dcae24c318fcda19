# shellcheck shell=bash
# For scripts that tests/lab/run runs on one of its grounds: guests, agents and the controller by
# name. Sourced, not run. Everything lives in $lab_run (sockets, pids) and $LAB_RESULTS (logs), and
# ends with the script. Sizes are bytes unless a name says otherwise.
#
# $LAB_GROUND is kvm, emulated or nested, see README.md. Scripts need not ask: the ground decides how
# a guest is run and how its agent and the controller meet.
set -uo pipefail

# shellcheck source=tests/lab/checks.sh
. "$LAB_SOURCE/tests/lab/checks.sh"

lab_run=$(mktemp -d "${XDG_RUNTIME_DIR:-/tmp}/vmreclaim-lab.XXXXXX")
lab_exec=$LAB_BUILD/tests/lab/guest-exec
export VMRECLAIM_API=unix:$lab_run/api.sock
declare -A guest_pids=() guest_links=() guest_backings=() guest_sizes=()
guest_launch=() # words before QEMU's command line
controller_pid=''
lab_beside=() # other processes of the script, which end with it

# A lab host ends with its script, and everything in it: killing guests there has hung its emulated
# CPU. On the machine itself they are ours to end.
lab_finish() {
    local name
    [[ -z ${LAB_HOST_ENDS:-} ]] || return 0
    ((${#lab_beside[@]} == 0)) || kill "${lab_beside[@]}" 2>/dev/null
    [[ -z $controller_pid ]] || controller_kill
    for name in "${!guest_pids[@]}"; do
        guest_stop "$name"
    done
    rm -rf "$lab_run"
}
trap lab_finish EXIT

# ---- what the ground can do ----

# $lab_pace is measured at the start, and again by each boot of a guest.
lab_quiet_loop=700  # ms of the loop below on a quiet machine, both its copies
lab_quiet_boot=4000 # ms until an emulated guest takes commands

lab_raise_pace() { # MILLISECONDS QUIET-MILLISECONDS
    local pace=$(($1 * 100 / $2))
    ((pace <= lab_pace)) || lab_pace=$pace
}

lab_measure_pace() {
    local begin i
    begin=$(now)
    for ((i = 0; i < 150000; i++)); do :; done &
    for ((i = 0; i < 150000; i++)); do :; done
    wait "$!"
    lab_raise_pace $(($(now) - begin)) "$lab_quiet_loop"
}

# Whether a figure that was missed says more about the machine than about what was measured.
lab_is_busy() {
    local load
    read -r load _ </proc/loadavg
    ((lab_pace >= 200)) || awk -v load="$load" -v cpus="$(nproc)" 'BEGIN { exit !(load > 2 * cpus) }'
}

# lab_too_busy WORDS: ends the script with 75: there is no figure, and why.
lab_too_busy() {
    local load
    read -r load _ </proc/loadavg
    echo "too busy: $*; load $load on $(nproc) CPUs, $lab_pace % of a quiet machine's time"
    exit 75
}

# elapsed: seconds since the script began.
elapsed() {
    echo $((($(now) - lab_began) / 1000))
}

# ---- guests ----

# How the guest's agent and the controller meet: "vhost" is the host's AF_VSOCK, "hybrid" a vsock
# device of ours, which needs memory that it can share, "serial" a virtio-serial port.
guest_link() { # BACKING
    if [[ $LAB_GROUND != emulated ]]; then
        echo vhost
    elif [[ $1 == memfd && -z ${guest_serial:-} ]]; then
        echo hybrid
    else
        echo serial
    fi
}

# The options of QEMU for that, into $link_options.
link_options() { # NAME CID
    case ${guest_links[$1]} in
        vhost) link_options=(-device "vhost-vsock-pci,guest-cid=$2") ;;
        hybrid)
            "$LAB_BUILD/tests/lab/vsock-device/vsock-device" --cid "$2" --vhost "$lab_run/$1.vhost" \
                --hybrid "$lab_run/$1.vsock" </dev/null >>"$LAB_RESULTS/$1.vsock-device" 2>&1 &
            wait_for 10 test -S "$lab_run/$1.vhost" || echo "lab: no vsock device for $1" >&2
            link_options=(-chardev "socket,id=vsock,path=$lab_run/$1.vhost"
                -device "vhost-user-vsock-pci,chardev=vsock")
            ;;
        serial)
            link_options=(-device "virtserialport,chardev=agent,name=lab.agent"
                -chardev "socket,id=agent,path=$lab_run/$1.agent,server=on,wait=off")
            ;;
    esac
}

# guest_start NAME CID MEMORY-MIB BACKING [QEMU-OPTION...]: BACKING is "memfd", "anon" (with the
# host's transparent huge pages), "any" (whichever is faster on this ground), or "hugetlb" with
# $guest_huge_page (2M) from the host's pool. Reporting is on; guest_reporting=off turns it off;
# guest_deflate=on lets the balloon deflate when the guest is out of memory; guest_serial=yes has the
# agent behind a virtio-serial port, which unlike the vsock device can be saved and migrated. The QMP
# socket is $lab_run/NAME.qmp. $guest_kernel, $guest_initrd and $guest_append (more words for the
# kernel) say what is booted. Without no_timer_check an emulated guest of a busy machine panics: its
# timer seems not to tick. Returns at once; see guest_wait and guest_boot.
guest_start() {
    local name=$1 cid=$2 memory=$3 backing=$4 link_options
    local object=memory-backend-ram,id=ram,size=${memory}M
    local processor=(-accel kvm -cpu host)
    shift 4
    [[ $LAB_ACCELERATOR == kvm ]] || processor=(-accel "tcg,thread=multi,tb-size=64" -cpu qemu64)
    if [[ $backing == any ]]; then
        [[ $LAB_GROUND == emulated ]] && backing=memfd || backing=anon
    fi
    [[ $backing != memfd ]] || object=memory-backend-memfd,id=ram,size=${memory}M,share=on
    [[ $backing != hugetlb ]] || object=memory-backend-memfd,id=ram,size=${memory}M,share=on,hugetlb=on,hugetlbsize=${guest_huge_page:-2M}
    guest_backings[$name]=$backing
    guest_sizes[$name]=$memory
    guest_links[$name]=$(guest_link "$backing")
    link_options "$name" "$cid"
    "${guest_launch[@]}" qemu-system-x86_64 -name "$name" "${processor[@]}" -smp "${guest_cpus:-1}" \
        -m "$memory" -machine q35,memory-backend=ram -object "$object" \
        -nodefaults -display none -no-reboot -serial "file:$LAB_RESULTS/$name.console" \
        -device virtio-serial-pci -device virtserialport,chardev=exec,name=lab.exec \
        -chardev "socket,id=exec,path=$lab_run/$name.exec,server=on,wait=off" \
        "${link_options[@]}" \
        -device "virtio-balloon-pci,id=balloon0,free-page-reporting=${guest_reporting:-on},deflate-on-oom=${guest_deflate:-off}" \
        -qmp "unix:$lab_run/$name.qmp,server=on,wait=off" \
        -kernel "${guest_kernel:-$LAB_GUEST_KERNEL}" -initrd "${guest_initrd:-$LAB_RESULTS/guest.initrd}" \
        -append "console=ttyS0 panic=-1 quiet no_timer_check ${guest_append:-}" "$@" \
        </dev/null >"$LAB_RESULTS/$name.qemu" 2>&1 &
    guest_pids[$name]=$!
    # Emulated nested guests that wander between CPUs sometimes die while booting.
    [[ $LAB_GROUND != nested ]] || taskset -apc $((cid % $(nproc))) "$!" >/dev/null
}

# guest_wait NAME: until it takes commands, at most $guest_boot_timeout (45) seconds.
guest_wait() {
    local begin
    begin=$(now)
    wait_for 10 test -S "$lab_run/$1.exec" &&
        guest_timeout=$((${guest_boot_timeout:-45} * lab_pace / 100)) guest_run "$1" true || return
    lab_raise_pace $(($(now) - begin)) "$lab_quiet_boot"
}

# guest_boot, as guest_start: returns when it takes commands. Emulated nested guests sometimes hang
# while booting, so there it tries three times.
guest_boot() {
    local try tries=1
    [[ $LAB_GROUND != nested ]] || tries=3
    for ((try = 1; try <= tries; try++)); do
        guest_start "$@"
        ! guest_wait "$1" || return 0
        echo "lab: guest $1 did not boot, try $try of $tries" >&2
        guest_stop "$1"
    done
    return 1
}

# guest_run NAME COMMAND: its output and exit status; 124 after $guest_timeout (120) seconds. What
# the command starts in the background goes on.
guest_run() {
    "$lab_exec" run "$lab_run/$1.exec" "${guest_timeout:-120}" "$2"
}

guest_stop() {
    kill -KILL "${guest_pids[$1]}" 2>/dev/null
    wait "${guest_pids[$1]}" 2>/dev/null
    unset "guest_pids[$1]"
    rm -f "$lab_run/$1".*
}

# guest_footprint NAME: what the guest's hypervisor holds of the host, as the kernel counts it for
# the process. Knows nothing of vmreclaim: the measure for everything that vmreclaim says. An
# emulator's translated code is anonymous memory of its own, so there the guest's alone counts: what
# is shared, or the mapping of the guest's size.
guest_footprint() {
    local process=/proc/${guest_pids[$1]}
    if [[ $LAB_ACCELERATOR == kvm ]]; then
        awk '/^Rss(Anon|Shmem):/ { sum += $2 } END { printf "%.0f\n", sum * 1024 }' "$process/status"
    elif [[ ${guest_backings[$1]} == memfd ]]; then
        awk '/^RssShmem:/ { printf "%.0f\n", $2 * 1024 }' "$process/status"
    else
        awk -v size="$((guest_sizes[$1] * 1024))" '/^[0-9a-f]+-[0-9a-f]+ / { inside = 0 }
            $1 == "Size:" && $2 == size { inside = 1 }
            $1 == "Rss:" && inside { printf "%.0f\n", $2 * 1024; exit }' "$process/smaps"
    fi
}

# guest_meminfo NAME KEY: of /proc/meminfo, in bytes.
guest_meminfo() {
    guest_run "$1" "awk '/^$2:/ { printf \"%.0f\\n\", \$2 * 1024 }' /proc/meminfo"
}

# guest_hold NAME WORKLOAD...: starts a workload that holds memory; returns when it holds it.
guest_hold() {
    local name=$1
    shift
    guest_run "$name" "rm -f /tmp/hold; workload $* >/tmp/hold 2>&1 & echo \$! >/tmp/hold.pid
        until grep -q . /tmp/hold; do sleep 0.1; done; grep -qx ready /tmp/hold || { cat /tmp/hold; false; }"
}

# guest_release NAME: ends it, and returns when its memory is free.
# shellcheck disable=SC2016 # the guest expands it
guest_release() {
    guest_run "$1" 'read -r pid </tmp/hold.pid; kill "$pid"
        while [ -d "/proc/$pid" ]; do sleep 0.02; done'
}

# guest_fragment NAME: a held "fragment-later" workload frees every second page.
guest_fragment() {
    guest_run "$1" 'xargs kill </tmp/hold.pid; until grep -qx fragmented /tmp/hold; do sleep 0.1; done'
}

# ---- agents ----

# The options with which the agent and the controller meet.
agent_link() { # NAME
    case ${guest_links[$1]} in
        vhost) ;; # the agent's default: it dials
        hybrid) echo '--listen vsock:any:1017' ;;
        serial) echo '--listen unix:/run/agent.sock' ;;
    esac
}

# agent_address NAME: where the controller, or agent-probe, meets it.
agent_address() {
    case ${guest_links[$1]} in
        vhost) echo vsock:any:1017 ;;
        hybrid) echo "hybrid:$lab_run/$1.vsock:1017" ;;
        serial) echo "unix:$lab_run/$1.agent" ;;
    esac
}

# agent_start NAME [ARGUMENT...]: in the guest, logging to /tmp/agent.log there. With --connect among
# the arguments it is these alone that say whom it meets.
agent_start() {
    local name=$1 link=''
    shift
    if [[ " $*" != *' --connect '* ]]; then
        link=$(agent_link "$name")
        [[ ${guest_links[$name]} != serial ]] || guest_run "$name" \
            'pidof serial-relay >/dev/null || setsid serial-relay lab.agent /run/agent.sock >>/tmp/relay.log 2>&1 &'
    fi
    guest_run "$name" "mkdir -p /var/lib/vmreclaim-agent
        setsid vmreclaim-agent-static $link $* >>/tmp/agent.log 2>&1 & echo \$! >/tmp/agent.pid"
}

# Returns when it has gone: the next one would find its state locked.
# shellcheck disable=SC2016 # the guest expands it
agent_kill() {
    guest_run "$1" 'read -r pid </tmp/agent.pid; kill -KILL "$pid"
        while [ -d "/proc/$pid" ]; do sleep 0.02; done'
}

agent_log() {
    guest_run "$1" 'cat /tmp/agent.log'
}

# ---- controller ----

# vm_describe NAME CID [POLICY-FILE]: the file that tells the controller of a guest.
vm_describe() {
    mkdir -p "$lab_run/vms"
    {
        echo "name: $1"
        case ${guest_links[$1]:-vhost} in
            vhost) echo "cid: $2" ;;
            *) echo "agent: $(agent_address "$1")" ;;
        esac
        echo "hypervisor: qemu:$lab_run/$1.qmp"
        [[ -z ${3:-} ]] || echo "policy: $3"
    } >"$lab_run/vms/$1.yaml"
}

# On the machine itself the controller only dials: AF_VSOCK there belongs to whoever runs the machine.
# `lab_controller` names another daemon of the build.
controller_start() {
    local listen=()
    [[ $LAB_GROUND != emulated ]] || listen=(--listen none)
    mkdir -p "$lab_run/vms" "$lab_run/state"
    "$LAB_BUILD/controller/${lab_controller:-vmreclaimd}" "${listen[@]}" --find-processes no --libvirt none --api "$VMRECLAIM_API" --vms "$lab_run/vms" \
        --state-directory "$lab_run/state" --sample-interval 2s "$@" </dev/null >>"$LAB_RESULTS/vmreclaimd.log" 2>&1 &
    controller_pid=$!
}

controller_kill() {
    kill -KILL "$controller_pid"
    wait "$controller_pid" 2>/dev/null
    controller_pid=''
}

vmreclaim() {
    "$LAB_BUILD/controller/vmreclaim" "$@"
}

# connected NAME: its agent answers through the controller.
connected() {
    vmreclaim ping "$1" >/dev/null 2>&1
}

lab_began=$(now)
lab_measure_pace
