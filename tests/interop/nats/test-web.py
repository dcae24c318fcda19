#!/usr/bin/python3
"""vmreclaim-web over a real fleet: what it shows is what the command line shows, from a socket that
takes no orders.

usage: test-web.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY VMRECLAIM VMRECLAIM_WEB
"""
import json
import os
import subprocess
import sys
import unittest
import urllib.error
import urllib.request

import webfleet
from fleet import wait
from webfleet import WebFleet

PROGRAMS = sys.argv[1:5]
VMRECLAIM, WEB = sys.argv[5:7]

# By path, what shows the same.
SHOWN = {
    "fleet/status": "fleet status",
    "fleet/hosts": "fleet hosts",
    "fleet/hosts?selector=h1*": "fleet hosts --hosts h1*",
    "fleet/vms": "fleet vms",
    "fleet/policies": "fleet policy list",
    "fleet/policy?name=night": "fleet policy show night",
    "fleet/host?host=h1": "fleet explain h1",
    "fleet/rollouts?with_hosts=1": "fleet rollout status",
    "fleet/rollout-history": "fleet rollout history",
    "fleet/events": "fleet events --limit 500"}


def still(value):
    """Without what moves between two answers: ages, times, and what the machine has left."""
    if isinstance(value, list):
        return [still(one) for one in value]
    if not isinstance(value, dict) or "available" in value:
        return value if not isinstance(value, dict) else None
    return {name: still(one) for name, one in value.items()
            if name not in ("age_ns", "time_ns", "sequence", "next_page_token")}


class WebTest(unittest.TestCase):
    def setUp(self):
        self.web = WebFleet(PROGRAMS, WEB, [f"h{i}" for i in range(3)])
        self.addCleanup(self.web.end)
        self.coordinator = self.web.coordinator

    def get(self, path):
        with urllib.request.urlopen(f"http://{self.web.address}{path}", timeout=30) as answer:
            return answer.read().decode()

    def command_line(self, *words):
        run = subprocess.run([VMRECLAIM, "--json", *words], capture_output=True, text=True, check=False,
                             env={**os.environ, "VMRECLAIM_FLEET": "unix:" + self.coordinator.readers})
        return run

    def show_both(self, command, path):
        """What comes between the two answers is in one of them only: then both are asked again."""
        for _ in range(20):
            run = self.command_line(*command.split())
            self.assertEqual(run.returncode, 0, run.stderr)
            page = still(json.loads(self.get("/api/" + path)))
            terminal = still(json.loads(run.stdout))
            if page == terminal:
                break
        return page, terminal

    def test_the_same_as_the_command_line(self):
        identifier = self.web.pause_a_rollout()
        wait(lambda: [one["in_force"] for one in json.loads(self.get("/api/fleet/policies"))["policies"]]
             == [1])
        for path, command in SHOWN.items():
            with self.subTest(path):
                self.assertEqual(*self.show_both(command, path))
        view = wait(lambda: (lambda one: one if one["rollouts"] == {"paused": 1} else None)(
            json.loads(self.get("/fleet?sort=name"))))
        self.assertEqual([host["name"] for host in view["hosts"]],
                         ["h0.example", "h1.example", "h2.example"])
        self.assertEqual((view["sums"]["present"], view["sums"]["lost"]), (3, 0))
        metrics = self.get("/metrics")
        self.assertIn('vmreclaim_fleet_hosts{presence="present"} 3\n', metrics)
        self.assertIn('vmreclaim_fleet_rollouts{state="paused"} 1\n', metrics)
        self.assertIn("vmreclaim_fleet_bus_connected 1\n", metrics)
        self.assertEqual(self.get("/healthz"), "ok\n")
        self.refused(identifier)

    def refused(self, identifier):
        """Who may look alone cannot order, also not by the command line."""
        path = os.path.join(self.web.fleet.directory, "night.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(webfleet.POLICY)
        for words in (("abort", identifier), ("start", path)):
            run = self.command_line("fleet", "rollout", *words)
            self.assertNotEqual(run.returncode, 0)
            self.assertIn("for looking", run.stderr)
        self.assertEqual(self.web.state_of(identifier), webfleet.PAUSED)
        with self.assertRaises(urllib.error.HTTPError):
            self.get("/api/fleet/OrderRollout?id=" + identifier)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[7:], verbosity=2)
