#!/bin/bash
# A fleet with a real bus and a database in each guest: a good policy goes through all waves. One that
# leaves the database no cache is stopped at the canary, and its guest has the policy of before within
# 60 s of the first figure over its gate. Nothing is lost.
# usage: tests/lab/run tests/lab/test-fleet-canary.sh
# shellcheck disable=SC2016,SC2154,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

guests=(db-1 db-2 db-3)
rows=48000 # four in a page
database=$lab_run/database
lookups="with k(k) as materialized (select 1 + abs(random() % $rows) from generate_series(1, 200))
select unixepoch(), count(*), sum(substr(value, 1, 9) = printf('%09d', k)) from k join t on t.key = k;"
sums='select count(*), sum(key), sum(length(value)), sum(unicode(substr(value, 10 + key % 900))) from t'

# ---- the database ----

# A disk with sqlite3, the libraries that it needs, and 47 MiB of rows that say which ones they are.
make_disk() {
    mkdir "$database"
    ldd "$(command -v sqlite3)" | grep -o '/[^ ]*' | xargs cp -t "$database" "$(command -v sqlite3)" || return
    mv "$database"/ld-linux* "$database/ld.so"
    sqlite3 "$database/lab.db" "create table t(key integer primary key, value text);
        insert into t select value, printf('%09d', value) || hex(randomblob(480)) from generate_series(1, $rows)"
    printf '%s\n' "$lookups" >"$database/lookups.sql"
    truncate -s 320M "$lab_run/disk"
    PATH=$PATH:/usr/sbin mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$database" "$lab_run/disk"
}

# 200 lookups a second, and beside them files that are read once: cache that nobody wants any more.
start_database() { # GUEST
    guest_run "$1" 'mount -t ext4 -o noatime /dev/vda /mnt && cd /mnt && mkfifo /tmp/queries || exit
        cat lab.db >/dev/null; cat lab.db >/dev/null
        ./ld.so --library-path . ./sqlite3 -readonly -batch lab.db </tmp/queries >/tmp/answers 2>&1 &
        echo $! >/tmp/database.pid
        { echo .timer on; while :; do cat lookups.sql; sleep 1; done; } >/tmp/queries 2>/dev/null &
        i=0; while :; do
            truncate -s 4M cold.$i; cat cold.$i >/dev/null; rm -f cold.$((i - 20)); i=$((i + 1)); sleep 4
        done >/dev/null 2>&1 &'
}

answers() { # GUEST
    guest_run "$1" 'grep -c "^[0-9]" /tmp/answers'
}

has_answered() { # GUEST COUNT
    (($(answers "$1") >= $2))
}

boot() { # GUEST CID
    guest_start "$1" "$2" 384 any \
        -drive "file=$lab_run/disk,format=raw,if=virtio,snapshot=on"
}

# ---- what became of it ----

is_alive() { # GUEST
    guest_run "$1" 'read -r pid </tmp/database.pid; kill -0 "$pid"'
}

all_right() { # GUEST: each of 200 rows was the one that was asked for
    guest_run "$1" '! grep "^[0-9]" /tmp/answers | grep -v "|200|200$"; ! grep -i error /tmp/answers'
}

same_sums() { # GUEST
    local said
    said=$(guest_timeout=600 guest_run "$1" "cd /mnt && ./ld.so --library-path . ./sqlite3 -readonly lab.db '$sums; pragma quick_check'")
    [[ $said == "$(sqlite3 "$database/lab.db" "$sums; pragma quick_check")" ]]
}

no_oom_kill() { # GUEST
    [[ $(guest_run "$1" 'grep ^oom_kill /proc/vmstat') == 'oom_kill 0' ]]
}

# From the first figure over its gate until the guest of the canary has its policy back.
is_in_time() {
    awk '{ exit !($4 - $3 <= 60) }' "$LAB_RESULTS/times"
}

# How long 200 lookups took, before, while and after the guest of the canary had the policy.
say_lookups() {
    local canary begun ended
    read -r canary begun _ ended <"$LAB_RESULTS/times"
    awk -F '[| ]' -v begun="$begun" -v ended="$ended" '
        /^[0-9]/ { when = $1 < begun ? "before" : $1 < ended ? "meanwhile" : "after" }
        /^Run Time/ && when != "" { count[when]++; took[when] += $4; if ($4 > most[when]) most[when] = $4 }
        END {
            split("before meanwhile after", order)
            for (i = 1; i <= 3; i++)
                if (count[order[i]] > 0)
                    printf "        200 lookups %s: %.0f ms in the mean of %d, at most %.0f ms\n", order[i],
                        1000 * took[order[i]] / count[order[i]], count[order[i]], 1000 * most[order[i]]
        }' "$LAB_RESULTS/$canary.answers"
}

make_disk || {
    echo "the disk of the guests could not be made; is sqlite3 there?"
    exit 1
}
for i in "${!guests[@]}"; do
    boot "${guests[i]}" $((i + 3))
done
files=()
for guest in "${guests[@]}"; do
    if ! guest_boot_timeout=90 guest_wait "$guest" || ! start_database "$guest"; then
        echo "the guest $guest did not come up"
        exit 75
    fi
    vm_describe "$guest" 0
    files+=("$lab_run/vms/$guest.yaml")
    agent_start "$guest"
done
for guest in "${guests[@]}"; do
    check "the database of $guest answers" wait_for 60 has_answered "$guest" 10
done

"$LAB_SOURCE/tests/lab/fleet-canary.py" \
    "$LAB_BUILD/controller/fleet/vmreclaim-fleet" "$LAB_BUILD/controller/vmreclaimd" \
    "$(PATH=$PATH:/usr/sbin command -v nats-server)" "$LAB_SOURCE/proto" "$LAB_BUILD/controller/vmreclaim" \
    "$LAB_RESULTS" "${files[@]}" &
lab_beside+=("$!")
check "the fleet: all of it" wait "$!"

for guest in "${guests[@]}"; do # half a minute with the policy of before
    wait_for 120 has_answered "$guest" $(($(answers "$guest") + 30))
done
for guest in "${guests[@]}"; do
    agent_log "$guest" >"$LAB_RESULTS/$guest.agent.log"
    guest_run "$guest" 'cat /proc/vmstat /proc/pressure/*' >"$LAB_RESULTS/$guest.counters"
    guest_run "$guest" 'cat /tmp/answers' >"$LAB_RESULTS/$guest.answers"
    check "$guest: its database is the one that was started" is_alive "$guest"
    check "$guest: $(grep -c '^[0-9]' "$LAB_RESULTS/$guest.answers") times 200 lookups, all answers right" all_right "$guest"
    check "$guest: its checksums are right" same_sums "$guest"
    check "$guest: nothing was killed" no_oom_kill "$guest"
done
if [[ -e $LAB_RESULTS/times ]]; then
    say_lookups
    is_in_time || ! lab_is_busy || lab_too_busy "more than 60 s"
    check "the policy of before within 60 s of the first figure over its gate" is_in_time
fi
echo "took $(elapsed) s on the ground $LAB_GROUND"
lab_verdict
