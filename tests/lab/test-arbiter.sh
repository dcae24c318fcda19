#!/bin/bash
# A host that runs short, in small: three real guests and a hog in a cgroup of their own. Without the
# arbiter something is killed; with it nothing is, each guest keeps its floor, the hog gets its memory,
# and the guests get theirs back. See tests/bench/arbiter.sh, which measures more.
# Needs root and cgroups of memory.
# shellcheck source=tests/lab/checks.sh
. "$LAB_SOURCE/tests/lab/checks.sh"

export guest_initrd=$LAB_RESULTS/guest.initrd
running=''
# Who ends this ends its guests.
trap '[[ -z $running ]] || kill -TERM "$running" 2>/dev/null' EXIT
trap 'exit 143' TERM INT

figure() { # ARM NAME
    jq -r ".$2" "$LAB_RESULTS/$1/figures.json"
}

course() { # ARM
    mkdir "$LAB_RESULTS/$1"
    LAB_RESULTS=$LAB_RESULTS/$1 "$LAB_SOURCE/tests/bench/arbiter.sh" quick "$1" &
    running=$!
    wait "$running" || exit
    running=''
}

course off
check "without the arbiter something is killed" test "$(figure off oom_kills)" -ge 1
course ours
check "with it nothing is" test "$(figure ours oom_kills)" -eq 0
check "no guest is under its floor" test "$(figure ours floor_error_percent)" = 0
check "the hog gets its memory" test "$(figure ours hog_satisfied_seconds)" != null
check "the guests get theirs back" test "$(figure ours back_seconds)" != null
lab_verdict
