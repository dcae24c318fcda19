# shellcheck shell=bash
# Why memory does not come back: each cause made for real, and what vmreclaim calls it. For the
# scripts test-reasons*.sh, which end with a table of cause, code and evidence; a wrong code fails.
# shellcheck disable=SC2119,SC2317
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"

MiB=$((1024 * 1024))
guest_boot_timeout=90 # several boot side by side
# shellcheck disable=SC2034 # for the scripts
qmp=$LAB_BUILD/tests/lab/qmp
table=()

# row CAUSE EXPECTED-CODE FINDING: FINDING is JSON with code and evidence.
row() {
    local code evidence
    code=$(jq -r '.code // .reason_code // "none"' <<<"$3")
    evidence=$(jq -r '[.evidence[]? | if .unit == "bytes"
        then "\(.name) \(.value / 1048576 * 10 | round / 10) MiB" else "\(.name) \(.value)" end] |
        join(", ")' <<<"$3")
    table+=("$(printf '%s\t%s\t%s' "$1" "$code" "$evidence")")
    check "$1: $2" test "$code" = "$2"
    [[ $code == "$2" ]] || jq -c 'del(.samples)' <<<"$3"
}

# explains GUEST CAUSE CODE: among what cannot come back now. Without it the first other reason.
explains() {
    local findings
    findings=$(vmreclaim --json explain "$1" | jq -c '[.findings[] | select(.kind == "stuck")]')
    printf '%s\n' "$findings" >"$LAB_RESULTS/explain.$3.json"
    vmreclaim explain "$1" >"$LAB_RESULTS/explain.$3"
    row "$2" "$3" "$(jq -c --arg code "$3" '(map(select(.code == $code)) + .)[0] // {}' <<<"$findings")"
}

# holds GUEST CAUSE CODE: what holds the memory, among what explain names.
holds() {
    row "$2" "$3" "$(vmreclaim --json explain "$1" | jq -c --arg code "$3" \
        '[.findings[] | select(.kind == "holds")] | (map(select(.code == $code)) + .)[0] // {}')"
}

# acts GUEST CAUSE CODE COMMAND...: the one reason in the action's record.
acts() {
    local guest=$1 cause=$2 code=$3 action
    shift 3
    action=$(vmreclaim --json "$@" | jq -c .action)
    vmreclaim verify "$(jq -r .id <<<"$action")" >"$LAB_RESULTS/action.$code"
    row "$cause" "$code" "$action"
}

# hold GUEST NAME WORKLOAD...: as guest_hold, several at a time.
hold() {
    local guest=$1 name=$2
    shift 2
    guest_run "$guest" "rm -f /tmp/$name; workload $* >/tmp/$name 2>&1 & echo \$! >/tmp/$name.pid
        until grep -q . /tmp/$name; do sleep 0.1; done; grep -qx ready /tmp/$name || { cat /tmp/$name; false; }"
}

release() {
    guest_run "$1" "read -r pid </tmp/$2.pid; kill \"\$pid\"; while [ -d /proc/\$pid ]; do sleep 0.02; done"
}

# settled GUEST: nothing waits to be reported any more.
settled() {
    local waiting
    waiting=$(vmreclaim --json vm show "$1" | jq '.vm.waterfall | .reportable - .held_back')
    ((waiting < 8 * MiB))
}

connected_or_die() {
    wait_for 30 connected "$1" || {
        echo "the agent of guest $1 did not connect"
        exit 75
    }
}

boot_or_die() {
    guest_boot "$@" || {
        echo "guest $1 did not boot"
        exit 75
    }
}

# The end of a script: the table, and what the agents logged.
reasons_end() {
    local cause code evidence name
    printf '\n%-36s %-26s %s\n' CAUSE CODE EVIDENCE
    printf '%s\n' "${table[@]}" | while IFS=$'\t' read -r cause code evidence; do
        printf '%-36s %-26s %s\n' "$cause" "$code" "$evidence"
    done
    for name in "${!guest_pids[@]}"; do
        guest_timeout=10 agent_log "$name" >"$LAB_RESULTS/$name.agent.log"
    done
    lab_verdict
}

printf 'name: quiet\nprofile: balanced\nidle_window: 1h\ntrickle: 0\nsample_interval: 2s\n' \
    >"$lab_run/quiet.yaml"
