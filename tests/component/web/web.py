"""vmreclaim-web as a child, over an API server with a script.

The arguments of the program that imports it: VMRECLAIM_WEB API_SERVER [...]
"""
import atexit
import base64
import faulthandler
import http.client
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import unittest

WEB, API_SERVER = sys.argv[1:3]
WAIT_MAX = 60  # seconds; a test that needs longer hangs, and then says where
HERE = os.path.dirname(os.path.abspath(__file__))


# A sanitizer keeps what was freed, for a while: as little as can be, so that memory can be counted.
ENVIRONMENT = {**os.environ,
               "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"}

def watch_over():
    """Ends what hangs from now on for much longer than anything may take."""
    faulthandler.dump_traceback_later(4 * WAIT_MAX, exit=True)


class ApiServer:
    """The daemon's part. It ends with its standard input."""

    program = API_SERVER

    def __init__(self, api, *arguments):
        self.process = subprocess.Popen([self.program, api, *arguments], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def say(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


class Web:
    """The program. `address` is ("127.0.0.1", port), or the path of a UNIX socket."""

    def __init__(self, api, *arguments, listen="127.0.0.1:0"):
        self.process = subprocess.Popen([WEB, "--api", api, "--listen", listen, *arguments],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, env=ENVIRONMENT)
        # a test that fails leaves none behind, nor its output open, for whose end a runner waits
        atexit.register(self.kill)
        self.lines = []
        words = self.wait_for(r"listens on (\S+)").group(1)
        if words.startswith("unix:"):
            self.address = words.removeprefix("unix:")
        else:
            host, port = words.rsplit(":", 1)
            self.address = (host.strip("[]"), int(port))

    def wait_for(self, pattern):
        """Reads the log until a line matches, also one that was read before."""
        for line in self.lines:
            if found := re.search(pattern, line):
                return found
        for line in self.process.stderr:
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the log ended without {pattern}: {self.lines}")

    def connect(self, timeout=30):
        kind = socket.AF_UNIX if isinstance(self.address, str) else socket.AF_INET
        connection = socket.socket(kind)
        connection.settimeout(timeout)
        connection.connect(self.address)
        return connection

    def stop(self):
        self.process.terminate()
        code = self.process.wait(timeout=30)
        self.process.stderr.close()
        return code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()

    def resident(self):
        """Bytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="utf-8") as status:
            return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) << 10


class Connection(http.client.HTTPConnection):
    """Over a socket that is there."""

    def __init__(self, connection):
        super().__init__("localhost", timeout=30)
        self.sock = connection


def stat(pid):
    """What proc(5) says from the state on."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
        return file.read().rpartition(") ")[2].split()


def state(pid):
    """R: it runs, or would; S: it waits."""
    return stat(pid)[0]


def cpu(pid):
    """Seconds of processor time."""
    return sum(int(ticks) for ticks in stat(pid)[11:13]) / os.sysconf("SC_CLK_TCK")


def write_secret(path, content, mode=0o600):
    """A file that its owner alone may read, there at once with all of its content."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        os.chmod(file.name, mode)
        file.write(content)
    os.rename(file.name, path)
    return path


def basic(name, password="geheim"):
    """The header that shows them."""
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


class WebTestCase(unittest.TestCase):
    options = ()
    server_arguments = ()

    @classmethod
    def setUpClass(cls):
        watch_over()
        cls.directory = tempfile.TemporaryDirectory()
        cls.api = "unix:" + cls.path("api.sock")
        cls.server = ApiServer(cls.api, *cls.server_arguments)
        cls.web = Web(cls.api, *cls.options)

    @classmethod
    def tearDownClass(cls):
        try:
            assert cls.web.stop() == 0
        finally:
            cls.server.stop()
            cls.directory.cleanup()

    def setUp(self):
        watch_over()

    @classmethod
    def path(cls, name):
        return os.path.join(cls.directory.name, name)

    @classmethod
    def secret(cls, name, content, mode=0o600):
        return write_secret(cls.path(name), content, mode)

    @classmethod
    def copy(cls, source, name):
        """A file from beside this one, as a secret."""
        with open(os.path.join(HERE, source), encoding="utf-8") as file:
            return cls.secret(name, file.read())

    def get(self, path, headers=None, method="GET", web=None):
        """The response, with its body in `.body`."""
        connection = Connection((web or self.web).connect())
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def wait_until(self, condition):
        end = time.monotonic() + WAIT_MAX
        while not condition():
            self.assertLess(time.monotonic(), end, "it did not come")
