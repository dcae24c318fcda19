"""vmreclaim as a child, against an API server with a script of the class' own.

The arguments of the program that imports it: VMRECLAIM API_SERVER [...]
"""
import json
import os
import pty
import subprocess
import sys
import tempfile
import unittest

VMRECLAIM, API_SERVER = sys.argv[1:3]


class CliTestCase(unittest.TestCase):
    script = ()  # more arguments of the server

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.api = "unix:" + os.path.join(cls.directory.name, "api.sock")
        cls.server = subprocess.Popen([API_SERVER, cls.api, *cls.script], stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, text=True)
        assert cls.server.stdout.readline() == "ready\n"

    @classmethod
    def tearDownClass(cls):
        cls.server.stdin.close()
        cls.server.wait(timeout=20)
        cls.server.stdout.close()
        cls.directory.cleanup()

    def run_cli(self, *arguments, code=0, api=None, environment=None, text=True):
        result = subprocess.run([VMRECLAIM, "--api", api or self.api, *arguments],
                                capture_output=True, text=text, timeout=60, check=False,
                                stdin=subprocess.DEVNULL,
                                env={**os.environ, "LC_ALL": "C.UTF-8", **(environment or {})})
        self.assertEqual(result.returncode, code, (arguments, result.stdout, result.stderr))
        return result

    def on_a_terminal(self, *arguments):
        """All that is written to it; the command must succeed."""
        ours, theirs = pty.openpty()
        with subprocess.Popen([VMRECLAIM, "--api", self.api, *arguments],
                              stdin=subprocess.DEVNULL, stdout=theirs) as program:
            os.close(theirs)
            text = b""
            try:
                while part := os.read(ours, 4096):
                    text += part
            except OSError:
                pass
        os.close(ours)
        self.assertEqual(program.returncode, 0)
        return text

    def run_json(self, *arguments, code=0):
        return json.loads(self.run_cli("--json", *arguments, code=code).stdout)
