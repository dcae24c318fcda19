"""What is below /api/, and what shows the same at the command line."""
import json
import os
import re
import subprocess

# Of the daemon, by path.
DAEMON = {
    "status": "status",
    "host": "host",
    "plan": "plan",
    "vms": "vm list",
    "vm?vm=web1": "vm show web1",
    "vm?vm=alone": "vm show alone",
    "explain?vm=web1": "explain web1",
    "doctor?vm=web1": "doctor web1",
    "ranges?vm=web1": "ranges web1",
    "ping?vm=web1": "ping web1",
    "history?vm=web1": "history web1",
    "actions": "actions",
    "verify?id=a-17": "verify a-17",
    "policies": "policy list",
    "policy?name=idle": "policy show idle",
    "policy-history?name=idle": "policy history idle",
    "effective-policy?vm=web1": "policy show --effective web1",
    "effective-policy?vm=web1&why=1": "policy why web1",
    "reservations": "reserve list",
    "plan-compact?vm=web1": "compact web1 --dry-run",
    "plan-reclaim?vm=web1&bytes=4096": "reclaim web1 --bytes 4KiB --dry-run",
    "plan-balloon?vm=web1&size=1073741824": "balloon web1 1GiB --dry-run",
    "plan-pulse?vm=web1": "pulse web1 --dry-run",
    "plan-squeeze?vm=web1&drop=1": "squeeze web1 --drop --dry-run",
    "dump": "debug dump"}

# Of a fleet.
FLEET = {
    "fleet/status": "fleet status",
    "fleet/hosts": "fleet hosts",
    "fleet/hosts?selector=rack1-*": "fleet hosts --hosts rack1-*",
    "fleet/vms?selector=h00003": "fleet vms --hosts h00003",
    "fleet/vms?most=5": "fleet vms --most 5",
    "fleet/host?host=h00002": "fleet explain h00002",
    "fleet/explain?host=h00002&vm=vm-2": "fleet explain h00002/vm-2",
    "fleet/events": "fleet events --limit 500",
    "fleet/events?selector=h00002": "fleet events --hosts h00002 --limit 500",
    "fleet/policies": "fleet policy list",
    "fleet/policies?selector=rack1-*": "fleet policy list --hosts rack1-*",
    "fleet/policy?name=night": "fleet policy show night",
    "fleet/rollouts?with_hosts=1": "fleet rollout status",
    "fleet/rollouts?id=4f&with_hosts=1": "fleet rollout status 4f",
    "fleet/rollout-history": "fleet rollout history",
    "fleet/rollout-history?id=4f": "fleet rollout history 4f"}

# Commands without a path of their own: what they show is elsewhere, or they change something.
ELSEWHERE = {
    "top": "the page, from vms and host",
    "fleet top": "the page, from fleet/hosts and fleet/vms",
    "events": "/events",
    "policy check": "a file of the operator's",
    "policy diff": "two texts of policy",
    "fleet doctor": "files and keys of the machine where it is typed",
    "version": "the daemon's is in status",
    "shell": "it is other commands",
    "fleet policy why": "what fleet/host and fleet/explain have of policies"}
CHANGE = {"reclaim", "compact", "reporting", "balloon", "release", "pulse", "squeeze", "reserve",
          "reserve release", "halt", "resume", "reload", "policy apply", "policy edit",
          "policy rollback", "policy unassign", "policy delete", "fleet rollout start",
          "fleet rollout pause", "fleet rollout resume", "fleet rollout abort",
          "fleet rollout rollback"}


def commands(program):
    """All that there are, as --help has them."""
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    listed = text[text.index("commands:"):text.index("options of every")]
    return re.findall(r"^  ([a-z]+(?: [a-z]+){0,2})(?= )", listed, re.M)


def show(program, command, **sockets):
    """Of the command line, as JSON. What comes as one document a line is put together."""
    shown = subprocess.run([program, "--json", *command.split()], env={**os.environ, **sockets},
                           capture_output=True, text=True, timeout=60, check=False)
    assert shown.stdout != "", shown.stderr
    documents = [json.loads(line) for line in shown.stdout.splitlines()]
    for more in documents[1:]:
        for name, rows in more.items():
            documents[0][name] += rows
    return documents[0]
