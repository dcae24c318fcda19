#!/usr/bin/python3
"""vmreclaim top over a daemon with a script. What it does over the real one is in
component/controller/test-top.c.

usage: test-top.py VMRECLAIM API_SERVER
"""
import os
import signal
import unittest

import terminal
from cli import VMRECLAIM, CliTestCase


class TopTest(CliTestCase):
    script = ("no-vms",)

    def test_half_an_answer_is_no_answer(self):
        """The host is told and the VMs are not: nobody says each second that all is well again."""
        top = terminal.Terminal([VMRECLAIM, "--api", self.api, "top"], 80, 24, is_typed_at=True)
        times = set()
        while len(times) < 5 and top.read():
            if "cannot be listed" in "\n".join(top.screen.display):
                times.add(top.screen.display[0].split()[2])
        os.kill(top.program.pid, signal.SIGTERM)
        top.close()
        self.assertEqual(len(times), 5)
        self.assertNotIn(b"answers again", top.text)


if __name__ == "__main__":
    unittest.main(argv=["test-top.py"])
