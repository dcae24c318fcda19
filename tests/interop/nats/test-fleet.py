#!/usr/bin/python3
"""Hosts, coordinators and rollouts over a real nats-server.

usage: test-fleet.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY
"""
import signal
import sys
import unittest

import fleet
from fleet import wait

PROGRAMS = sys.argv[1:5]
POLICY = "name: night\nprofile: gentle\n"
REVERTED, COMPLETE = 7, 9


class FleetTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, [f"h{i}" for i in range(4)])
        self.fleet.start_server()
        self.addCleanup(self.fleet.end)

    def hosts(self, coordinator):
        return {host.host: host for host in coordinator.call("ListHosts").hosts}

    def present(self, coordinator):
        return [name for name, host in self.hosts(coordinator).items()
                if host.presence == "present"]

    def start_all(self):
        for host in self.fleet.hosts:
            host.start()

    def test_hosts_are_seen(self):
        coordinator = self.fleet.add_coordinator("one")
        wait(coordinator.leads, coordinator.program)
        self.start_all()
        wait(lambda: len(self.present(coordinator)) == 4, coordinator.program)
        wait(lambda: all(host.status.host.total > 0 for host in self.hosts(coordinator).values()))
        host = self.hosts(coordinator)["h2"]
        self.assertEqual(host.status.name, "h2.example")
        self.assertEqual(list(host.status.labels), ["rack=r1"])
        self.assertEqual(host.status.vm_count, 0)
        self.assertEqual(host.status.problem, "")
        by_name = coordinator.call("GetHostStatus", host="h2.example").host
        self.assertEqual(by_name.host, "h2")
        page = coordinator.call("ListHosts", page_size=3)
        self.assertEqual([h.host for h in page.hosts], ["h0", "h1", "h2"])
        page = coordinator.call("ListHosts", page_size=3, page_token=page.next_page_token)
        self.assertEqual([h.host for h in page.hosts], ["h3"])
        self.assertEqual(page.next_page_token, "")
        self.assertEqual(len(coordinator.call("ListHosts", selector="h1.*").hosts), 1)

    def start_rollout(self, coordinator, **more):
        rollout = dict(policy="night", text=POLICY, vm_selectors=["*"], host_selector="all",
                       waves_permyriad=[5000, 10000], canary_hosts=1, canary_soak_ns=10 ** 9,
                       soak_ns=10 ** 9,
                       gates=[dict(name=name, limit=-1) for name in GATES])
        rollout.update(more)
        try:
            return coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused as refused:
            self.assertIn("not known yet", refused.text)
            return None

    def in_force(self, coordinator):
        return sorted(name for name, host in self.hosts(coordinator).items()
                      if any(policy.name == "night" for policy in host.status.applied.policies))

    def test_a_rollout_there_and_back(self):
        """Whoever leads is killed in its midst; another one goes on. Then it is taken back."""
        one = self.fleet.add_coordinator("one")
        wait(one.leads, one.program)
        two = self.fleet.add_coordinator("two")
        self.start_all()
        wait(lambda: len(self.present(two)) == 4, two.program)
        self.assertFalse(two.leads())
        identifier = wait(lambda: self.start_rollout(two), two.program)
        wait(lambda: len(one.rollout(identifier).hosts) > 0, one.program)
        one.program.end(signal.SIGKILL)
        wait(two.leads, two.program)
        wait(lambda: two.rollout(identifier).state == COMPLETE, two.program)
        wait(lambda: self.in_force(two) == ["h0", "h1", "h2", "h3"], two.program)
        self.assertEqual(sorted(two.rollout(identifier).hosts), ["h0", "h1", "h2", "h3"])
        two.call("OrderRollout", id=identifier, verb=4, reason="second thoughts")
        wait(lambda: two.rollout(identifier).state == REVERTED, two.program)
        wait(lambda: not self.in_force(two), two.program)


GATES = ["oom-kills", "hosts-lost", "agents-lost", "pressure", "refaults", "major-faults", "apply-errors",
         "degraded", "actions-refused", "returned"]

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
