# shellcheck shell=bash
# The agent's unit under a real systemd: agent-unit.sh in the Debian guest.
# usage: tests/lab/run tests/lab/test-agent-unit.sh works comes_back
#        the same with: without
. "$LAB_SOURCE/tests/lab/lib.sh"
. "$LAB_SOURCE/tests/lab/debian.sh"

debian_put "$LAB_SOURCE"/tests/lab/{checks,agent-unit}.sh /usr/local/lib/lab
# Two, so that a reporting pass has a second CPU to be started from.
guest_cpus=2 debian_boot unit 3 1024 || exit 75
guest_timeout=1500
guest_run unit "LAB_PACE=$lab_pace LAB_RESULTS=$LAB_RESULTS bash /usr/local/lib/lab/agent-unit.sh $*"
status=$?
for log in probe journal; do
    guest_run unit "cat $LAB_RESULTS/$log.log" >"$LAB_RESULTS/$log.log"
done
exit "$status"
