#!/usr/bin/python3
"""Keys of a fleet change while it runs: of hosts' users of the bus, over a real nats-server that reads them again, and
the one that signs what hosts are to run.

usage: test-enrol.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY
"""
import os
import signal
import sys
import unittest

import fleet
from fleet import wait

PROGRAMS = sys.argv[1:5]
LOST, CONNECTED = "no connection to the fleet's bus", "\nconnected to the fleet's bus"


class KeysTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, ["h0", "h1"])
        self.addCleanup(self.fleet.end)
        self.fleet.start_server()
        self.server = self.fleet.servers[0]

    def change(self, *arguments):
        before = self.server.program.log().count("Reloaded")
        self.fleet.enrol(*arguments)
        self.server.reload(self.fleet.read_users())
        wait(lambda: self.server.program.log().count("Reloaded") > before)

    def is_connected(self, host):
        """On a busy machine it may lose its connection by itself, and say so."""
        log = "\n" + host.bridge.log()
        return log.rfind(CONNECTED) > log.rfind(LOST)

    def test_revoked_and_enrolled_again(self):
        coordinator = self.fleet.add_coordinator("one")
        gone, stays = self.fleet.hosts
        for host in self.fleet.hosts:
            host.start()
        wait(lambda: len(coordinator.call("ListHosts").hosts) == 2, coordinator.program)
        before = {stays: stays.bridge.log().count(LOST)}
        self.change("--revoke", gone.name)
        wait(lambda: not self.is_connected(gone))
        self.change("--enrol", gone.name, gone.key)
        wait(lambda: self.is_connected(gone))
        # another key takes the place of its own, and both work meanwhile
        key = self.fleet.make_key("--new-nkey", gone.path("nkey.new"))
        self.change("--enrol", gone.name, key)
        gone.write("fleet.yaml", fleet.read(gone.path("fleet.yaml")).replace(
            gone.path("nkey"), gone.path("nkey.new")))
        gone.bridge.end()
        connected = gone.bridge.log().count(CONNECTED)
        gone.bridge.start()
        wait(lambda: gone.bridge.log().count(CONNECTED) > connected, gone.bridge)
        wait(lambda: self.is_connected(gone), gone.bridge)
        before[gone] = gone.bridge.log().count(LOST)
        self.change("--revoke", gone.name, gone.key)
        # who was not touched heard nothing of all this
        for host in self.fleet.hosts:
            self.assertEqual(host.bridge.log().count(LOST), before[host], host.bridge.log())
            self.assertIs(host.bridge.process.poll(), None)

    def applied(self, coordinator):
        """What the first host has in force; None: nothing yet."""
        hosts = [one for one in coordinator.call("ListHosts").hosts if one.host == "h0"]
        return hosts[0].status.applied if hosts else None

    def roll_out(self, coordinator, policy):
        rollout = dict(policy=policy, text=f"name: {policy}\nprofile: gentle\n", vm_selectors=[policy],
                       host_selector="h0*", waves_permyriad=[10000], canary_soak_ns=10 ** 9, soak_ns=10 ** 9,
                       gates=fleet.NO_GATES)
        try:
            return coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused:
            return None

    def in_force(self, coordinator):
        return [policy.name for policy in self.applied(coordinator).policies]

    def believe(self, host, *keys):
        text = fleet.read(host.path("vmreclaimd.yaml"))
        lines = [line for line in text.splitlines() if not line.startswith("fleet_keys")]
        host.write("vmreclaimd.yaml", "\n".join(lines) + f"\nfleet_keys: [{', '.join(keys)}]\n")
        count = host.daemon.log().count("SIGHUP: configuration")
        host.daemon.process.send_signal(signal.SIGHUP)
        wait(lambda: host.daemon.log().count("SIGHUP: configuration") > count, host.daemon)

    def start_again(self, coordinator, **changes):
        """With another configuration."""
        text = fleet.read(coordinator.path + ".yaml")
        for key, value in changes.items():
            text = "".join(line + "\n" for line in text.splitlines() if not line.startswith(key + ":"))
            text += f"{key}: {value}\n" if value else ""
        with open(coordinator.path + ".yaml", "w", encoding="utf-8") as file:
            file.write(text)
        coordinator.program.end()
        coordinator.program.start()
        wait(coordinator.answers, coordinator.program)
        wait(coordinator.leads, coordinator.program)

    def test_the_signing_key_is_replaced(self):
        coordinator = self.fleet.add_coordinator("one")
        host = self.fleet.hosts[0]
        host.start()
        former = self.fleet.public_key
        wait(lambda: self.roll_out(coordinator, "first"), coordinator.program)
        wait(lambda: self.in_force(coordinator) == ["first"], coordinator.program)
        seed = os.path.join(self.fleet.directory, "new.key")
        new = self.fleet.make_key("--new-signing-key", seed)
        self.believe(host, former, new)
        self.start_again(coordinator, signing_key=seed, former_key=former)
        # what the former key signed is signed again, as it is
        wait(lambda: self.applied(coordinator).key == coordinator.call("GetCoordinator").key, coordinator.program)
        self.assertEqual(self.in_force(coordinator), ["first"])
        # ... so that nobody needs it any more
        self.believe(host, new)
        self.start_again(coordinator, former_key="")
        wait(lambda: self.roll_out(coordinator, "second"), coordinator.program)
        wait(lambda: self.in_force(coordinator) == ["first", "second"], coordinator.program)
        self.assertEqual(self.applied(coordinator).refused, "")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
