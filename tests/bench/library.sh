# What the benches of the controller share; sourced by them. Needs `build` and gives `work`, a folder
# that goes with the shell, as does everything that start() began, and `home`, the folder of the daemon
# that the functions below are about.
# shellcheck shell=sh disable=SC2154

work=$(mktemp -d)
home=$work
started=

finish() {
    for pid in $started; do
        kill "$pid" 2>/dev/null || true
    done
    wait 2>/dev/null || true
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

# start NAME COMMAND…: in the background, output to $work/NAME.log; its pid is in $pid.
start() {
    log=$work/$1.log
    shift
    "$@" >"$log" 2>&1 &
    pid=$!
    started="$started $pid"
}

die() {
    echo "bench: $*" >&2
    for log in "$work"/*.log "$work"/*/*.log; do
        [ -s "$log" ] && { echo "-- $log"; tail -n 5 "$log"; } >&2
    done
    exit 1
}

# await SECONDS WHAT COMMAND…: until the command succeeds.
await() {
    await_end=$(($(date +%s) + $1))
    await_what=$2
    shift 2
    until "$@"; do
        [ "$(date +%s)" -lt "$await_end" ] || die "waited in vain for $await_what"
        sleep 0.05
    done
}

# vms NAME COUNT SOCKET: VM files whose agents are at SOCKET.0 and so on.
vms() {
    mkdir -p "$home/vms"
    awk -v name="$1" -v count="$2" -v socket="$3" -v folder="$home/vms" 'BEGIN {
        for (i = 0; i < count; i++) {
            file = folder "/" name i ".yaml"
            printf "name: %s%d\nagent: unix:%s.%d\n", name, i, socket, i > file
            close(file)
        }
    }'
}

# The daemon under test, its pid in $daemon. Arguments are more of its options.
start_daemon() {
    mkdir -p "$home/state"
    start "${home#"$work"}/daemon" "$build/controller/vmreclaimd" --listen none --find-processes no --libvirt none --api "unix:$home/api.sock" \
        --vms "$home/vms" --state-directory "$home/state" --sample-interval 10s "$@"
    daemon=$pid
    await 120 "vmreclaimd" test -S "$home/api.sock"
}

stop_daemon() {
    kill "-${1:-TERM}" "$daemon" 2>/dev/null || true
    wait "$daemon" 2>/dev/null || true
    rm -f "$home/api.sock"
}

# Resident bytes of a process: anonymous memory, which is its own.
resident() {
    awk '/^RssAnon:/ { print $2 * 1024 }' "/proc/$1/status"
}

# CPU time of a process in ticks of 1/100 s.
cpu_ticks() {
    awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

median() {
    sort -g | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
