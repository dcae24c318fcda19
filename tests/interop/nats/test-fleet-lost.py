#!/usr/bin/python3
"""The servers lose all that they have stored: the fleet comes back, and rollouts reach its hosts again.

usage: test-fleet-lost.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY
"""
import signal
import sys
import unittest

import fleet
from fleet import wait

PROGRAMS = sys.argv[1:5]
COMPLETE = 9


class LostTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, ["h0", "h1"])
        self.fleet.start_server()
        self.addCleanup(self.fleet.end)
        self.coordinator = self.fleet.add_coordinator("one", lease="6s")
        for host in self.fleet.hosts:
            host.start()
        self.number = 0

    def start_rollout(self, policy):
        self.number += 1
        rollout = dict(policy=policy, text=f"name: {policy}\nprofile: gentle\n# {self.number}\n",
                       vm_selectors=[policy], host_selector="all", waves_permyriad=[10000],
                       canary_soak_ns=10 ** 9, soak_ns=10 ** 9, gates=fleet.NO_GATES)
        try:
            return self.coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused:
            return None

    def roll_out(self, policy):
        identifier = wait(lambda: self.start_rollout(policy), self.coordinator.program)
        wait(lambda: self.is_in_force(policy, identifier), self.coordinator.program)
        wait(lambda: self.coordinator.rollout(identifier).state == COMPLETE, self.coordinator.program)
        return identifier

    def is_in_force(self, policy, identifier):
        hosts = self.coordinator.call("ListHosts").hosts
        return len(hosts) == 2 and all(
            any((one.name, one.rollout) == (policy, identifier)
                for one in host.status.applied.policies) for host in hosts)

    def test_what_was_lost(self):
        first = self.roll_out("night")
        other = self.roll_out("day")
        self.fleet.servers[0].lose_everything()
        # who knows the rollouts puts them back, and what a host had is not taken away with the next
        wait(lambda: self.coordinator.rollout(first).state == COMPLETE)
        second = self.roll_out("night")
        self.assertTrue(self.is_in_force("day", other))
        # nobody knows anything any more: the hosts go on
        self.coordinator.program.end(signal.SIGKILL)
        self.fleet.servers[0].lose_everything()
        self.coordinator.program.start()
        wait(self.coordinator.answers, self.coordinator.program)
        wait(lambda: self.is_in_force("night", second), self.coordinator.program)
        self.assertIsNone(self.coordinator.rollout(second))
        self.roll_out("night")
        for host in self.fleet.hosts:
            self.assertEqual(len(host.revisions("night")), 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
