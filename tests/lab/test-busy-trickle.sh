#!/bin/bash
# A guest that is 20 % busy for ever, with page cache that it uses all the time and page cache that
# nobody wants any more; the real agent under its default policy. What becomes of the cache is set
# beside the model of tests/sim, run with the same sizes and the same policy: they agree within 15 %.
# What constants.h says it measured in the lab is measured here, too.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
busy=20     # % of its one CPU
hot=300     # MiB
cold=800    # MiB
seconds=180 # enough for the policy's 512 MiB per minute, one compaction and the reporting after it

# What is at `key` in the guest's vmstat.
guest_vmstat() {
    guest_run a "awk '\$1 == \"$1\" { print \$2 }' /proc/vmstat"
}

# of what MeminfoKeys sum up to, in bytes
guest_memory() {
    guest_run a "awk '/^($1):/ { sum += \$2 } END { printf \"%.0f\\n\", sum * 1024 }' /proc/meminfo"
}

resident() {
    guest_run a "workload cache-resident /mnt/$1"
}

# near NAME LAB MODEL: they differ by at most 15 %.
near() {
    awk -v name="$1" -v lab="$2" -v model="$3" 'BEGIN {
        printf "        %s: lab %.1f, model %.1f\n", name, lab, model
        difference = lab > model ? lab - model : model - lab
        exit !(model > 0 && difference <= 0.15 * model)
    }'
}

share() { # PART WHOLE: in percent
    awk -v part="$1" -v whole="$2" 'BEGIN { printf "%.1f\n", 100 * part / whole }'
}

truncate -s 2G "$lab_run/disk"
guest_boot a 3 2048 any -drive "file=$lab_run/disk,format=raw,if=virtio,cache=unsafe" || {
    echo "the guest did not boot"
    exit 75
}
# The cold files have holes only: reading them fills the cache without a disk.
guest_run a 'mke2fs -q /dev/vda >/dev/null 2>&1; mkdir -p /mnt
    mount -t ext4 -o noatime /dev/vda /mnt && mkdir /mnt/hot /mnt/cold || exit
    workload cache-write /mnt/hot '"$((hot / 4)) $((4 * MiB))"'
    i=0; while [ $i -lt '"$((cold / 4))"' ]; do
        truncate -s 4M "/mnt/cold/$(printf %06d $i)"; i=$((i + 1)); done' || exit 1
# Hot and cold are read side by side, so that they lie mixed in memory.
guest_run a 'echo 3 >/proc/sys/vm/drop_caches; workload cache-read /mnt/cold >/dev/null & reader=$!
    workload cache-read /mnt/hot >/dev/null; wait $reader' || exit 1
guest_hold a busy "$busy" /mnt/hot || exit 1
sleep 5
total=$(guest_memory MemTotal)
cold_before=$(resident cold)
in_use=$((total - $(guest_memory 'MemFree|Active\(file\)|Inactive\(file\)|SReclaimable')))
refaults_before=$(guest_vmstat workingset_refault_file)
held_before=$(guest_footprint a)
echo "in use $((in_use / MiB)) MiB of $((total / MiB)), cold cache $((cold_before / MiB)) MiB," \
    "hot $(($(resident hot) / MiB)) MiB, the host holds $((held_before / MiB)) MiB"
guest_run a 'vmreclaim-agent-static --once --dry-run --set log_level=error' | tee "$LAB_RESULTS/dry-run"
check "the dry run says that a trickle comes" grep -q 'page cache, coldest first.*not idle' "$LAB_RESULTS/dry-run"

begin=$(now)
agent_start a --connect none --set log_level=info
# The guest's own record, each 5 s: cache, refaults, free blocks by order.
guest_run a 'while :; do
        awk '"'"'/^(Active|Inactive)\(file\):/ { cache += $2 } END { printf "%d ", cache / 1024 }'"'"' /proc/meminfo
        awk '"'"'$1 == "workingset_refault_file" { printf "%d |", $2 }'"'"' /proc/vmstat
        awk '"'"'/Normal|DMA32/ { for (i = 5; i <= NF; i++) n[i] += $i } END { for (i = 5; i <= 15; i++) printf " %d", n[i]; print "" }'"'"' /proc/buddyinfo
        sleep 5
    done >/tmp/record 2>&1 &'
while (($(now) - begin < seconds * 1000)); do
    sleep 10
    printf '%4d s: the host holds %d MiB\n' $((($(now) - begin) / 1000)) $(($(guest_footprint a) / MiB))
done
cold_after=$(resident cold)
hot_after=$(resident hot)
refaults=$(($(guest_vmstat workingset_refault_file) - refaults_before))
returned=$((held_before - $(guest_footprint a)))
agent_log a >"$LAB_RESULTS/agent.log"
guest_run a 'cat /tmp/record' >"$LAB_RESULTS/record"
sed 's/^/        /' "$LAB_RESULTS/agent.log" "$LAB_RESULTS/record"

declare -A model
for pair in $("$LAB_BUILD/tests/sim/twin" "$total" "$in_use" $((hot * MiB)) "$cold_before" 1 "$busy" "$seconds"); do
    model[${pair%%=*}]=${pair#*=}
done
taken=$((cold_before - cold_after))
echo "of $((cold_before / MiB)) MiB cold: taken $((taken / MiB)), returned $((returned / MiB));" \
    "of $hot MiB hot: left $((hot_after / MiB)); $refaults refaults in $seconds s"
echo "model: ${model[*]@K}"
check "at least 80 % of the cold cache is taken" awk "BEGIN { exit !($taken >= 0.8 * $cold_before) }"
check "refaults stay under the policy's limit" awk "BEGIN { exit !($refaults / $seconds < 250) }"
check "taken, in % of the cold cache" near taken \
    "$(share "$taken" "$cold_before")" "$(share "${model[cold_taken]}" "$cold_before")"
check "refaults, in MiB" near refaults "$((refaults * 4096 / MiB))" "$((model[refaults] * 4096 / MiB))"
check "given back to the host, in % of the cold cache" near returned \
    "$(share "$returned" "$cold_before")" "$(share "${model[returned]}" "$cold_before")"
check "left of the hot set, in %" near hot \
    "$(share "$hot_after" $((hot * MiB)))" "$(share "${model[hot_left]}" $((hot * MiB)))"

# ---- for constants.h ----
awk '
    function ms(line) { match(line, /[0-9]+ ms of CPU/); return substr(line, RSTART, RLENGTH) + 0 }
    /cache reclaim .*done/ { reclaims++; cpu += ms($0) }
    /compaction .*done/ { compactions++; compact_cpu += ms($0) }
    END { printf "%d reclaims, %d ms of CPU; %d compactions, %d ms\n", reclaims, cpu, compactions, compact_cpu }
' "$LAB_RESULTS/agent.log"
guest_run a 'workload cache-read /mnt/cold >/dev/null; sleep 1
    time sh -c "echo 1 >/proc/sys/vm/drop_caches"' 2>&1 | grep -E 'sys|real'
echo "dropped: $((cold_before / MiB)) MiB of cold cache and what was not mapped of the hot"
lab_verdict
