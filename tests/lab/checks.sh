# shellcheck shell=bash
# What scripts of the lab check and how long they wait, on the host and in a guest with bash alike.
# Sourced, not run.

# now: milliseconds of a clock that only goes forward.
now() {
    local up
    read -r up _ </proc/uptime
    echo "${up/./}0"
}

# How slow this ground is: 100 is a quiet machine's own processor. Limits on waiting follow it.
lab_pace=${LAB_PACE:-100}

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails when the time is over. SECONDS are a
# quiet machine's.
wait_for() {
    local deadline=$(($(now) + $1 * 10 * lab_pace))
    shift
    until "$@"; do
        (($(now) < deadline)) || return 1
        sleep 0.1
    done
}

lab_failures=0

# check WORDS CONDITION...: one line a check; the script goes on. Ends with lab_verdict.
check() {
    local words=$1
    shift
    if "$@"; then
        echo "ok      $words"
    else
        echo "FAILED  $words"
        lab_failures=$((lab_failures + 1))
    fi
}

lab_verdict() {
    ((lab_failures == 0)) || echo "$lab_failures checks failed; logs in $LAB_RESULTS"
    exit $((lab_failures > 0))
}
