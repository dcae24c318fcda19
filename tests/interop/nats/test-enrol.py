#!/usr/bin/python3
"""Who is let onto the bus of a fleet, over a real nats-server that reads its users again.

usage: test-enrol.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY
"""
import sys
import unittest

import fleet
from fleet import wait

PROGRAMS = sys.argv[1:5]
LOST = "no connection to the fleet's bus"


class EnrolTest(unittest.TestCase):
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

    def comes_back(self, host, times):
        wait(lambda: host.bridge.log().count("connected to the fleet's bus") == times)

    def test_revoked_and_enrolled_again(self):
        coordinator = self.fleet.add_coordinator("one")
        gone, stays = self.fleet.hosts
        for host in self.fleet.hosts:
            host.start()
        wait(lambda: len(coordinator.call("ListHosts").hosts) == 2, coordinator.program)
        self.change("--revoke", gone.name)
        wait(lambda: LOST in gone.bridge.log())
        self.change("--enrol", gone.name, gone.key)
        self.comes_back(gone, 2)
        # another key takes the place of its own, and both work meanwhile
        key = self.fleet.make_key("--new-nkey", gone.path("nkey.new"))
        self.change("--enrol", gone.name, key)
        gone.write("fleet.yaml", fleet.read(gone.path("fleet.yaml")).replace(
            gone.path("nkey"), gone.path("nkey.new")))
        gone.bridge.end()
        gone.bridge.start()
        self.comes_back(gone, 3)
        self.change("--revoke", gone.name, gone.key)
        # who was not touched heard nothing of all this
        for host, lost in (gone, 1), (stays, 0):
            self.assertEqual(host.bridge.log().count(LOST), lost, host.bridge.log())
            self.assertIs(host.bridge.process.poll(), None)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[5:], verbosity=2)
