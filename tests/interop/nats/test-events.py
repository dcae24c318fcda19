#!/usr/bin/python3
"""What was done on hosts is told once and for all, whatever goes away meanwhile.

usage: test-events.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY VMRECLAIM [TEST]
"""
import json
import os
import signal
import subprocess
import sys
import unittest

import fleet
from fleet import wait

import guests  # of the strict decoder's test, whose folder fleet knows

PROGRAMS = sys.argv[1:5]
VMRECLAIM = sys.argv[5]


class EventsTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, ["h0", "h1"])
        self.fleet.start_server()
        self.addCleanup(self.fleet.end)
        self.done = {host.name: [] for host in self.fleet.hosts}  # ids of actions, in their order
        for host in self.fleet.hosts:
            guest = guests.Agent(self.fleet.loose, b"a guest")
            fleet.wire.Listener(host.path("guest.sock"), guest.serve)
            host.write("vms/db.yaml", f"name: db\nagent: unix:{host.path('guest.sock')}\n")
            host.start()

    def order(self, host, method, request, answer, **fields):
        strict = self.fleet.strict
        client = fleet.wire.Client(host.path("api.sock"), strict)
        client.start(fleet.CONTROLLER + "Controller", method,
                     strict(fleet.CONTROLLER + request, **fields).SerializeToString(), False)
        answers = list(client.answers(fleet.CONTROLLER + answer))
        client.close()
        return answers[0]

    def act(self, host, count=1):
        """Has its daemon do something to its VM."""
        for _ in range(count):
            answer = self.order(host, "Compact", "CompactVmRequest", "ActionResponse", vm="db",
                                force=True)
            self.done[host.name].append(answer.action.id)

    def can_act(self, host):
        try:
            self.act(host)
        except (OSError, fleet.wire.Refused):
            return False
        return True

    def heard(self, coordinator):
        """Ids of what the coordinator has heard of each host's orders, in the order in which they came."""
        events = coordinator.call("ListFleetEvents", kinds=["action"]).events
        heard = {host: [] for host in self.done}
        for event in reversed(events):
            if event.event.action.kind == "compact":
                heard[event.host].append(event.event.action.id)
        return heard

    def expect_all(self, coordinator):
        wait(lambda: {host: len(ids) for host, ids in self.heard(coordinator).items()} ==
             {host: len(ids) for host, ids in self.done.items()}, coordinator.program)
        self.assertEqual(self.heard(coordinator), self.done)

    def begin(self):
        coordinator = self.fleet.add_coordinator("one")
        for host in self.fleet.hosts:
            wait(lambda host=host: self.can_act(host), host.daemon)
        self.expect_all(coordinator)
        return coordinator

    def test_they_are_told(self):
        one, two = self.fleet.hosts
        coordinator = self.begin()
        self.act(one, 3)
        one.bridge.end(signal.SIGKILL)
        self.act(one, 3)
        self.act(two)
        one.bridge.start()
        self.expect_all(coordinator)
        # what is in no record
        self.order(two, "Halt", "HaltRequest", "HaltResponse", vms=["db"])
        halted = wait(lambda: self.halts(coordinator), coordinator.program)
        self.assertEqual({event.vm for event in halted}, {"db"})
        self.order(two, "Resume", "ResumeRequest", "HaltResponse", vms=["db"])
        # its cursor is lost: what it tells again is heard once
        one.bridge.end()
        os.unlink(one.path("fleet-state/cursor"))
        self.act(one)
        one.bridge.start()
        self.expect_all(coordinator)
        # whoever comes later has it from the stream
        self.expect_all(self.fleet.add_coordinator("two"))
        self.check_asking(coordinator)

    def halts(self, coordinator):
        """Among what else is said of policies."""
        events = coordinator.call("ListFleetEvents", kinds=["policy"], selector="h1").events
        return [event.event for event in events if "halt" in event.event.text]

    def check_asking(self, coordinator):
        page = coordinator.call("ListFleetEvents", page_size=2, selector="h1")
        self.assertEqual([event.host for event in page.events], ["h1", "h1"])
        rest = coordinator.call("ListFleetEvents", selector="h1", page_token=page.next_page_token)
        self.assertTrue(rest.events[0].sequence < page.events[1].sequence)
        newest, before = [event.sequence for event in page.events]
        later = coordinator.call("ListFleetEvents", after=before, selector="h1").events
        sequences = [event.sequence for event in later]  # some may have come meanwhile
        self.assertIn(newest, sequences)
        self.assertGreater(min(sequences), before)
        run = subprocess.run([VMRECLAIM, "fleet", "events", "--hosts", "h1", "--kind", "action",
                              "--since", "1h", "-n", "2", "-o", "json"],
                             capture_output=True, text=True, check=True,
                             env={**os.environ, "VMRECLAIM_FLEET": "unix:" + coordinator.socket})
        events = json.loads(run.stdout)["events"]
        self.assertEqual([event["host"] for event in events], ["h1", "h1"])
        self.assertTrue(events[0]["event"]["id"].startswith("h1/"))
        run = subprocess.run([VMRECLAIM, "fleet", "events"], capture_output=True, text=True,
                             check=True,
                             env={**os.environ, "VMRECLAIM_FLEET": "unix:" + coordinator.socket})
        self.assertIn("compact by ", run.stdout)
        self.assertLessEqual(max(map(len, run.stdout.splitlines())), 80)

    def test_the_bus_goes_away(self):
        one, two = self.fleet.hosts
        coordinator = self.begin()
        server = self.fleet.servers[0]
        server.program.end(signal.SIGKILL)
        self.act(one, 5)
        two.bridge.end(signal.SIGKILL)
        two.daemon.end(signal.SIGKILL)
        two.daemon.start()
        wait(lambda: self.can_act(two), two.daemon)
        server.restart()
        two.bridge.start()
        self.expect_all(coordinator)
        self.act(two)
        self.expect_all(coordinator)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[6:], verbosity=2)
