# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the names are arbiter.sh's
# For arbiter.sh: MOM's or Proxmox VE's rule drives the balloons of its guests. Both look at the
# hypervisor's statistics alone, MOM each five seconds; both act each ten. Sourced, not run.

rule_pid=''

statistic() { # NAME KEY
    "$qmp" "$lab_run/$1.third" qom-get \
        '{"path": "/machine/peripheral/balloon0", "property": "guest-stats"}' |
        sed -nE "s/.*\"$2\": ([0-9]+).*/\1/p"
}

# One look, as balloon-rules reads it. A guest that was killed is left out.
rule_look() {
    local name size free
    echo "host $lab_group_limit $(group_available)"
    for name in "${guests[@]}"; do
        size=$(size_of "$name" 2>/dev/null) free=$(statistic "$name" stat-free-memory 2>/dev/null)
        [[ -z $size || -z $free ]] || echo "guest $name $size $free" \
            "$((${floors[$name]} * MiB)) $((memory * MiB)) ${shares[$name]}"
    done
    echo sample
}

rule_act() {
    local name target
    echo decide >&"${RULES[1]}"
    while read -r name target <&"${RULES[0]}" && [[ $name != . ]]; do
        echo "$(elapsed) s: $name to $((target / MiB)) MiB"
        "$qmp" "$lab_run/$name.third" balloon "{\"value\": $target}" >/dev/null
    done
}

rule_loop() { # RULE
    local turn
    coproc RULES { exec "$LAB_BUILD/tests/bench/balloon-rules" "$1"; }
    for ((turn = 1; ; turn++)); do
        rule_look >&"${RULES[1]}"
        ((turn % 2)) || rule_act
        sleep 5
        [[ -d $lab_group ]] || break
    done
}

rule_start() { # RULE
    local name
    for name in "${guests[@]}"; do
        "$qmp" "$lab_run/$name.third" qom-set '{"path": "/machine/peripheral/balloon0",
            "property": "guest-stats-polling-interval", "value": 2}' >/dev/null || return
    done
    rule_loop "$1" >>"$LAB_RESULTS/$1.log" 2>&1 &
    rule_pid=$!
}
