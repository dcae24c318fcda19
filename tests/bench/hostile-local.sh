# What hostile local users cost root, for bench-hostile; sourced after library.sh. A daemon with 50
# good VMs and a VM with a year of records, whose disk takes two seconds to sync. Root reads through
# the operators' API: first beside processes that burn as much as the users may, which all have
# one core, then beside the users of each kind: 8 with 32 connections each. Root comes by its own
# socket, as its command line does. Root's reads also say how much the daemon's loop worked
# meanwhile, and turn-times how long its turns were: these two do not depend on what else the
# machine does. A turn of a quarter of a second is far from the watchdog.
# shellcheck shell=sh disable=SC2154

local_seconds=${LOCAL_SECONDS:-300} # of each kind
local_users=8
local_connections=32
local_uid=20000
local_rate=50
read_group=games control_group=users nobody=nogroup # groups of every Debian
# The daemon's: connections to the API, what waits for the disk, records that are read.
local_rss_budget=$((256 << 20))
local_disk_budget=$((10 << 20))

local_begin() {
    home=$work/local
    chmod 755 "$work"
    vms good "$good" "$work/good-local.sock"
    mkdir -p "$home/state"
    "$build/tests/bench/fill-store" "$home/state/vmreclaim.db" good0 40000 2000
    start local-agents "$build/tests/bench/load-agents" "unix:$work/good-local.sock" "$good"
    await 10 "load-agents" test -S "$work/good-local.sock.$((good - 1))"
    preloads=$(realpath "$build/tests/bench/slow-sync.so"):$(realpath "$build/tests/bench/turn-times.so")
    LD_PRELOAD=$preloads SLOW_SYNC_MS=2000 TURN_TIMES=$work/turns \
        start_daemon --read-group $read_group --control-group $control_group
    await 60 "$good agents" grep -q '^all' "$work/local-agents.log"
}

# What the daemon has written: its store, and what the journal gets.
local_disk() { du -sbc "$home/state" "$work/local/daemon.log" | awk 'END { print $1 }'; }

local_peak() { awk '/^VmHWM:/ { print $2 * 1024 }' "/proc/$daemon/status"; }

# local_attack KIND GROUP SECONDS: root's reads beside them, as `local-reads` prints them, into
# $work/local.KIND.
local_attack() {
    start "users-$1" taskset -c 0 "$build/tests/bench/local-users" "unix:$home/api.sock" "$1" \
        $local_users $local_connections $local_uid "$2" good0
    attackers=$pid
    "$build/tests/bench/local-reads" "unix:$home/api.sock.root" good0 $local_rate "$3" "$daemon" \
        >"$work/local.$1"
    "$build/controller/vmreclaim" --json --api "unix:$home/api.sock" status >"$work/status.$1" || true
    kill "$attackers"
    wait "$attackers" || true
    local_uid=$((local_uid + local_users)) # nobody pays for the ones before
}

# A line for people from a line of local-reads, by `quiet`'s.
local_say() {
    awk -v kind="$1" -v quiet="$local_quiet" -v disk="$2" -v rss="$3" '{
        printf "local %-7s root p50 %.2f ms, p99 %.2f ms (%.2f of the quiet), longest %.0f ms, %d of %d " \
            "failed; the loop worked p99 %.2f ms meanwhile; durable p50 %d ms, longest %d ms; " \
            "disk %+d KiB, memory at most %d KiB\n", \
            kind, $3, $4, $4 / quiet, $5, $2, $1, $9, $6, $7, disk / 1024, rss / 1024 }' \
        "$work/local.$1"
}

# All kinds. Leaves what local_metrics needs.
local_run() {
    local_begin
    local_attack burn $nobody $((local_seconds / 3))
    local_quiet=$(awk '{ print $4 }' "$work/local.burn")
    local_say burn 0 "$(local_peak)"
    local_disk_bytes=0
    for kind in none read control; do
        case $kind in
        none) group=$nobody ;;
        read) group=$read_group ;;
        control) group=$control_group ;;
        esac
        disk=$(local_disk)
        local_attack $kind "$group" "$local_seconds"
        disk=$(($(local_disk) - disk))
        [ "$disk" -le $local_disk_bytes ] || local_disk_bytes=$disk
        local_say $kind $disk "$(local_peak)"
        sed 's/^/    /' "$work/users-$kind.log" | sort | head -n 2
    done
    local_rss_bytes=$(local_peak)
    stop_daemon
    local_said=$(cat "$work/status.none" "$work/status.read" "$work/status.control" |
        grep -c 'takes more than a second' || true)
    awk '{ printf "local %d turns of the loop: p50 %.2f ms, p99 %.2f ms, longest %.1f ms\n", $1, $2, $3, $5 }' \
        "$work/turns"
    cat "$work/local.none" "$work/local.read" "$work/local.control" >"$work/local.all"
}

# The metrics as JSON without braces. False: a bound was missed.
local_metrics() {
    awk -v quiet="$local_quiet" -v disk="$local_disk_bytes" -v rss="$local_rss_bytes" \
        -v said="$local_said" -v turn="$(awk '{ print $5 }' "$work/turns")" \
        -v disk_budget=$local_disk_budget -v rss_budget=$local_rss_budget '
        { failed += $2; if ($4 > p99) p99 = $4; if ($5 > longest) longest = $5
          if ($6 < 2000) early = 1; if ($7 > durable) durable = $7 }
        END {
            printf "\"local_p99_ms\":%.3f,\"local_p99_ratio\":%.3f,\"local_longest_ms\":%.3f," \
                "\"local_turn_longest_ms\":%.3f,\"local_durable_longest_ms\":%d," \
                "\"local_disk_bytes\":%d,\"local_rss_bytes\":%d", \
                p99, p99 / quiet, longest, turn, durable, disk, rss
            if (said < 3)
                print "local: the status does not say that the disk is slow" >"/dev/stderr"
            exit said < 3 || turn > 250 || failed > 0 || early || p99 > 2 * quiet || \
                longest > 250 || disk > disk_budget || rss > rss_budget
        }' "$work/local.all"
}
