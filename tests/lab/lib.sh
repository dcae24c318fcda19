# shellcheck shell=bash
# For scripts that tests/lab/run runs in the lab host: guests, agents and the controller by name.
# Sourced, not run. Everything lives in $lab_run (sockets, pids) and $LAB_RESULTS (logs), and ends
# with the script. Sizes are bytes unless a name says otherwise.
set -uo pipefail

lab_run=$(mktemp -d "${XDG_RUNTIME_DIR:-/run}/vmreclaim-lab.XXXXXX")
lab_exec=$LAB_BUILD/tests/lab/guest-exec
export VMRECLAIM_API=unix:$lab_run/api.sock
declare -A guest_pids=()
controller_pid=''

# A lab host ends with its script, and everything in it: killing guests there has hung its emulated
# CPU. On a machine that runs guests itself they are ours to end.
lab_finish() {
    local name
    [[ -z ${LAB_HOST_ENDS:-} ]] || return 0
    [[ -z $controller_pid ]] || controller_kill
    for name in "${!guest_pids[@]}"; do
        guest_stop "$name"
    done
    rm -rf "$lab_run"
}
trap lab_finish EXIT

# now: milliseconds of a clock that only goes forward.
now() {
    local up
    read -r up _ </proc/uptime
    echo "${up/./}0"
}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails when the time is over.
wait_for() {
    local deadline=$(($(now) + $1 * 1000))
    shift
    until "$@"; do
        (($(now) < deadline)) || return 1
        sleep 0.1
    done
}

# ---- guests ----

# guest_start NAME CID MEMORY-MIB BACKING [QEMU-OPTION...]: BACKING is "anon" (with the host's
# transparent huge pages), "memfd", or "hugetlb" with $guest_huge_page (2M) from the host's pool.
# Reporting is on; guest_reporting=off turns it off; guest_deflate=on lets the balloon deflate when
# the guest is out of memory. The QMP socket is $lab_run/NAME.qmp. Returns at once; see guest_wait
# and guest_boot.
guest_start() {
    local name=$1 cid=$2 memory=$3 backing=$4
    local object=memory-backend-ram,id=ram,size=${memory}M
    shift 4
    [[ $backing != memfd ]] || object=memory-backend-memfd,id=ram,size=${memory}M,share=on
    [[ $backing != hugetlb ]] || object=memory-backend-memfd,id=ram,size=${memory}M,share=on,hugetlb=on,hugetlbsize=${guest_huge_page:-2M}
    qemu-system-x86_64 -name "$name" -accel kvm -cpu host -smp "${guest_cpus:-1}" \
        -m "$memory" -machine q35,memory-backend=ram -object "$object" \
        -nodefaults -display none -no-reboot -serial "file:$LAB_RESULTS/$name.console" \
        -device "vhost-vsock-pci,guest-cid=$cid" \
        -device "virtio-balloon-pci,id=balloon0,free-page-reporting=${guest_reporting:-on},deflate-on-oom=${guest_deflate:-off}" \
        -qmp "unix:$lab_run/$name.qmp,server=on,wait=off" \
        -device virtio-serial-pci -device virtserialport,chardev=exec,name=lab.exec \
        -chardev "socket,id=exec,path=$lab_run/$name.exec,server=on,wait=off" \
        -kernel "$LAB_GUEST_KERNEL" -initrd "$LAB_RESULTS/guest.initrd" \
        -append "console=ttyS0 panic=-1 quiet" "$@" \
        </dev/null >"$LAB_RESULTS/$name.qemu" 2>&1 &
    guest_pids[$name]=$!
    # Emulated nested guests that wander between CPUs sometimes die while booting.
    taskset -apc $((cid % $(nproc))) "$!" >/dev/null
}

# guest_wait NAME: until it takes commands, at most $guest_boot_timeout (45) seconds.
guest_wait() {
    wait_for 10 test -S "$lab_run/$1.exec" && guest_timeout=${guest_boot_timeout:-45} guest_run "$1" true
}

# guest_boot, as guest_start: returns when it takes commands. Emulated nested guests sometimes hang
# while booting, so it tries three times.
guest_boot() {
    local try
    for try in 1 2 3; do
        guest_start "$@"
        ! guest_wait "$1" || return 0
        echo "lab: guest $1 did not boot, try $try of 3" >&2
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
# the process. Knows nothing of vmreclaim: the measure for everything that vmreclaim says.
guest_footprint() {
    awk '/^Rss(Anon|Shmem):/ { sum += $2 } END { printf "%.0f\n", sum * 1024 }' \
        "/proc/${guest_pids[$1]}/status"
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

# agent_start NAME [ARGUMENT...]: in the guest, logging to /tmp/agent.log there.
agent_start() {
    local name=$1
    shift
    guest_run "$name" "mkdir -p /var/lib/vmreclaim-agent
        setsid vmreclaim-agent-static $* >>/tmp/agent.log 2>&1 & echo \$! >/tmp/agent.pid"
}

agent_kill() {
    guest_run "$1" 'xargs kill -KILL </tmp/agent.pid'
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
        echo "cid: $2"
        echo "qmp: $lab_run/$1.qmp"
        [[ -z ${3:-} ]] || echo "policy: $3"
    } >"$lab_run/vms/$1.yaml"
}

controller_start() {
    mkdir -p "$lab_run/vms" "$lab_run/state"
    "$LAB_BUILD/controller/vmreclaimd" --api "$VMRECLAIM_API" --vms "$lab_run/vms" \
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

# ---- results ----

lab_failures=0

# check WORDS CONDITION...: one line a check; the script goes on. Ends with lab_verdict.
check() {
    local words=$1
    shift
    if "$@"; then
        echo "ok      $words"
    else
        echo "FAILED  $words"
        lab_failures=$((lab_failures + 1))
    fi
}

lab_verdict() {
    ((lab_failures == 0)) || echo "$lab_failures checks failed; logs in $LAB_RESULTS"
    exit $((lab_failures > 0))
}
