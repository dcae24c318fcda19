# shellcheck shell=bash
# shellcheck disable=SC2016,SC2154 # the guest expands; $lab_run comes from lib.sh
# The agent in a guest that thrashes: a memory hog, swap on zram. Every RPC works under the system
# call filter over AF_VSOCK; Ping is answered within 1 s all the while, and the pressure event
# comes within 2 s of the first page swapped out.
# usage: tests/lab/run tests/lab/test-agent-thrash.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

# zram is not among the lab's modules: it comes to the guest on a disk, with what it depends on.
modules=$(dirname "$LAB_GUEST_KERNEL")/../lib/modules
modules=$(echo "$modules"/*)
needed=$(awk -F': *' '$1 ~ /\/(lzo-rle|zram)\.ko$/ { print $2, $1 }' "$modules/modules.dep")
for module in $needed; do
    cp "$modules/$module" "$lab_run/"
done
names=$(for module in $needed; do basename "$module"; done | awk '!seen[$0]++' | tr '\n' ' ')
# shellcheck disable=SC2086 # one word per module
tar -C "$lab_run" -cf "$lab_run/modules.tar" $names

guest_start a 3 512 any -drive "file=$lab_run/modules.tar,format=raw,if=virtio,readonly=on"
"$LAB_BUILD/tests/lab/agent-probe" "$(agent_address a)" 150 >"$LAB_RESULTS/probe.log" 2>&1 &
probe=$!
guest_wait a || exit 1
guest_run a 'cd /tmp && tar xf /dev/vda || exit
    for module in '"$names"'; do insmod $module || true; done
    echo 1G >/sys/block/zram0/disksize && mkswap /dev/zram0 && swapon /dev/zram0' || exit 1
agent_start a

# Every RPC once: nine lines, and Watch does not end.
all_answered() {
    (($(grep -c '^rpc' "$LAB_RESULTS/probe.log") >= 9))
}
wait_for 60 all_answered || echo "not every RPC was answered"
sort "$LAB_RESULTS/probe.log" | uniq -c | grep rpc
refused=$(grep '^rpc' "$LAB_RESULTS/probe.log" | grep -vc ' OK ')
agent_log a

# From here on the guest thrashes. Its own clock says when the first page left.
pings_before=$(grep -c '^ping' "$LAB_RESULTS/probe.log")
guest_run a 'while :; do
        read -r _ out <<END
$(grep ^pswpout /proc/vmstat)
END
        [ "${out:-0}" -eq 0 ] || { cut -d" " -f1 /proc/uptime >/tmp/swapped; break; }
        usleep 50000
    done >/dev/null 2>&1 &
    for i in 1 2 3; do workload hog 350000000 >/dev/null 2>&1 & done'
sleep 25
guest_timeout=60
swapped=$(guest_run a 'cat /tmp/swapped; killall workload')
kill "$probe"
swapped_ms=$(awk -v t="$swapped" 'BEGIN { printf "%d", t * 1000 }')
pressure_ms=$(awk '/^pressure/ { print $2; exit }' "$LAB_RESULTS/probe.log")
slowest=$(grep '^ping' "$LAB_RESULTS/probe.log" | tail -n "+$((pings_before + 1))" |
    awk '$2 == "failed" { print 99999; next } $2 > slowest { slowest = $2 } END { print slowest }' |
    sort -n | tail -1)
echo "slowest ping while thrashing: $slowest ms; first swap-out at $swapped_ms ms," \
    "pressure event of ${pressure_ms:-never} ms; refused RPCs: $refused"
guest_run a 'dmesg | grep -i "sigsys\|type=1326"' && exit 1
[[ $refused -eq 0 && $slowest -le 1000 && -n $pressure_ms &&
    $((pressure_ms - swapped_ms)) -le 2000 ]]
