#!/usr/bin/python3
"""vmreclaim squeeze: what it shows while it goes on, at its end, and when it is interrupted.

usage: test-squeeze.py VMRECLAIM API_SERVER
"""
import json
import os
import signal
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase


class SqueezeTest(CliTestCase):
    def test_what_each_step_returned(self):
        lines = self.run_cli("squeeze", "web1").stdout.splitlines()
        self.assertEqual(lines[0], "web1: cache returned 1.0 GiB in 4.0 s")
        self.assertEqual(lines[1], "web1: 4.0 GiB -> 2.5 GiB on the host in 6.5 s: "
                                   "the script says so")
        self.assertEqual(lines[2].split(), ["STEP", "RETURNED", "TIME", "ACTION", "NOTE"])
        self.assertEqual(lines[3].split(), ["cache", "1.0", "GiB", "4.0", "s", "a-17"])
        self.assertEqual(lines[4].split(), ["compact", "512.0", "MiB", "2.0", "s", "a-18",
                                            "stopped", "at", "the", "time", "limit"])
        self.assertEqual(len(lines), 5)

    def test_a_size_that_is_not_reached_is_a_part(self):
        self.run_cli("squeeze", "web1", "--to", "3GiB")
        self.run_cli("squeeze", "web1", "--to", "2GiB", code=7)

    def test_a_lease(self):
        text = self.run_cli("squeeze", "web1", "--hold", "--for", "10m").stdout
        self.assertIn("held: it is kept at 3.0 GiB, 1.0 GiB below its size, for 10m; "
                      "'vmreclaim release\n      web1' ends that\n", text)
        self.assertTrue(text.endswith("web1 is back to size: 4.0 GiB\n"))
        self.assertIn("until released;", self.run_cli("squeeze", "web1", "--hold").stdout)
        text = self.run_cli("squeeze", "foreign", "--hold", code=7).stdout
        self.assertRegex(text, r"(?m)^hold +- +- +- +its balloon is not ours to move$")

    def test_a_lease_whose_end_is_not_seen(self):
        text = self.run_cli("squeeze", "stopped", "--hold", code=7).stdout
        self.assertTrue(text.endswith("stopped was not seen back to size: the script says so\n"))

    def test_how_it_ends(self):
        self.run_cli("squeeze", "blocked", code=5)
        self.run_cli("squeeze", "failed", code=1)
        self.run_cli("squeeze", "web1", "failed", code=7)
        self.run_cli("squeeze", "failed", "failed2", "--to", "1MiB", code=7)
        self.assertIn("name VMs, or give --label", self.run_cli("squeeze", code=2).stderr)
        self.assertIn("--for is of --hold",
                      self.run_cli("squeeze", "web1", "--for", "1m", code=2).stderr)

    def test_json(self):
        lines = self.run_cli("--json", "squeeze", "web1").stdout.splitlines()
        last = json.loads(lines[-1])
        self.assertEqual(len(lines), 3)
        self.assertEqual(last["phase"], "ended")
        self.assertEqual(last["steps"][0]["action"]["host_returned"], 1 << 30)

    def test_on_a_terminal(self):
        text = self.on_a_terminal("squeeze", "web1", "web2")
        self.assertIn(b"\r\x1b[Kweb1  compact  6 s  2.5 GiB of 4.0 GiB  (0 of 2 ready)", text)
        self.assertIn(b"\r\x1b[Kweb1: 4.0 GiB -> 2.5 GiB on the host", text)
        self.assertNotIn(b"cache returned", text)

    def interrupt(self, *arguments, after):
        with subprocess.Popen([VMRECLAIM, "--api", self.api, "squeeze", *arguments], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as program:
            for line in program.stdout:
                if after in line:
                    break
            program.send_signal(signal.SIGINT)
            words = program.stderr.read()
        self.assertEqual(program.returncode, -signal.SIGINT)
        return words

    def test_an_interrupt_says_what_goes_on(self):
        words = self.interrupt("endless", "--hold", after="ends that")
        self.assertEqual(words, "\nWhat is held stays held. Back to size: "
                                "vmreclaim release endless\n")
        words = self.interrupt("taking", "--hold", after="compact returned")
        self.assertIn("goes on to its end", words)
        self.assertIn("\nWhat is held stays held. Back to size: vmreclaim release taking\n", words)
        words = self.interrupt("stuck", after="cache returned")
        self.assertEqual(words, "\nThe step under way goes on to its end, then the guest's settings "
                                "are put back.\nNo other step begins. See: vmreclaim actions\n")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
