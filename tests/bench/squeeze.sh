#!/bin/bash
# Runs in the lab for bench-squeeze: the same guest with the same cache and fragments is saved to a
# file as it is, after `vmreclaim squeeze`, and after what people do by hand: drop_caches and the
# balloon. Writes figures.json and table to $LAB_RESULTS.
# usage: squeeze.sh [MIB-OF-GUEST]
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
qmp=$LAB_BUILD/tests/lab/qmp
memory=${1:-4096}
cache=$((memory * 3 / 8))     # MiB: 1.5 GiB of a guest of 4 GiB
fragments=$((memory / 4))     # MiB that are free in single pages
reserve=$((256 * MiB))        # what the balloon by hand leaves to the guest
guest_serial=yes              # the vsock device of the emulated ground cannot be saved
guest_boot_timeout=120

give_up() {
    echo "squeeze: $*; logs in $LAB_RESULTS" >&2
    exit 75
}

# Files of random bytes, for a guest's page cache.
make_source() {
    local i
    mkdir "$lab_run/source"
    for ((i = 0; i < cache / 16; i++)); do
        head -c $((16 * MiB)) /dev/urandom >"$lab_run/source/$(printf %06d "$i")"
    done
    truncate -s $(((cache + cache / 8) * MiB)) "$lab_run/source.img"
    PATH=$PATH:/usr/sbin mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$lab_run/source" \
        "$lab_run/source.img" && rm -r "$lab_run/source"
}

# boot NAME CID: the guest with its cache, its fragments, and its agent, which only takes orders.
boot() {
    guest_boot "$1" "$2" "$memory" memfd -qmp "unix:$lab_run/$1.second,server=on,wait=off" \
        -drive "file=$lab_run/source.img,format=raw,if=virtio,snapshot=on" || return 1
    guest_run "$1" 'mkdir -p /mnt && mount -t ext4 -o ro /dev/vda /mnt' || return 1
    # The cache first: it would fill the pages that are free between others.
    guest_timeout=600 guest_run "$1" 'workload cache-read /mnt' >"$lab_run/$1.read" || return 1
    guest_timeout=600 guest_hold "$1" fragment $((2 * fragments * MiB)) || return 1
    vm_describe "$1" "$2" "$lab_run/policy.yaml"
    agent_start "$1"
    wait_for 60 connected "$1"
}

parts() { # NAME: for the log
    guest_run "$1" 'grep -E "^(MemTotal|MemFree|MemAvailable|Cached):" /proc/meminfo; cat /proc/buddyinfo' \
        >"$LAB_RESULTS/$1.$2"
}

# ---- snapshots ----

has_saved() {
    [[ $("$qmp" "$lab_run/$1.second" query-migrate 2>/dev/null | jq -r .return.status) == completed ]]
}

is_running() {
    [[ $("$qmp" "$lab_run/$1.second" query-status | jq -r .return.status) == running ]]
}

# save NAME: the guest's memory into a file, as virsh save does it; it runs again then. Bytes and
# milliseconds in $saved_bytes and $saved_time, what the host held before in $footprint.
save() {
    local begin
    footprint=$(guest_footprint "$1") # saving reads all of it, which puts pages into its holes
    "$qmp" "$lab_run/$1.second" migrate-set-parameters '{"max-bandwidth": 1000000000000}' >/dev/null
    "$qmp" "$lab_run/$1.second" stop >/dev/null
    begin=$(now)
    "$qmp" "$lab_run/$1.second" migrate "{\"uri\": \"exec:cat >$lab_run/saved\"}" >/dev/null
    wait_for 300 has_saved "$1" || return 1
    saved_time=$(($(now) - begin))
    saved_bytes=$(stat -c %s "$lab_run/saved")
    rm "$lab_run/saved"
    "$qmp" "$lab_run/$1.second" cont >/dev/null
    wait_for 30 is_running "$1" && wait_for 60 connected "$1"
}

# row NAME MILLISECONDS-OF-SHRINKING
row() {
    jq -nc --arg name "$1" --argjson bytes "$saved_bytes" --argjson save_ms "$saved_time" \
        --argjson shrink_ms "$2" --argjson footprint "$footprint" '{name: $name, snapshot_bytes: $bytes,
            save_seconds: ($save_ms / 1000), shrink_seconds: ($shrink_ms / 1000),
            footprint_bytes: $footprint}' >>"$LAB_RESULTS/figures.json"
    printf '%-10s %9s MiB %9.1f s %10.1f s %9s MiB\n' "$1" $((saved_bytes / MiB)) \
        "$(jq -n "$saved_time / 1000")" "$(jq -n "$2 / 1000")" $((footprint / MiB)) | tee -a "$LAB_RESULTS/table"
}

# ---- by hand ----

actual_of() {
    "$qmp" "$lab_run/$1.second" query-balloon | jq -r .return.actual
}

balloon_is_at() { # NAME BYTES
    local actual
    actual=$(actual_of "$1")
    ((actual <= $2 + 4 * MiB))
}

# drop_caches, then `virsh setmem` to what the guest does not have available, and a reserve.
by_hand() {
    local target
    guest_run "$1" 'sync; echo 3 >/proc/sys/vm/drop_caches'
    target=$((memory * MiB - $(guest_meminfo "$1" MemAvailable) + reserve))
    "$qmp" "$lab_run/$1.second" balloon "{\"value\": $target}" >/dev/null
    wait_for 120 balloon_is_at "$1" "$target" ||
        echo "        the balloon came to $(($(actual_of "$1") / MiB)) of $((target / MiB)) MiB"
}

printf '%-10s %13s %11s %12s %13s\n' '' snapshot saved 'shrunk in' footprint | tee "$LAB_RESULTS/table"
printf 'name: quiet\nprofile: balanced\nidle_window: 1h\ntrickle: 0\ncache_floor: 32MiB\n' >"$lab_run/policy.yaml"
make_source || give_up "the source of the cache could not be made"
controller_start

boot hand 3 || give_up "guest hand failed"
parts hand before
save hand || give_up "guest hand could not be saved"
row before 0
begin=$(now)
by_hand hand
took=$(($(now) - begin))
parts hand after
save hand || give_up "guest hand could not be saved"
row by-hand "$took"
guest_stop hand
rm -f "$lab_run/vms/hand.yaml"

boot ours 4 || give_up "guest ours failed"
parts ours before
order_before=$(guest_run ours 'cat /sys/module/page_reporting/parameters/page_reporting_order')
begin=$(now)
vmreclaim squeeze ours >"$LAB_RESULTS/squeeze" 2>&1
code=$?
took=$(($(now) - begin))
parts ours after
sed 's/^/        /' "$LAB_RESULTS/squeeze"
save ours || give_up "guest ours could not be saved"
row squeeze "$took"
check "squeeze ends well" test "$code" -eq 0
check "the reporting order is as before" test \
    "$(guest_run ours 'cat /sys/module/page_reporting/parameters/page_reporting_order')" = "$order_before"
check "the guest has all its memory" test "$(actual_of ours)" -eq $((memory * MiB))
agent_log ours >"$LAB_RESULTS/agent.log"
echo "took $(elapsed) s on the ground $LAB_GROUND"
lab_verdict
