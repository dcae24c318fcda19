#!/bin/bash
# One agent, one controller, AF_VSOCK in the guest: what every layer promises, in one boot.
# Functions are called by name, and what guests run expands there.
# shellcheck disable=SC2016,SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))

# waterfall_of GUEST PART
waterfall_of() {
    vmreclaim --json vm show "$1" | jq -r ".vm.waterfall.$2"
}

# answers PATTERN COMMAND...: it succeeds and says so. A grep that ends early would end it by SIGPIPE.
answers() {
    local pattern=$1 output
    shift
    output=$("$@" 2>&1) && grep -qE "$pattern" <<<"$output"
}

fails() { # PATTERN COMMAND...: it fails and says PATTERN
    local pattern=$1 output
    shift
    if output=$("$@" 2>&1); then
        return 1
    fi
    grep -qE "$pattern" <<<"$output" || {
        echo "        said: $output"
        return 1
    }
}

# hangs_up_on KIND: a guest that sends such frames, beside its agent where that listens, or instead of
# another that dials.
hangs_up_on() {
    case ${guest_links[a]} in
        hybrid) guest_run a "vsock-garbage $1 listen 1018" ;;
        *) guest_run a "vsock-garbage $1" ;;
    esac
}

remainder_is_small() {
    local remainder=0 footprint bound i
    for ((i = 0; i < 20; i++)); do
        remainder=$(waterfall_of a remainder)
        footprint=$(waterfall_of a footprint)
        bound=$((footprint * 3 / 100))
        ((bound >= 32 * MiB)) || bound=$((32 * MiB))
        ((remainder > bound || remainder < -bound)) || break
        sleep 2
    done
    echo "        remainder $((remainder / MiB)) MiB of a footprint of $((footprint / MiB)) MiB"
    ((remainder <= bound && remainder >= -bound))
}

footprint_agrees() {
    local mine theirs
    mine=$(guest_footprint a)
    theirs=$(waterfall_of a footprint)
    ((mine - theirs < 64 * MiB && theirs - mine < 64 * MiB))
}

compaction_returns() {
    local before after i
    guest_hold a fragment 400000000
    sleep 3 # plain reporting has nothing to report; give it the chance
    before=$(guest_footprint a)
    vmreclaim compact a | sed 's/^/        /'
    for ((i = 0; i < 20; i++)); do
        after=$(guest_footprint a)
        ((before - after < 90 * MiB)) || break
        sleep 1
    done
    echo "        returned $(((before - after) / MiB)) MiB of 190"
    guest_release a
    ((before - after >= 90 * MiB))
}

# The compaction has one id wherever it is named.
one_id() {
    local id
    id=$(vmreclaim --json actions --vm a -n 9 |
        jq -r 'first(.actions[] | select(.asked_by == "root")).id')
    echo "        action $id"
    grep -q "audit: root .* calls Compact, action $id" "$LAB_RESULTS/vmreclaimd.log" &&
        answers "compaction $id, asked by root" agent_log a &&
        answers "vmreclaim: performing memory compaction \(action $id\)" guest_run a dmesg
}

# within 5 s
together_again() {
    local since
    since=$(now)
    wait_for 5 connected a || return
    echo "        after $(($(now) - since)) ms"
}

# The guest does nothing by itself within this test.
printf 'name: quiet\nprofile: balanced\nidle_window: 10m\ntrickle: 0\n' >"$lab_run/quiet.yaml"
# A socket that takes connections and never says a word.
guest_boot a 3 1024 memfd -device virtserialport,chardev=silent,name=silent \
    -chardev "socket,id=silent,path=$lab_run/silent.qmp,server=on,wait=off" || {
    echo "the guest did not boot"
    exit 75
}
vm_describe a 3 "$lab_run/quiet.yaml"
vm_describe away 8
vm_describe silent 9
[[ ${guest_links[a]} != hybrid ]] ||
    printf 'name: garbage\nagent: hybrid:%s:1018\n' "$lab_run/a.vsock" >"$lab_run/vms/garbage.yaml"
controller_start
agent_start a
check "agent and controller meet" wait_for 30 connected a
check "ping answers" answers 'answered in' vmreclaim ping a
check "the VM is managed" wait_for 10 answers 'managed' vmreclaim vm list
check "the guest's kernel is known" answers '6\.1\.' vmreclaim vm show a
check "explain speaks" answers 'What holds the memory' vmreclaim explain a
check "ranges of free memory" answers 'reported|reportable' vmreclaim ranges a
check "an unknown VM is refused" fails 'nobody' vmreclaim vm show nobody
check "an unreachable QMP socket is named" wait_for 20 answers 'no such file' vmreclaim --json vm show away
check "a silent one is told apart" wait_for 20 answers 'greet' vmreclaim vm show silent
check "and the agent still answers" connected a
check "footprint agrees with the kernel's count" footprint_agrees

printf 'name: wrong\nprofile: balanced\nidle_windw: 20s\n' >"$lab_run/wrong.yaml"
check "a misspelt key names file, line and key" \
    fails 'wrong.yaml:3.*idle_win' vmreclaim policy apply "$lab_run/wrong.yaml" --vm a
printf 'name: wrong\nprofile: balanced\nidle_window: 20 parsecs\n' >"$lab_run/wrong.yaml"
check "a bad value names file and line" \
    fails 'wrong.yaml:3' vmreclaim policy apply "$lab_run/wrong.yaml" --vm a
sed 's/quiet/again/' "$lab_run/quiet.yaml" >"$lab_run/again.yaml"
check "a policy is applied" answers 'revision 1' vmreclaim policy apply "$lab_run/again.yaml" --vm a
"$LAB_BUILD/controller/vmreclaim" --json events -f --samples >"$lab_run/events" 2>&1 &
lab_beside+=("$!")
check "events carry samples" wait_for 8 grep -q '"kind":"sample"' "$lab_run/events"

for kind in garbage oversized truncated; do
    check "a guest that sends $kind frames is hung up on" hangs_up_on "$kind"
    check "and the agent beside it still answers" wait_for 5 connected a
done

check "compaction returns what is trapped" compaction_returns
check "its id is in the audit, the agent's log and the guest's kernel log" one_id
guest_run a 'workload touch-all 33554432'
check "the waterfall has no hole once all memory was touched" remainder_is_small

agent_kill a
check "the controller outlives the agent" kill -0 "$controller_pid"
agent_start a
check "a new agent is with it within 5 s" together_again
controller_kill
check "the agent outlives the controller" guest_run a 'xargs kill -0 </tmp/agent.pid'
controller_start
check "a new controller is with it within 5 s" together_again
agent_kill a
controller_kill
agent_start a
controller_start
check "both killed, both back within 5 s" together_again
agent_log a >"$LAB_RESULTS/agent.log"
lab_verdict
