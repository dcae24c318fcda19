#!/usr/bin/python3
"""What vmreclaim shows while a command takes long, and when it is interrupted.

usage: test-progress.py VMRECLAIM API_SERVER
"""
import os
import pty
import signal
import subprocess
import sys
import unittest

from cli import VMRECLAIM, CliTestCase


class ProgressTest(CliTestCase):
    def start(self, *arguments, error):
        return subprocess.Popen([VMRECLAIM, "--api", self.api, *arguments],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=error,
                                env={**os.environ, "LC_ALL": "C.UTF-8"})

    def on_terminal(self, *arguments, until, after=None):
        """What is on the terminal once `until` is; then it is interrupted, or `after` runs."""
        ours, theirs = pty.openpty()
        with self.start(*arguments, error=theirs) as program:
            os.close(theirs)
            text = b""
            while until not in text:
                text += os.read(ours, 4096)
            if after is None:
                program.send_signal(signal.SIGINT)
            else:
                after()
            try:
                while part := os.read(ours, 4096):
                    text += part
            except OSError:
                pass
        os.close(ours)
        return program.returncode, text

    def test_a_line_moves_on_a_terminal(self):
        code, text = self.on_terminal("explain", "silent", until=b"\r\x1b[K\\ explain silent: ")
        self.assertEqual(code, -signal.SIGINT)
        self.assertRegex(text, rb"\r\x1b\[K\| explain silent: \d+ s\r")
        self.assertNotIn(b"See: ", text) # nothing goes on

    def test_the_line_goes_before_an_answer_comes(self):
        code, text = self.on_terminal("--timeout", "3s", "explain", "silent",
                                      until=b"explain silent: ", after=lambda: None)
        self.assertEqual(code, 6)
        self.assertRegex(text, rb"explain silent: \d+ s\r\x1b\[Kvmreclaim: no answer within 3s")

    def test_several_are_counted(self):
        code, text = self.on_terminal("compact", "alone", "silent",
                                      until=b"compact alone silent: 1 of 2, ")
        self.assertEqual(code, -signal.SIGINT)
        self.assertTrue(text.endswith(b"\r\nThe action under way goes on to its end.\r\n"
                                      b"See: vmreclaim actions\r\n"))

    def test_plain_lines_elsewhere(self):
        with self.start("compact", "silent", error=subprocess.PIPE) as program:
            self.assertRegex(program.stderr.readline(),
                             rb"^vmreclaim: still at it: compact silent: \d+ s\n$")
            program.send_signal(signal.SIGINT)
            words = program.stderr.read()
        self.assertEqual(words, b"\nThe action under way goes on to its end.\n"
                                b"See: vmreclaim actions --vm silent\n")
        self.assertEqual(program.returncode, -signal.SIGINT)

    def test_a_dry_run_leaves_nothing(self):
        with self.start("compact", "--dry-run", "silent", error=subprocess.PIPE) as program:
            self.assertIn(b"still at it: compact silent: ", program.stderr.readline())
            program.send_signal(signal.SIGINT)
            self.assertEqual(program.stderr.read(), b"\nNothing is done.\n")

    def test_a_shell_sees_130(self):
        line = '(echo $BASHPID; exec "$0" --api "$1" reclaim silent); echo $?'
        with subprocess.Popen(["bash", "-c", line, VMRECLAIM, self.api], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as shell:
            program = int(shell.stdout.readline())
            self.assertIn("still at it", shell.stderr.readline())
            os.kill(program, signal.SIGINT)
            found, words = shell.communicate()
        self.assertEqual(found, "130\n")
        self.assertIn("goes on to its end", words)

    def test_an_interrupt_that_is_ignored_stays_so(self):
        line = 'trap "" INT; "$0" --api "$1" --timeout 3s reclaim silent'
        with subprocess.Popen(["bash", "-c", line, VMRECLAIM, self.api], text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, start_new_session=True) as shell:
            self.assertIn("still at it", shell.stderr.readline())
            os.killpg(shell.pid, signal.SIGINT)
            words = shell.stderr.read()
        self.assertIn("no answer within 3s", words)
        self.assertEqual(shell.returncode, 6)

    def test_policies(self):
        path = os.path.join(self.directory.name, "night.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write("profile: gentle\n")
        with self.start("policy", "apply", path, "--vm", "silent",
                        error=subprocess.PIPE) as program:
            program.stderr.readline()
            program.send_signal(signal.SIGINT)
            words = program.stderr.read()
        self.assertIn(b"is stored, and given to the VMs.\nSee: vmreclaim policy list\n", words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
