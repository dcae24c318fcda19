#!/usr/bin/python3
"""vmreclaim host: the host as a waterfall of its VMs.

usage: test-host.py VMRECLAIM API_SERVER
"""
import sys
import unittest

from cli import CliTestCase


class HostTest(CliTestCase):
    def test_the_host(self):
        lines = self.run_cli("host").stdout.splitlines()
        self.assertEqual(lines[0], "It has 64.0 GiB, 16.0 GiB of it available. Tasks waited for "
                                   "memory 2.5 % of the last ten seconds, all of them 0.0 %. "
                                   "2.0 GiB of 8.0 GiB of swap are used.")
        self.assertEqual(lines[1], "Free by NUMA node: 0: 1.0 GiB of 32.0 GiB, "
                                   "1: 2.0 GiB of 32.0 GiB.")
        self.assertEqual(lines[2], "The arbiter is off. 512.0 MiB are reserved.")
        self.assertEqual(lines[3], "3 VMs hold 8.0 GiB.")
        self.assertRegex(lines[5], r"^host   V{9}o{45}\.{18}$")

    def test_what_each_step_could_bring(self):
        lines = self.run_cli("host").stdout.splitlines()
        first = lines.index(next(line for line in lines if line.startswith("STEP")))
        self.assertEqual([line.split()[:4] for line in lines[first + 1:first + 7]],
                         [["report", "0", "B", "0"], ["reclaim", "1.0", "GiB", "1"],
                          ["compact", "768.0", "MiB", "2"], ["pulse", "0", "B", "0"],
                          ["balloon", "0", "B", "0"], ["all", "1.8", "GiB", "2"]])

    def test_vms_by_what_they_could_return(self):
        lines = self.run_cli("host").stdout.splitlines()[-4:]
        self.assertEqual(lines[0].split(), ["VM", "HOLDS", "REPORT", "RECLAIM", "COMPACT", "PULSE",
                                            "BALLOON", "NOTE"])
        self.assertEqual(lines[1].split(), ["web1", "2.0", "GiB", "-", "1.0", "GiB", "512.0", "MiB",
                                            "-", "-"])
        self.assertEqual(lines[2].split(maxsplit=9), ["db", "6.0", "GiB", "-", "-", "256.0", "MiB",
                                                      "-", "-",
                                                      "alice holds 1.0 GiB under a lease"])
        self.assertRegex(lines[3], r"^silent +(- +){6}nobody says what is free in it$")

    def test_json(self):
        answer = self.run_json("host")
        self.assertEqual(answer["host"]["available"], 16 << 30)
        self.assertNotIn("low", answer["host"])
        self.assertEqual([vm["name"] for vm in answer["vms"]], ["db", "silent", "web1"])
        self.assertNotIn("footprint", answer["vms"][1])
        self.assertEqual(answer["vms"][2]["steps"], [{"name": "reclaim", "bytes": 1 << 30},
                                                     {"name": "compact", "bytes": 1 << 29}])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
