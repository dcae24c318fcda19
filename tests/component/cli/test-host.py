#!/usr/bin/python3
"""vmreclaim host and plan: the host as a waterfall of its VMs, and what the arbiter would do.

usage: test-host.py VMRECLAIM API_SERVER
"""
import sys
import unittest

from cli import CliTestCase


class HostTest(CliTestCase):
    def test_the_host(self):
        lines = self.run_cli("host").stdout.splitlines()
        self.assertEqual([line.split(maxsplit=1) for line in lines[:4]], [
            ["memory", "64.0 GiB, available 16.0 GiB"],
            ["pressure", "some task waited for memory 2.5 % of ten seconds, all did 0.0 %"],
            ["swap", "2.0 GiB of 8.0 GiB used"],
            ["NUMA", "node 0 1.0 GiB of 32.0 GiB free"]])
        self.assertEqual([line.split(maxsplit=1) for line in lines[5:8]],
                         [["arbiter", "off"], ["reserved", "512.0 MiB"],
                          ["VMs", "3; 2 of them hold 8.0 GiB, of the others it is not known"]])
        self.assertRegex(lines[9], r"^host   V{9}o{45}\.{18}$")

    def test_what_each_step_could_bring(self):
        lines = self.run_cli("host").stdout.splitlines()
        first = lines.index(next(line for line in lines if line.startswith("STEP")))
        self.assertEqual([line.split()[:4] for line in lines[first + 1:first + 7]],
                         [["report", "0", "B", "0"], ["reclaim", "1.0", "GiB", "1"],
                          ["compact", "768.0", "MiB", "2"], ["pulse", "0", "B", "0"],
                          ["balloon", "0", "B", "0"], ["all", "1.8", "GiB", "2"]])

    def test_vms_by_what_they_could_return(self):
        text = self.run_cli("host").stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 80)
        lines = text.splitlines()[-4:]
        self.assertEqual(lines[0].split(), ["VM", "HOLDS", "REPORT", "RECLAIM", "COMPACT", "PULSE",
                                            "BALLOON", "NOTE"])
        self.assertEqual(lines[1].split(), ["web1", "2.0", "GiB", "-", "1.0", "GiB", "512.0", "MiB",
                                            "-", "-", "-"])
        self.assertEqual(lines[2].split()[:10], ["db", "6.0", "GiB", "-", "-", "256.0", "MiB",
                                                 "-", "-", "alice"])
        self.assertRegex(lines[3], r"^silent +(- +){6}nobody says what ")

    def test_json(self):
        answer = self.run_json("host")
        self.assertEqual(answer["host"]["available"], 16 << 30)
        self.assertNotIn("low", answer["host"])
        self.assertNotIn("coming", answer["host"])
        self.assertEqual([vm["name"] for vm in answer["vms"]], ["db", "silent", "web1"])
        self.assertNotIn("footprint", answer["vms"][1])
        self.assertEqual(answer["vms"][2]["steps"], [{"name": "reclaim", "bytes": 1 << 30},
                                                     {"name": "compact", "bytes": 1 << 29}])

    def test_the_plan(self):
        text = self.run_cli("plan").stdout
        lines = text.splitlines()
        self.assertRegex(text, r"(?m)^arbiter +on, taking: below 20\.0 GiB available it takes, until "
                               r"24\.0 GiB\non its way +128\.0 MiB, asked for and not back yet\n"
                               r"takeable +3\.0 GiB at most, by all steps together\n"
                               r"floors +1\.0 GiB more than the host has for them\n"
                               r"reserved +512\.0 MiB$")
        self.assertIn("\nNow 1.5 GiB would be taken and 64.0 MiB given back, in this order.\n",
                      text)
        self.assertEqual([line.split() for line in lines if line.startswith("VM ")],
                         [["VM", "STEP", "BYTES", "WHY"]])
        self.assertRegex(text, r"(?m)^db +give-back to 7\.0 GiB +64\.0 MiB the guest is short of .*"
                               r"\nweb1 +reclaim +1\.0 GiB its cache was not used for long *"
                               r"\nweb2 +lease to 4\.0 GiB +512\.0 MiB it holds more than .*"
                               r"\nsilent +- +- ")
        self.assertEqual(lines[-1], "2 more VMs, to which nothing would be done.")
        self.assertTrue(all(len(line) <= 80 for line in lines), lines)

    def test_no_lease_is_no_figure(self):
        """A 0 is none, or is what a daemon sends that does not know the field."""
        self.assertEqual([line.split()[1:] for line in
                          self.run_cli("host", "-o", "columns=vm,lease", "--no-headings",
                                       "--sort", "vm").stdout.splitlines()],
                         [["1.0", "GiB"], ["-"], ["-"]])
        self.assertNotIn("0 B", self.run_cli("plan", "-o", "columns=vm,lease").stdout)

    def test_the_plan_as_json(self):
        answer = self.run_json("plan")
        self.assertEqual(answer["host"]["low"], 20 << 30)
        self.assertEqual(answer["host"]["promised"], 0)
        self.assertEqual(answer["vms"][2]["size"], 4 << 30)
        self.assertEqual(answer["vms"][2]["working_set"], 0)
        self.assertNotIn("working_set", answer["vms"][3])
        self.assertNotIn("size", answer["vms"][3])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
