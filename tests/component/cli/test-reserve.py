#!/usr/bin/python3
"""vmreclaim reserve: what it shows while it fills and at its end, lists, and releases.

usage: test-reserve.py VMRECLAIM API_SERVER
"""
import json
import os
import signal
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase

DOMAIN = """<domain type='kvm'>
  <name>web9</name>
  <metadata><a xmlns='b'><memory>1</memory></a></metadata>
  <memory unit='KiB'>3145728</memory>
  <currentMemory unit='KiB'>1048576</currentMemory>
</domain>
"""


class ReserveTest(CliTestCase):
    def test_it_is_ready(self):
        self.assertEqual(self.run_cli("reserve", "4GiB", "--for", "web9").stdout,
                         "4.0 GiB are free for web9 after 3.2 s, and kept so for 10m.\n"
                         "'vmreclaim reserve release 7' ends that.\n")
        self.assertTrue(self.run_cli("reserve", "1GiB").stdout.startswith("1.0 GiB are free after"))

    def test_what_is_sent(self):
        lines = self.run_cli("--json", "reserve", "4GiB", "--wait", "30s", "--hold",
                             "1h").stdout.splitlines()
        first, last = (json.loads(line)["reservation"] for line in lines)
        self.assertEqual((first["state"], first["there"]), ("filling", 2 << 30))
        self.assertEqual((last["state"], last["size"]), ("ready", 4 << 30))
        self.assertEqual((last["expires_ns"], last["left_ns"]), (30 * 10 ** 9, 3600 * 10 ** 9))

    def test_there_is_not_enough(self):
        self.assertEqual(self.run_cli("reserve", "4GiB", "--for", "short", code=7).stdout,
                         "2.0 GiB of 4.0 GiB is the most that could be free for short in 3.2 s: "
                         "the script has no more\n")

    def test_how_it_ends(self):
        self.assertIn("has ended: released",
                      self.run_cli("reserve", "4GiB", "--for", "gone", code=1).stdout)
        self.run_cli("reserve", "4GiB", "--for", "denied", code=5)
        self.run_cli("--timeout", "200ms", "reserve", "4GiB", "--for", "endless", code=6)

    def test_the_size(self):
        for size in ("4", "much", "-1GiB"):
            self.assertIn("reserve: ", self.run_cli("reserve", "--", size, code=2).stderr)
        self.assertIn("give a SIZE", self.run_cli("reserve", code=2).stderr)
        self.assertIn("give a SIZE", self.run_cli("reserve", "4GiB", "--domain-xml", code=2).stderr)
        self.assertIn("one word too many", self.run_cli("reserve", "4GiB", "web9", code=2).stderr)

    def of_domain(self, xml):
        return subprocess.run([VMRECLAIM, "--api", self.api, "reserve", "--domain-xml"], input=xml,
                              capture_output=True, text=True, timeout=60, check=False)

    def test_the_size_of_a_domain(self):
        result = self.of_domain(DOMAIN)
        self.assertEqual(result.returncode, 0)
        self.assertIn("3.0 GiB are free after", result.stdout)
        for xml in ("", "no XML", "<domain></domain>", DOMAIN.replace("KiB", "GiB")):
            result = self.of_domain(xml)
            self.assertEqual(result.returncode, 2)
            self.assertIn("no domain's XML", result.stderr)
        self.assertEqual(self.of_domain("x" * (1 << 21)).returncode, 1)

    def test_on_a_terminal(self):
        text = self.on_a_terminal("reserve", "4GiB")
        self.assertIn(b"\r\x1b[K2.0 GiB of 4.0 GiB  3 s  the script has no more", text)
        self.assertIn(b"\r\x1b[K4.0 GiB are free after 3.2 s", text)

    def test_an_interrupt_ends_it(self):
        with subprocess.Popen([VMRECLAIM, "--api", self.api, "--json", "reserve", "4GiB", "--for",
                               "endless"], stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as program:
            self.assertIn(b"filling", program.stdout.readline())
            program.send_signal(signal.SIGINT)
        self.assertEqual(program.returncode, -signal.SIGINT)

    def test_the_list(self):
        lines = self.run_cli("reserve", "list").stdout.splitlines()
        self.assertEqual(lines[0].split(), ["ID", "SIZE", "THERE", "USED", "FOR", "STATE", "LEFT",
                                            "BY", "NOTE"])
        self.assertEqual(lines[1].split(), ["7", "4.0", "GiB", "4.0", "GiB", "1.0", "GiB", "web9",
                                            "ready", "1m30s", "root", "-"])
        self.assertEqual(lines[2].split()[:9], ["9", "2.0", "GiB", "1.0", "GiB", "0", "B", "-",
                                                "filling"])
        self.assertEqual(len(self.run_json("reserve", "list")["reservations"]), 2)

    def test_a_release(self):
        self.assertEqual(self.run_cli("reserve", "release", "7").stdout,
                         "reservation 7 of 4.0 GiB is released; it was for web9\n")
        self.run_cli("reserve", "release", "8", code=3)
        self.assertIn("is no number", self.run_cli("reserve", "release", "web9", code=2).stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
