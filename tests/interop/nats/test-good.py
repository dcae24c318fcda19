#!/usr/bin/python3
"""A policy that does no harm goes through all waves, by the gates as they are where nobody sets any. Only the
soak is shorter than an operator's.

usage: test-good.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY
"""
import sys
import unittest

import fleet
from fleet import wait

import guests  # of the strict decoder's test, whose folder fleet knows

PROGRAMS = sys.argv[1:5]
HOSTS = [f"h{i}" for i in range(6)]
SOAK = 30 * 10 ** 9  # the shortest window of a rate
COMPLETE = 9

fleet.PATIENCE = 600


class Guest(guests.Agent):
    """Measures all that the gates look at; a little of each happens at all times."""

    def sample(self, sequence):
        sample = super().sample(sequence)
        sample.oom_kills = 7
        sample.refault_anon = sample.refault_file = 10 * sequence
        sample.major_faults = 5 * sequence
        sample.psi_is_known = True
        sample.psi_memory_some_us = 1000 * sequence
        return sample

    def events(self, sequence):
        yield dict(sample=self.sample(sequence))


class GoodTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, HOSTS)
        self.fleet.start_server()
        self.addCleanup(self.fleet.end)
        for host in self.fleet.hosts:
            fleet.wire.Listener(host.path("guest.sock"), Guest(self.fleet.loose, b"a guest").serve)
            host.write("vms/db.yaml", f"name: db\nagent: unix:{host.path('guest.sock')}\n")
            host.start()

    def start_rollout(self, coordinator):
        rollout = dict(policy="good", text="name: good\nprofile: gentle\n", vm_selectors=["*"],
                       host_selector="all", waves_permyriad=[5000, 10000], canary_hosts=1,
                       canary_soak_ns=SOAK, soak_ns=SOAK)
        try:
            return coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused:
            return None

    def test_a_good_policy_goes_through_all_waves(self):
        coordinator = self.fleet.add_coordinator("one")
        wait(lambda: sum(len(coordinator.call("GetHostStatus", host=host.host).host.status.vms)
                         for host in coordinator.call("ListHosts").hosts) == len(HOSTS))
        identifier = wait(lambda: self.start_rollout(coordinator), coordinator.program)
        wait(lambda: coordinator.rollout(identifier).state == COMPLETE, coordinator.program)
        document = coordinator.rollout(identifier)
        history = "\n".join(document.history)
        self.assertEqual(sorted(document.hosts), HOSTS, history)
        self.assertNotIn("paused", history)
        self.assertGreaterEqual(history.count("judging"), 2, history)
        # what was judged was measured
        judged = {gate.name: gate for gate in document.gate_states}
        for gate in ("oom-kills", "pressure", "refaults", "major-faults"):
            self.assertEqual(judged[gate].without_data, 0, gate)
        self.assertGreater(judged["pressure"].past_vms, 0)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
