#!/usr/bin/python3
"""What may follow on a command line: asked of vmreclaim itself, and through bash.

usage: test-completion.py VMRECLAIM API_SERVER BASH-COMPLETION
"""
import os
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase

SCRIPT = sys.argv[3]

# A line as it is typed, up to the cursor, and what bash may put there.
ASK = """
source "$1"
COMP_LINE=$2 COMP_POINT=${#2} COMP_CWORD=0
compopt() { COMPREPLY+=("compopt $*"); }
_vmreclaim
printf '%s\\n' "${COMPREPLY[@]}"
"""


class CompletionTest(CliTestCase):
    def follows(self, *words):
        lines = self.run_cli("complete", "--", *words).stdout.splitlines()
        return [line.split("\t")[0] for line in lines]

    def bash(self, line):
        folder = os.path.dirname(VMRECLAIM)
        environment = {**os.environ, "PATH": folder + ":" + os.environ["PATH"],
                       "VMRECLAIM_API": self.api, "LC_ALL": "C.UTF-8"}
        result = subprocess.run(["bash", "-c", ASK, "bash", SCRIPT, line], capture_output=True,
                                text=True, timeout=60, check=True, env=environment)
        self.assertEqual(result.stderr, "")
        return result.stdout.splitlines()

    def test_commands(self):
        words = self.follows("")
        self.assertIn("explain", words)
        self.assertEqual(words.count("vm"), 1)
        self.assertNotIn("relay", words)
        self.assertNotIn("complete", words)
        self.assertEqual(self.follows("vm", ""), ["list", "show"])
        self.assertEqual(self.follows("policy", "ro"), ["rollback"])
        self.assertEqual(self.follows("policy", "nothing", ""), [])

    def test_each_word_has_its_help(self):
        line = self.run_cli("complete", "--", "expl").stdout
        self.assertRegex(line, r"^explain\t\S")

    def test_options(self):
        self.assertIn("--exact", self.follows("explain", "--"))
        self.assertIn("--json", self.follows("explain", "web1", "--"))
        self.assertIn("--host", self.follows("-"))
        self.assertNotIn("--exact", self.follows("vm", "list", "--"))
        self.assertEqual(self.follows("explain", "--ex"), ["--exact"])

    def test_forms_columns_and_orders(self):
        self.assertEqual(self.follows("vm", "list", "-o", ""),
                         ["json", "yaml", "jsonpath=", "jsonpath-file=", "table", "wide", "name",
                          "columns="])
        self.assertEqual(self.follows("explain", "web1", "-o", ""),
                         ["json", "yaml", "jsonpath=", "jsonpath-file="])
        self.assertEqual(self.follows("vm", "list", "--output", "w"), ["wide"])
        self.assertEqual(self.follows("vm", "list", "-o", "columns=foot"), ["columns=footprint"])
        self.assertEqual(self.follows("vm", "list", "-o", "columns=name,st"), ["columns=name,state"])
        self.assertEqual(self.follows("vm", "list", "--sort", "foot"), ["footprint"])
        self.assertEqual(self.follows("vm", "list", "--sort", "-foot"), ["-footprint"])
        self.assertEqual(self.follows("--color", "a"), ["auto", "always"])
        self.assertIn("--no-headings", self.follows("vm", "list", "--"))
        self.assertNotIn("--no-headings", self.follows("explain", "--"))
        self.assertEqual(self.bash("vmreclaim vm list -o columns=name,sta"), ["name,state"])
        self.assertEqual(self.bash("vmreclaim vm list --sort -foot"), ["-footprint"])

    def test_names_of_vms(self):
        self.assertEqual(self.follows("explain", "web"), ["web1", "web2"])
        self.assertEqual(self.follows("explain", "web1", "web"), ["web1", "web2"])
        self.assertEqual(self.follows("history", "web1", ""), [])
        self.assertEqual(self.follows("squeeze", "web1", "web"), ["web1", "web2"])
        self.assertEqual(self.follows("actions", "--vm", "web"), ["web1", "web2"])
        self.assertEqual(self.follows("--timeout", "3s", "balloon", "web"), ["web1", "web2"])
        self.assertIn("--label", self.follows("balloon", "--"))

    def test_names_of_policies_and_actions(self):
        self.assertEqual(self.follows("policy", "show", ""), ["idle"])
        self.assertTrue(self.follows("verify", ""))

    def test_files(self):
        self.assertEqual(self.follows("policy", "apply", ""), [":file"])
        self.assertEqual(self.follows("policy", "check", "bal"), [":file"])

    def test_kinds_of_events(self):
        self.assertEqual(self.follows("events", "--kind", "re"),
                         ["reset", "restored", "renamed", "removed"])
        self.assertEqual(self.follows("events", "-k", "action,po"), ["action,policy"])

    def test_the_value_of_an_option(self):
        self.assertEqual(self.follows("actions", "--vm=we"), ["--vm=web1", "--vm=web2"])
        self.assertEqual(self.follows("events", "--kind=action,po"), ["--kind=action,policy"])
        self.assertEqual(self.follows("fleet", "events", "--kind", "action,ga"), ["action,gap"])
        self.assertEqual(self.bash("vmreclaim actions --vm=we"), ["web1", "web2"])

    def test_what_has_a_policy(self):
        self.assertEqual(self.follows("policy", "unassign", ""), ["web-*", "label:tier=db"])

    def test_without_a_daemon(self):
        result = self.run_cli("complete", "--", "--api", "unix:/nowhere/api.sock", "explain", "")
        self.assertEqual((result.stdout, result.stderr), ("", ""))

    def test_another_host_asks_for_no_password(self):
        path = os.path.join(self.directory.name, "ssh")
        with open(path, "w", encoding="utf-8") as file:
            file.write('#!/bin/sh\necho "$@" >"$0.log"\nexit 255\n')
        os.chmod(path, 0o755)
        environment = {"PATH": self.directory.name + ":" + os.environ["PATH"]}
        result = self.run_cli("complete", "--", "-H", "ssh://alice@host2:2222", "explain", "",
                              environment=environment)
        self.assertEqual((result.stdout, result.stderr), ("", ""))
        with open(path + ".log", encoding="utf-8") as file:
            self.assertRegex(file.read(), r"^-T -oBatchMode=yes -p 2222 -- alice@host2 ")

    def test_bash(self):
        self.assertEqual(self.bash("vmreclaim policy ro"), ["rollback"])
        self.assertEqual(self.bash("vmreclaim explain web"), ["web1", "web2"])
        self.assertEqual(self.bash("vmreclaim vm "), ["list", "show"])
        self.assertEqual(self.bash("vmreclaim policy apply "), ["compopt -o default"])

    def test_bash_takes_no_name_apart(self):
        """A host of a fleet calls its VMs as it likes; the operator only presses Enter."""
        names = ["h1/$(false)", "h1/`false`", "h1/a;false", "h1/it's", "h1/fine_1.x"]
        program = os.path.join(self.directory.name, "vmreclaim")
        with open(program, "w", encoding="utf-8") as file:
            file.write("#!/bin/sh\ncat <<'END'\n" + "".join(f"{name}\tmanaged\n" for name in names)
                       + "END\n")
        os.chmod(program, 0o755)
        words = self.bash(program + " fleet explain h1/")
        self.assertEqual(words[-1], "h1/fine_1.x")
        echoed = subprocess.run(["bash", "-c", "printf '%s\n' " + " ".join(words)], text=True,
                                capture_output=True, check=True, timeout=60)
        self.assertEqual(echoed.stdout.splitlines(), names)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
