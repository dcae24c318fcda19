#!/usr/bin/python3
"""A policy that kills programs in its guests is taken back at the canary, and the guests have theirs back.

usage: test-harm.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY
"""
import sys
import time
import unittest

import fleet
from fleet import wait

import guests  # of the strict decoder's test, whose folder fleet knows

PROGRAMS = sys.argv[1:5]
COMPLETE, REVERTED = 9, 7
GOOD, BAD = "profile: gentle\n", "profile: aggressive\n"
GATES = [dict(name="pressure", limit=-1)]  # these guests do not measure it


class Guest(guests.Agent):
    """Its kernel kills a program with each sample while it runs the bad policy."""

    def __init__(self, loose, bad):
        super().__init__(loose, b"a guest")
        self.bad = bad
        self.policy = b""
        self.is_bad = False
        self.kills = 0
        self.begun = self.ended = None  # when it ran the bad policy

    def answer(self, method, payload):
        if method == "ApplyPolicy":
            request = self.message("ApplyPolicyRequest")
            request.ParseFromString(payload)
            self.policy = request.policy.name
            is_bad = self.bad in payload
            if is_bad and self.begun is None:
                self.begun = time.monotonic()
            elif not is_bad and self.begun is not None:
                self.ended = time.monotonic()
            self.is_bad = is_bad  # last: the test waits for it
            response = self.message("ApplyPolicyResponse")
            return response
        return super().answer(method, payload)

    def sample(self, sequence):
        sample = super().sample(sequence)
        self.kills += self.is_bad
        sample.oom_kills = 1000 + self.kills
        return sample

    def events(self, sequence):
        yield dict(sample=self.sample(sequence))


class HarmTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, [f"h{i}" for i in range(3)])
        self.fleet.start_servers(1)
        self.addCleanup(self.fleet.end)
        self.guests = {}
        for host in self.fleet.hosts:
            guest = self.guests[host.name] = Guest(self.fleet.loose, b"aggressive")
            fleet.wire.Listener(host.path("guest.sock"), guest.serve)
            host.write("vms/db.yaml", f"name: db\nagent: unix:{host.path('guest.sock')}\n")
            host.start()

    def rollout(self, name, text=GOOD):
        is_good = text == GOOD
        return dict(policy=name, text=f"name: {name}\n" + text, vm_selectors=["*"],
                    host_selector="all", waves_permyriad=[10000], canary_hosts=1,
                    canary_soak_ns=10 ** 9 if is_good else 600 * 10 ** 9, soak_ns=10 ** 9,
                    gates=fleet.NO_GATES if is_good else GATES)

    def roll_out(self, coordinator, name, text=GOOD):
        try:
            return coordinator.call("StartRollout", rollout=self.rollout(name, text)).rollout.id
        except fleet.wire.Refused:
            return None

    def wait_until_all_run(self, name):
        """A policy is in force on a host before its guest has it."""
        wait(lambda: all(guest.policy == name for guest in self.guests.values()))

    def test_a_bad_policy_stops_at_the_canary(self):
        coordinator = self.fleet.add_coordinator("one", lease="6s")
        wait(lambda: sum(len(coordinator.call("GetHostStatus", host=host.host).host.status.vms)
                         for host in coordinator.call("ListHosts").hosts) == 3)
        good = wait(lambda: self.roll_out(coordinator, "good"))
        wait(lambda: coordinator.rollout(good).state == COMPLETE)
        self.wait_until_all_run(b"good")
        with self.assertRaises(fleet.wire.Refused) as refused:
            coordinator.call("StartRollout", rollout=self.rollout("bad"))
        self.assertIn("is for the same VMs", refused.exception.text)
        bad = wait(lambda: self.roll_out(coordinator, "good", BAD))
        wait(lambda: coordinator.rollout(bad).state == REVERTED)
        wait(lambda: not any(guest.is_bad for guest in self.guests.values()))
        self.wait_until_all_run(b"good")
        document = coordinator.rollout(bad)
        self.assertEqual(len(document.hosts), 1)
        self.assertIn("oom-kills", document.reason)
        self.assertIn("db", document.reason)
        self.assertIn(document.hosts[0], document.reason)
        treated = [guest for guest in self.guests.values() if guest.begun is not None]
        self.assertEqual(len(treated), 1)
        print(f"{document.reason}\n{treated[0].ended - treated[0].begun:.1f} s from the policy "
              "to the one before", flush=True)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
