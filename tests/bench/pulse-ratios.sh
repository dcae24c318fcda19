#!/bin/bash
# Runs in the lab for bench-pulse: two real Debian guests of a real libvirtd, which do not report, one
# with an agent and one without. Both compile, fill and flush a redis and rest; a policy pulses them.
# Writes figures.json to $LAB_RESULTS.
# usage: pulse-ratios.sh full|quick POLICY-FILE SECONDS    judged so many seconds after the work
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2154,SC2317
# shellcheck source=tests/lab/libvirt.sh
. "$LAB_SOURCE/tests/lab/libvirt.sh"
# shellcheck source=tests/lab/debian.sh
. "$LAB_SOURCE/tests/lab/debian.sh"
# shellcheck source=tests/bench/reclaimers.sh
. "$LAB_SOURCE/tests/bench/reclaimers.sh"

MiB=$((1024 * 1024))
memory=2048 # MiB of a guest
headroom=$((256 * MiB))
form=$1 policy=$2 rest=$3
folders=(common/{base,proc,policy,transport,ttrpc} agent/{engine,sensors,actions,config,safety,doctor,calls,core,service})
keys=400000
if [[ $form == quick ]]; then
    folders=(common/base)
    keys=200000
fi
declare -A baseline use_before cache_before workers

give_up() {
    echo "pulse-ratios: $*; logs in $LAB_RESULTS" >&2
    exit 75
}

# boot NAME: a domain with the Debian system, as people's tools write one. "agent" has a vsock device,
# too, for which its memory is a file.
boot() {
    local domain_initrd=$LAB_RESULTS/$1.initrd domain_devices
    cp --sparse=always "$debian_disk" "$LAB_RESULTS/$1.img" && debian_initrd "$domain_initrd" || return
    domain_devices="<disk type='file' device='disk'><driver name='qemu' type='raw'/>
        <source file='$LAB_RESULTS/$1.img'/><target dev='vda' bus='virtio'/></disk>"
    guest_sizes[$1]=$memory
    guest_backings[$1]=anon
    if [[ $1 == agent ]]; then
        guest_backings[$1]=memfd
        domain_start_with_vsock "$1" "$memory" 9 || return
    else
        domain_start "$1" "$memory" || return
    fi
    guest_pids[$1]=$(domain_pid "$1")
    debian_wait "$1" || return
    sleep 10
    baseline[$1]=$(guest_footprint "$1")
    use_before[$1]=$(in_use "$1")
    cache_before[$1]=$(cached "$1")
}

manage() {
    {
        echo "hypervisor: libvirt:$libvirt_uri#$(virsh domuuid "$1" | head -n 1)"
        echo "policy: $policy"
        [[ $1 != agent ]] || echo "agent: $(agent_address "$1")"
    } >"$lab_run/vms/$1.yaml"
    [[ $1 != agent ]] || { debian_agent_start "$1" && wait_for 60 connected "$1"; }
}

pressure() { # NAME: "full avg10, and microseconds since the boot"
    guest_run "$1" "sed -nE 's/^full avg10=([0-9.]+) .*total=([0-9]+)/\1 \2/p' /proc/pressure/memory"
}

# work_and_rest NAME: its work; then what the host holds of it every second, the pressure every five.
work_and_rest() {
    local begun
    guest_timeout=3000 guest_run "$1" "build-work compile ${folders[*]} && build-work redis $keys" \
        >"$LAB_RESULTS/$1.work" 2>&1 || return
    begun=$(now)
    while (($(now) - begun < rest * 1000)); do
        echo "$(($(now) - begun)) $(guest_footprint "$1")" >>"$LAB_RESULTS/$1.footprint"
        ((SECONDS % 5 != 0)) || pressure "$1" >>"$LAB_RESULTS/$1.pressure"
        sleep 1
    done
    echo "$(guest_footprint "$1") $(in_use "$1") $(cached "$1")" >"$lab_run/$1.last"
}

# judge NAME LIMIT: its figures. What it may hold beside the baseline is in proportion to $allowed.
judge() {
    local held use cache allowed
    read -r held use cache <"$lab_run/$1.last"
    use=$((use - use_before[$1]))
    cache=$((cache - cache_before[$1]))
    allowed=$((use + headroom))
    [[ $1 == agent ]] || allowed=$((allowed + cache))
    jq -nc --arg name "$1" --argjson baseline "${baseline[$1]}" --argjson held "$held" --argjson use "$use" \
        --argjson cache "$cache" --argjson allowed "$allowed" --argjson limit "$2" \
        --argjson peak "$(sort -n -k 2 "$LAB_RESULTS/$1.footprint" | tail -n 1 | cut -d ' ' -f 2)" \
        --argjson psi "$(cut -d ' ' -f 1 "$LAB_RESULTS/$1.pressure" | sort -n | tail -n 1)" \
        --argjson seconds "$(awk -v most="$(jq -n "${baseline[$1]} + $2 * $allowed")" '
            $2 <= most { printf "%.1f\n", $1 / 1000; found = 1; exit } END { if (!found) print "null" }' \
            "$LAB_RESULTS/$1.footprint")" \
        '{$name, ratio: (($held - $baseline) / $allowed), $limit, $seconds, psi_full_avg10_max: $psi,
          baseline_bytes: $baseline, work_end_bytes: $peak, footprint_bytes: $held, in_use_growth_bytes: $use,
          cache_growth_bytes: $cache}' | tee -a "$LAB_RESULTS/figures.json"
}

build_work_put || give_up "headers are missing: run deploy/install-deps"
libvirt_start || give_up "libvirtd does not answer"
guest_boot_timeout=300
guest_timeout=900
libvirt_controller_start
for name in agent alone; do
    boot "$name" || give_up "guest $name did not boot"
    manage "$name" || give_up "the agent of guest $name does not answer"
done
for name in agent alone; do
    work_and_rest "$name" &
    workers[$name]=$!
done
for name in agent alone; do
    wait "${workers[$name]}" || give_up "the work of guest $name failed"
done
judge agent 1.15
judge alone 1.35
for name in agent alone; do
    vmreclaim explain "$name" >"$LAB_RESULTS/$name.explain" 2>&1
    vmreclaim actions --vm "$name" -n 9 >"$LAB_RESULTS/$name.actions" 2>&1
    rm -f "$LAB_RESULTS/$name.img"
done
guest_run agent 'journalctl -b -u vmreclaim-agent -o short-monotonic' >"$LAB_RESULTS/agent.log"
echo "took $(elapsed) s on the ground $LAB_GROUND"
