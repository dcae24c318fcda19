#!/usr/bin/python3
"""Every command of ours in docs/commands.md is one that this program takes: its words and options, and
what is said of those that are misspelt.

usage: test-commands.py VMRECLAIM API_SERVER COMMANDS_MD
"""
import re
import shlex
import sys
import unittest

from cli import CliTestCase

with open(sys.argv[3], encoding="utf-8") as FILE:
    TEXT = FILE.read()

# "$ vmreclaim WORDS" and the line below it.
SHOWN = re.findall(r"^\$ vmreclaim (.*)\n(.*)", TEXT, re.MULTILINE)


class CommandsTest(CliTestCase):
    def test_there_are_some(self):
        self.assertGreater(len(SHOWN), 12)

    def test_each_is_taken(self):
        for line, below in SHOWN:
            words = shlex.split(line)
            if words[0] == "complete" or below.startswith("vmreclaim: "):
                continue
            with self.subTest(line):
                self.assertIn("usage: ", self.run_cli(*words, "--help").stdout)

    def test_what_is_misspelt_is_answered_so(self):
        for line, below in SHOWN:
            if "did you mean: " not in below and "unknown option" not in below:
                continue
            with self.subTest(line):
                self.assertIn(below, self.run_cli(*shlex.split(line), code=2).stderr)

    def test_no_line_is_wider_than_the_terminal(self):
        for block in re.findall(r"^```\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL):
            self.assertLessEqual(max(map(len, block.splitlines())), 80, block)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
