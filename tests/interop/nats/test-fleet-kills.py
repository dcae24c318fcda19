#!/usr/bin/python3
"""Three coordinators on a real nats-server; whoever leads is killed at random moments of rollouts, and
another one goes on. The seed is printed.

usage: test-fleet-kills.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY KILLS [SEED]
"""
import random
import signal
import sys
import time

import fleet
from fleet import wait

PROGRAMS = sys.argv[1:5]
KILLS = int(sys.argv[5])
SEED = int(sys.argv[6]) if len(sys.argv) > 6 else int(time.time())
HOSTS = 6
COMPLETE = 9


def start_rollout(coordinator, number):
    rollout = dict(policy="night", text=f"name: night\nprofile: gentle\n# {number}\n",
                   vm_selectors=["*"], host_selector="all", waves_permyriad=[3000, 10000],
                   canary_hosts=1, canary_soak_ns=10 ** 9, soak_ns=10 ** 9,
                   gates=fleet.NO_GATES)
    try:
        return coordinator.call("StartRollout", rollout=rollout).rollout.id
    except fleet.wire.Refused:
        return None  # it has just come, or the lease is between two of them


def state(coordinator, identifier):
    rollout = coordinator.rollout(identifier)
    return None if rollout is None else rollout.state


def leader(coordinators):
    return next((one for one in coordinators if one.program.process.poll() is None and one.leads()),
                None)


def kill_some(where, chance, kills):
    """At moments of which some lie between two writes."""
    for _ in range(kills):
        time.sleep(chance.uniform(0, 4))
        one = wait(lambda: leader(where.coordinators))
        one.program.end(signal.SIGKILL)
        one.program.start()
        wait(one.answers, one.program)


def run(where, chance):
    for name in ("one", "two", "three"):
        where.add_coordinator(name)
    for host in where.hosts:
        host.start()
    first = where.coordinators[0]
    wait(lambda: len(first.call("ListHosts").hosts) == HOSTS, first.program)
    started = []
    while len(started) * 10 < KILLS:
        identifier = wait(lambda: start_rollout(first, len(started) + 1))
        started.append(identifier)
        kill_some(where, chance, min(10, KILLS))
        wait(lambda identifier=identifier: state(first, identifier) == COMPLETE, first.program)
        print(f"rollout {len(started)} is complete", flush=True)
    for host in where.hosts:
        authors = [revision.author for revision in host.revisions("night")]
        assert sorted(authors) == sorted(f"fleet:{identifier}" for identifier in started), authors


def main():
    print(f"seed {SEED}", flush=True)
    where = fleet.Fleet(PROGRAMS, [f"h{i}" for i in range(HOSTS)])
    try:
        where.start_servers(1)
        run(where, random.Random(SEED))
    finally:
        where.end()


main()
