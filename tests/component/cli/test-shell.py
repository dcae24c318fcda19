#!/usr/bin/python3
"""vmreclaim shell: at a terminal that is emulated, and from a file.

usage: test-shell.py VMRECLAIM API_SERVER
"""
import os
import re
import signal
import subprocess
import termios
import unittest

import terminal
from cli import VMRECLAIM, CliTestCase

PROMPT = "vmreclaim> "


class PromptTest(CliTestCase):
    def setUp(self):
        self.home = os.path.join(self.directory.name, self.id().rsplit(".", maxsplit=1)[-1])
        os.mkdir(self.home)

    def start(self, *words, columns=80, lines=60):
        shell = terminal.Terminal([VMRECLAIM, "--api", self.api, *words, "shell"], columns, lines,
                                  {"HOME": self.home, "XDG_STATE_HOME": ""}, is_typed_at=True)
        self.at_prompt(shell)
        self.addCleanup(shell.program.wait)
        self.addCleanup(shell.program.kill)
        return shell

    def at_prompt(self, shell):
        """Until a line can be typed."""
        while not re.match(r"^vmreclaim[^>]*> *$", shell.screen.display[shell.screen.cursor.y]):
            self.assertTrue(shell.read())

    def ask(self, shell, line, pattern):
        shell.type(line + "\n")
        shell.until(pattern)
        self.at_prompt(shell)

    def end(self, shell):
        self.at_prompt(shell)
        shell.type("\x04")
        self.assertEqual(shell.close(), 0)
        return shell.lines()

    def history(self):
        with open(os.path.join(self.home, ".local/state/vmreclaim/history"), encoding="utf-8") as file:
            return file.read()

    def test_commands(self):
        shell = self.start()
        self.ask(shell, "vm list -q; version", "^vmreclaimd ")
        self.ask(shell, "vmreclaim compact web1", "^compact ")
        self.ask(shell, "bogus", "^vmreclaim: .bogus. is not a command")
        self.ask(shell, 'vm show "web1', '^vmreclaim: the quote " is not closed')
        lines = self.end(shell)
        self.assertIn("web1", lines)
        self.assertIn("alone", lines)

    def test_its_end(self):
        for word in ("exit", "quit", "ping web1; exit; ping web2"):
            shell = self.start()
            shell.type(word + "\n")
            self.assertEqual(shell.close(), 0)
            self.assertNotIn("web2: ", "\n".join(shell.lines()))

    def test_the_terminal_is_as_it_was(self):
        for last in ("exit\n", "\x04"):
            shell = self.start()
            typing = termios.tcgetattr(shell.ours)
            shell.type(last)
            self.assertEqual(shell.program.wait(), 0)
            after = termios.tcgetattr(shell.ours)
            self.assertFalse(typing[3] & (termios.ICANON | termios.ISIG | termios.ECHO))
            for flag in (termios.ICANON, termios.ISIG, termios.ECHO):
                self.assertTrue(after[3] & flag)
            shell.close()

    def test_the_tabulator(self):
        shell = self.start()
        for typed, whole in (("pol\tro\t", "policy rollback "), ("explain w\t", "explain web"),
                             ("ping web1; exp\talo\t", "ping web1; explain alone "),
                             ("vm show 'al\t", "vm show 'alone' "),
                             ("actions --vm=al\t", "actions --vm=alone "),
                             ("vm list -o colu\tfootp\t", "vm list -o columns=footprint "),
                             ("policy unassign l\t", "policy unassign label:tier=db ")):
            shell.type(typed)
            shell.until("^" + PROMPT + whole + " *$")
            shell.type("|")
            shell.until("^" + PROMPT + whole + r"\|")
            shell.type("\x15")  # the line goes
        self.end(shell)

    def test_what_may_follow_is_shown_with_its_help(self):
        shell = self.start()
        shell.type("policy \t")
        shell.until("^rollback +back to an older revision")
        shell.type("ro\t")
        shell.until("^" + PROMPT + "policy rollback")
        shell.type("\x15explain web\t")
        shell.until("^web2 +managed")
        shell.until("^" + PROMPT + "explain web")
        shell.type("\x15")
        self.end(shell)

    def test_more_than_the_terminal_has_room_for(self):
        shell = self.start(lines=12)
        shell.type("\t")
        shell.until("^[0-9]+ more: type more of the word")
        self.end(shell)

    def test_files(self):
        path = os.path.join(self.home, "night.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("name: night\nprofile: gentle\n")
        shell = self.start(columns=200)
        shell.type(f"policy check {self.home}/ni\t")
        shell.until(r"night\.yaml *$")
        self.ask(shell, "", 'is a valid policy: "night"')
        self.end(shell)

    def test_a_history_that_is_kept(self):
        shell = self.start()
        self.ask(shell, "version", "^vmreclaimd ")
        self.end(shell)
        self.assertIn("version", self.history())
        path = os.path.join(self.home, ".local/state/vmreclaim/history")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        shell = self.start()
        shell.type("\x1b[A")  # up
        shell.until("^" + PROMPT + "version")
        self.ask(shell, "", "^vmreclaimd ")
        self.end(shell)

    def test_an_interrupt_leaves_the_line(self):
        shell = self.start()
        shell.type("compact web1 \x03version\n")
        shell.until("^vmreclaimd ")
        lines = self.end(shell)
        self.assertFalse([line for line in lines if line.startswith("web1: ")])
        self.assertNotIn("compact", self.history())

    def test_an_interrupt_ends_the_command(self):
        shell = self.start()
        shell.type("vm list -w\n")
        shell.until("^3 VMs")
        shell.type("\x03")
        self.at_prompt(shell)
        self.ask(shell, "version", "^vmreclaimd ")
        self.end(shell)

    def test_top(self):
        shell = self.start(lines=24)
        shell.type("top\n")
        shell.until("^vmreclaim top")
        shell.type("q")
        shell.until("^" + PROMPT)  # over what was there: this emulator has one screen
        self.ask(shell, "version", "^vmreclaimd ")
        self.end(shell)

    def test_another_host_is_in_the_prompt(self):
        shell = self.start("-H", "ssh://host2")
        shell.until("^vmreclaim ssh://host2> *$")
        self.end(shell)


class ScriptTest(CliTestCase):
    def run_file(self, text, code=0):
        result = subprocess.run([VMRECLAIM, "--api", self.api, "shell"], input=text, text=True,
                                capture_output=True, timeout=60, check=False)
        self.assertEqual(result.returncode, code, (result.stdout, result.stderr))
        return result

    def test_commands(self):
        result = self.run_file("# a comment\n\nvm list -q # another\n--json ping web1\n"
                               "vm list -q --sort -name web*\n")
        lines = result.stdout.splitlines()
        self.assertEqual(lines[:3], ["web1", "web2", "alone"])
        self.assertIn("round_trip_ns", lines[3])
        self.assertEqual(lines[4:], ["web2", "web1"])
        self.assertEqual(result.stderr, "")

    def test_it_goes_on_after_one_that_failed(self):
        result = self.run_file("vm list -q web1\nvm list web3\nvm list -q 'web2'; bogus", code=2)
        self.assertEqual(result.stdout, "web1\nweb2\n")
        self.assertIn("vmreclaim: line 2: exit status 3\n", result.stderr)
        self.assertIn("vmreclaim: line 3: exit status 2\n", result.stderr)

    def test_options_are_of_one_command(self):
        lines = self.run_file("vm list -q\nvm list --no-headings -o columns=name\nvm list\n").stdout
        self.assertEqual(lines.count("NAME "), 1)
        self.assertEqual(lines.count("\nweb1 \n") + lines.count("\nweb1\n"), 1)

    def test_its_end(self):
        self.assertEqual(self.run_file("exit\nvm list\n").stdout, "")
        self.assertEqual(self.run_file("").stdout, "")

    def test_the_rest_is_no_commands_input(self):
        result = self.run_file("policy apply -\nversion\n")
        self.assertIn("vmreclaimd ", result.stdout)

    def test_forms_go_with_the_commands(self):
        self.assertIn("go with each command", self.run_cli("shell", "-o", "json", code=2).stderr)

    def test_an_interrupt_ends_all_of_it(self):
        with subprocess.Popen([VMRECLAIM, "--api", self.api, "shell"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True, start_new_session=True) as program:
            program.stdin.write("vm list -w -q\nversion\n")
            program.stdin.close()
            self.assertEqual(program.stdout.readline(), "web1\n")
            os.killpg(program.pid, signal.SIGINT)
            self.assertNotIn("vmreclaimd", program.stdout.read())
        self.assertEqual(program.returncode, -signal.SIGINT)


if __name__ == "__main__":
    unittest.main(argv=["test-shell.py"])
