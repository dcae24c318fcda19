#!/usr/bin/python3
"""/metrics, and the same as a file.

usage: test-metrics.py VMRECLAIM_WEB DAEMON VMRECLAIM VMRECLAIMD
"""
import gzip
import os
import subprocess
import sys
import threading
import time
import unittest

from exposition import parse, value
from web import WEB, ApiServer, Web, WebTestCase

VMRECLAIMD = sys.argv[4]
PROMTOOL = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                        "vmreclaim/lab/prometheus/usr/bin/promtool")
HOSTILE = 'vm-0 "},{\\ \n# TYPE x gauge'


class MetricsTest(WebTestCase):
    server_arguments = ("1000",)

    def metrics(self, web=None, headers=None):
        response = self.get("/metrics", headers, web=web)
        self.assertEqual(response.status, 200)
        return response

    def test_the_page(self):
        response = self.metrics()
        self.assertEqual(response.headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        page = parse(response.body)
        self.assertEqual(value(page, "up"), "1")
        self.assertEqual(len(page["vmreclaim_vm_memory_bytes"].samples), 2000)
        self.assertEqual(value(page, "vm_memory_bytes", vm=HOSTILE, part="in_use"), "1073741824")
        self.assertEqual(value(page, "vm_memory_bytes", vm="vm-1 ä", part="remainder"), "-4096")
        # texts of one name are one sample
        self.assertEqual(value(page, "vm_info", vm="vm-1 ä", uuid='uu"id\\', policy="bal\nanced"),
                         "1")
        # unknown is absent
        self.assertEqual(value(page, "guest_waiting_seconds_total", vm=HOSTILE), "1.5")
        self.assertIsNone(value(page, "guest_waiting_seconds_total", vm="vm-1 ä"))
        self.assertEqual(value(page, "host_pressure_ratio"), "0.0125")
        self.assertEqual(value(page, "loop_turn_seconds", "_bucket", le="0.03"), "8")
        self.assertEqual(value(page, "loop_turn_seconds", "_bucket", le="+Inf"), "9")
        self.assertEqual(value(page, "loop_turn_seconds", "_sum"), "0.123456789")

    def test_promtool(self):
        if not os.path.exists(PROMTOOL):
            self.skipTest("no promtool: deploy/install-deps all fetches it")
        for body in [self.metrics().body, real_page(self)]:
            result = subprocess.run([PROMTOOL, "check", "metrics"], input=body, timeout=60,
                                    capture_output=True, check=False)
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, b"", b""))

    def test_packed(self):
        response = self.metrics(headers={"Accept-Encoding": "gzip"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        page = parse(gzip.decompress(response.body))
        self.assertEqual(len(page["vmreclaim_vm_info"].samples), 1000)

    def test_without_single_vms(self):
        web = Web(self.api, "--metrics", "host")
        page = parse(self.metrics(web).body)
        self.assertNotIn("vmreclaim_vm_info", page)
        self.assertEqual(value(page, "host_pressure_ratio"), "0.0125")
        self.assertEqual(web.stop(), 0)

    def test_many_scrapers(self):
        bodies = []

        def scrape():
            bodies.append(self.metrics().body)

        threads = [threading.Thread(target=scrape) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(bodies), 40)
        self.assertLessEqual(len(set(bodies)), 2)

    def test_idle_connections_are_in_nobodys_way(self):
        idle = [self.web.connect() for _ in range(1000)]
        parse(self.metrics().body)
        for connection in idle:
            connection.close()

    def test_who_does_not_read(self):
        """Pages are shared, and no more than their bound is kept for whoever does not take them."""
        before = self.web.resident()
        lazy = []
        for _ in range(4):
            for _ in range(50):
                connection = self.web.connect()
                connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
                lazy.append(connection)
            parse(self.metrics().body)
            time.sleep(1.1)  # a page is fresh for a second: these get another one
        self.assertLess(self.web.resident() - before, 96 << 20)
        for connection in lazy:
            connection.close()
        parse(self.metrics().body)

    def test_the_daemon_is_away(self):
        api = "unix:" + self.path("away.sock")
        web = Web(api)
        self.assertEqual(self.metrics(web).body,
                         b"# HELP vmreclaim_up Whether the daemon answered.\n"
                         b"# TYPE vmreclaim_up gauge\nvmreclaim_up 0\n")
        server = ApiServer(api, "2")
        self.wait_until(lambda: value(parse(self.metrics(web).body), "up") == "1")
        server.stop()
        self.wait_until(lambda: value(parse(self.metrics(web).body), "up") == "0")
        self.assertEqual(web.stop(), 0)


class TextfileTest(WebTestCase):
    server_arguments = ("3",)

    def write(self, path, *arguments, api=None):
        return subprocess.run([WEB, "--api", api or self.api, "--textfile", path, *arguments],
                              capture_output=True, text=True, timeout=60, check=False)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def test_once(self):
        path = self.path("once.prom")
        self.assertEqual(self.write(path).returncode, 0)
        self.assertEqual(value(parse(self.read(path)), "up"), "1")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o644 & ~read_umask())
        self.assertFalse([name for name in os.listdir(self.directory.name)
                          if name.startswith("once.prom.")])

    def test_the_daemon_is_away(self):
        path = self.path("away.prom")
        result = self.write(path, api="unix:" + self.path("nobody.sock"))
        self.assertEqual(result.returncode, 0)
        self.assertIn("no figures", result.stderr)
        self.assertEqual(value(parse(self.read(path)), "up"), "0")

    def test_a_folder_that_is_not_there(self):
        result = self.write(self.path("nowhere/x.prom"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("nowhere/x.prom", result.stderr)

    def test_again_and_again(self):
        path = self.path("again.prom")
        with subprocess.Popen([WEB, "--api", self.api, "--textfile", path, "--interval", "1s"],
                              stderr=subprocess.PIPE) as web:
            self.wait_until(lambda: os.path.exists(path))
            first = os.stat(path).st_ino, os.stat(path).st_mtime_ns
            self.wait_until(lambda: (os.stat(path).st_ino, os.stat(path).st_mtime_ns) != first)
            parse(self.read(path))
            web.terminate()
            self.assertEqual(web.wait(timeout=30), 0)


def read_umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask


def real_page(test):
    """Of a vmreclaimd with a VM that is not there."""
    api = "unix:" + test.path("real.sock")
    os.makedirs(test.path("vms"), exist_ok=True)
    with open(test.path("vms/web-1.yaml"), "w", encoding="utf-8") as file:
        file.write("cid: 7\n")
    with open(test.path("empty.yaml"), "w", encoding="utf-8"):
        pass
    daemon = subprocess.Popen(
        [VMRECLAIMD, "--config", test.path("empty.yaml"), "--listen", "none", "--find-processes",
         "no", "--libvirt", "none", "--api", api, "--vms", test.path("vms"), "--state-directory",
         test.path("state")], stderr=subprocess.PIPE)
    web = Web(api)
    test.wait_until(lambda: daemon.poll() is not None or test.get("/healthz", web=web).status == 200)
    body = test.get("/metrics", web=web).body
    assert web.stop() == 0
    daemon.terminate()
    assert daemon.wait(timeout=60) == 0, daemon.stderr.read()
    daemon.stderr.close()
    return body


class RealTest(WebTestCase):
    server_arguments = ("1",)

    def test_a_real_daemon(self):
        page = parse(real_page(self))
        self.assertEqual(value(page, "up"), "1")
        self.assertEqual(value(page, "agents"), "0")
        self.assertEqual(value(page, "vm_agent_connected", vm="web-1"), "0")
        self.assertEqual(value(page, "vm_guest_known", vm="web-1"), "0")
        self.assertIsNone(value(page, "vm_last_sample_timestamp_seconds", vm="web-1"))
        self.assertIsNone(value(page, "vm_memory_bytes", vm="web-1", part="in_use"))
        self.assertGreater(float(value(page, "start_time_seconds")), 1e9)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
