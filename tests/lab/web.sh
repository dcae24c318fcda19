# shellcheck shell=bash
# shellcheck disable=SC2154 # $lab_run comes from lib.sh
# vmreclaim-web over the demo's guests, and what they do meanwhile. Sourced after tests/lab/lib.sh and
# deploy/demo/guests.sh.
web_address=''

# web_start: $web_address is where it listens.
web_start() {
    "$LAB_BUILD/controller/web/vmreclaim-web" --listen 127.0.0.1:0 --api "$VMRECLAIM_API" \
        </dev/null >"$LAB_RESULTS/web.log" 2>&1 &
    lab_beside+=("$!")
    wait_for 10 grep -q 'listens on' "$LAB_RESULTS/web.log" &&
        web_address=$(sed -n 's/.*listens on //p' "$LAB_RESULTS/web.log") &&
        wait_for 10 curl -sf -o /dev/null "http://$web_address/healthz"
}

# Rounds of a minute: programs of random size come and go, files are read, pages stay behind. What a
# guest cannot do is left out: it is load, not the subject.
work_of_one() {
    while :; do
        guest_hold one hog $((RANDOM % 1200 * 1048576 + 104857600)) && sleep 5 && guest_release one
        sleep $((RANDOM % 15))
        demo_read_files
        sleep $((20 + RANDOM % 20))
    done >/dev/null 2>&1
}

work_of_two() {
    while :; do
        guest_hold two fragment $((RANDOM % 400 * 1048576 + 104857600)) &&
            sleep $((25 + RANDOM % 20)) && guest_release two
        sleep $((10 + RANDOM % 10))
    done >/dev/null 2>&1
}
