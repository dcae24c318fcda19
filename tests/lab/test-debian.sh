# shellcheck shell=bash
# shellcheck disable=SC2016,SC2119,SC2154 # the guest expands; $lab_run comes from lib.sh
# Real workloads on a real system: the agent's unit beside a compiler, a redis that is filled and
# flushed, and a database that is scanned. After each an operator asks for what is not needed: it is
# back on the host, and the waterfall explains the footprint.
# usage: tests/lab/run tests/lab/test-debian.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
. "$LAB_SOURCE/tests/lab/debian.sh"

MiB=$((1024 * 1024))
floor=$((32 * MiB)) # cache_floor of the policy

part() { # PART: of the waterfall, fresh
    vmreclaim --json vm show vm | jq ".vm.waterfall.$1"
}

# What the guest needs, may keep, and what one compaction leaves in small pieces: 40 MiB were seen.
goal() {
    vmreclaim --json vm show vm | jq --argjson floor "$floor" '.vm.waterfall |
        .in_use + .unmanaged + $floor + 96 * 1048576'
}

is_at_most() { (($(guest_footprint vm) <= $1)); }

is_explained() {
    local footprint remainder bound
    footprint=$(part footprint)
    remainder=$(part remainder)
    bound=$((footprint * 3 / 100))
    ((bound >= 32 * MiB)) || bound=$((32 * MiB))
    ((remainder <= bound && remainder >= -bound))
}

# The largest footprint until killed, into a file.
watch_peak() {
    local footprint peak=0
    while footprint=$(guest_footprint vm); do
        if ((footprint > peak)); then
            peak=$footprint
            echo "$peak" >"$lab_run/peak"
        fi
        sleep 0.2
    done
}

# lives NAME LEAST-MIB COMMAND: at its peak it takes at least so much more than what was there, and
# all of it comes back.
lives() {
    local name=$1 least=$2 before peak left start watcher
    before=$(guest_footprint vm)
    start=$(now)
    watch_peak &
    watcher=$!
    check "$name: it runs" guest_run vm "$3"
    kill "$watcher"
    peak=$(cat "$lab_run/peak")
    left=$(guest_footprint vm)
    check "$name: it took at least $least MiB" test $((peak - before)) -ge $((least * MiB))
    echo "        $(((peak - before) / MiB)) MiB within $((($(now) - start) / 1000)) s"
    start=$(now)
    vmreclaim reclaim vm >"$LAB_RESULTS/reclaim.$name"
    vmreclaim compact vm --force >"$LAB_RESULTS/compact.$name"
    vmreclaim reporting vm --kick >"$LAB_RESULTS/kick.$name"
    check "$name: what was freed comes back" wait_for 60 is_at_most "$(goal)"
    printf '        footprint %d, peak %d, left %d, now %d MiB after %d s; remainder %d MiB\n' \
        $((before / MiB)) $((peak / MiB)) $((left / MiB)) $(($(guest_footprint vm) / MiB)) \
        $((($(now) - start) / 1000)) $(($(part remainder) / MiB))
    check "$name: the waterfall explains the footprint" wait_for 20 is_explained
    vmreclaim explain vm >"$LAB_RESULTS/explain.$name"
}

# The guest does nothing by itself: what is asked for is what moves.
printf 'name: quiet\nprofile: balanced\nidle_window: 1h\ntrickle: 0\ncache_floor: 32MiB\n' >"$lab_run/quiet.yaml"
debian_put "$LAB_SOURCE/common" /usr/local/src
guest_timeout=600
debian_boot vm 3 1024 || exit 75
vm_describe vm 3 "$lab_run/quiet.yaml"
controller_start
check "the unit gets ready" debian_agent_start vm
wait_for 30 connected vm || {
    echo "the agent did not connect"
    exit 75
}
guest_run vm 'vmreclaim-agent --doctor' >"$LAB_RESULTS/doctor"
check "--doctor finds nothing amiss" eval '! grep -v "^ok \|^ " "$LAB_RESULTS/doctor"'

lives compile 40 'cd /usr/local/src && make -s -j4 CFLAGS="-std=c17 -O2 -g -D_GNU_SOURCE -I." \
    $(ls common/base/*.c | sed "s/c\$/o/")'
lives redis 300 'systemctl start redis-server && until redis-cli ping >/dev/null 2>&1; do sleep 0.2; done
    redis-cli eval "for i = 1, 200000 do redis.call(\"set\", \"key\" .. i, string.rep(\"x\", 1500)) end" 0
    redis-cli dbsize; redis-cli flushall; redis-cli memory purge'
lives database 150 'sqlite3 /root/lab.db "create table t(a, b);
        insert into t select value, randomblob(1000) from generate_series(1, 200000)" &&
    sync && echo 3 >/proc/sys/vm/drop_caches && sqlite3 /root/lab.db "select count(*), sum(a), max(b) > 0 from t"'
vmreclaim actions >"$LAB_RESULTS/actions"
guest_run vm 'journalctl -b -o short-monotonic' >"$LAB_RESULTS/journal"
lab_verdict
