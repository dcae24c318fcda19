#!/bin/bash
# The demo's guests at work, recorded by a Prometheus from vmreclaim-web: what it has of a moment is to
# the byte what the history has of it.
# usage: tests/lab/run --timeout SECONDS tests/lab/test-recorded.sh [MINUTES]
# shellcheck disable=SC2154
# shellcheck source=tests/lab/lib.sh
. "$LAB_SOURCE/tests/lab/lib.sh"
# shellcheck source=deploy/demo/guests.sh
. "$LAB_SOURCE/deploy/demo/guests.sh"
# shellcheck source=tests/lab/web.sh
. "$LAB_SOURCE/tests/lab/web.sh"

minutes=${1:-6}
prometheus=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/vmreclaim/lab/prometheus/usr/bin/prometheus

give_up() {
    echo "$*; logs in $LAB_RESULTS"
    exit 75
}

# A page of metrics is renewed once a second; asked four times as often it is recorded soon.
prometheus_start() {
    cat >"$lab_run/prometheus.yml" <<END
scrape_configs:
  - job_name: vmreclaim
    scrape_interval: 250ms
    scrape_timeout: 250ms
    static_configs: [{targets: ['$web_address']}]
END
    "$prometheus" --config.file="$lab_run/prometheus.yml" --storage.tsdb.path="$LAB_RESULTS/recorded" \
        --web.listen-address=127.0.0.1:0 --log.level=info </dev/null >"$LAB_RESULTS/prometheus.log" 2>&1 &
    lab_beside+=("$!")
    wait_for 30 grep -q 'Server is ready' "$LAB_RESULTS/prometheus.log" &&
        recorder=$(sed -n 's/.*msg="Listening on" address=\([^ ]*\).*/\1/p' "$LAB_RESULTS/prometheus.log")
}

[[ -x $prometheus ]] || {
    echo "no Prometheus: deploy/install-deps all fetches it"
    exit 77
}
demo_guests "$LAB_SOURCE/deploy/demo/policy.yaml" "$LAB_SOURCE/deploy/demo/policy.yaml" || give_up "$demo_problem"
demo_write_files
web_start || give_up "vmreclaim-web does not answer"
prometheus_start || give_up "Prometheus does not start"
work_of_one &
lab_beside+=("$!")
work_of_two &
lab_beside+=("$!")
echo "Recording for $minutes minutes"
sleep $((minutes * 60))
check "what was recorded is what the history has" \
    "$LAB_SOURCE/tests/lab/recorded.py" "$recorder" "$web_address" "$LAB_RESULTS/recorded.json" one two
lab_verdict
