#!/usr/bin/python3
"""Basic auth over TLS: who is let in, what guesses cost, and files that change.

usage: test-login.py VMRECLAIM_WEB DAEMON
"""
import base64
import collections
import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import urllib.request

from web import HERE, WEB, Connection, Web, WebTestCase, basic

PROMETHEUS = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                          "vmreclaim/lab/prometheus/usr/bin/prometheus")
CERTIFICATE = os.path.join(HERE, "certificate.pem")

# Of "geheim", as htpasswd -B and mkpasswd -m yescrypt made them. DEAR costs 16 MiB, SLOW 2 MiB.
CHEAP = "$2y$06$8hELjUVt5ebG6QiJDzJkcegmoP3mTw2a0XxIyTf00IEZw8fTK5awq"
DEAR = "$y$j9T$l2b6kFWJnQRhPR37LbtVt1$FXEpTFDexqeBP.0v8F849WlCMvpWl7Yqocs3JN.mdm2"
SLOW = "$y$j75$ohKyvkalPZLnO9M9uh0EA0$pVR32em.gOC9wuVK7GzLPr/tfBDvF8CHjCKs2KGIVg9"


class LoginTestCase(WebTestCase):
    server_arguments = ("3",)
    users = f"admin:{CHEAP}\ndear:{DEAR}\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.plain = cls.web
        cls.web = cls.start("web")

    @classmethod
    def tearDownClass(cls):
        assert cls.plain.stop() == 0
        super().tearDownClass()

    @classmethod
    def start(cls, name):
        """One with files of its own, which begin with `name`."""
        with open(CERTIFICATE, encoding="utf-8") as file:
            certificate = cls.secret(name + ".certificate", file.read())
        return Web(cls.api, "--tls-certificate", certificate,
                   "--tls-key", cls.copy("key.pem", name + ".key"),
                   "--basic-auth", cls.secret(name + ".users", cls.users))

    @staticmethod
    def connect(web, source="127.0.0.1", certificate=CERTIFICATE):
        context = ssl.create_default_context(cafile=certificate)
        raw = socket.create_connection(web.address, timeout=60, source_address=(source, 0))
        return Connection(context.wrap_socket(raw, server_hostname="localhost"))

    def ask(self, headers=None, path="/metrics", web=None, **arguments):
        connection = self.connect(web or self.web, **arguments)
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        response.body = response.read()
        connection.close()
        return response

    def status(self, *arguments, **others):
        return self.ask(*arguments, **others).status


class LoginTest(LoginTestCase):
    def test_everything_needs_a_password(self):
        for path in ["/", "/page.css", "/metrics", "/events", "/api/status", "/nothing"]:
            response = self.ask(path=path)
            self.assertEqual((path, response.status), (path, 401))
            self.assertIn("Basic realm=", response.headers["WWW-Authenticate"])
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
        self.assertEqual(self.status(basic("admin"), "/page.css"), 200)
        self.assertEqual(self.status(basic("dear"), "/metrics"), 200)
        self.assertEqual(self.status(basic("admin"), "/nothing"), 404)

    def test_health_is_for_all(self):
        self.assertEqual(self.ask(path="/healthz").body, b"ok\n")
        web = Web("unix:" + self.path("nowhere.sock"),
                  "--tls-certificate", self.copy("certificate.pem", "h.certificate"),
                  "--tls-key", self.copy("key.pem", "h.key"),
                  "--basic-auth", self.secret("h.users", self.users))
        response = self.ask(path="/healthz", web=web)
        self.assertEqual((response.status, response.body), (503, b"no connection to vmreclaimd\n"))
        self.assertEqual(web.stop(), 0)

    def test_what_is_no_password(self):
        web = self.start("no-password")
        for value in ["", "Basic", "Basic ", "Basic =", "Basic !!!!", "Bearer abc", "Digest x=y",
                      "Basic " + base64.b64encode(b"admin").decode(),
                      "Basic " + base64.b64encode(b"admin:geheim\0x").decode(),
                      "Basic " + base64.b64encode(b"admin\0:geheim").decode(),
                      "Basic " + base64.b64encode(b"admin:" + b"x" * 600).decode(),
                      "Basic " + "QQ==" * 2000, "Basic " + base64.b64encode(b":").decode(),
                      "Basic \xff\xfe"]:
            self.assertEqual((value, self.status({"Authorization": value}, web=web)), (value, 401))
        for name, password in [("admin", "Geheim"), ("admin", ""), ("nobody", "geheim"),
                               ("admin:geheim", ""), ("ädmin", "geheim")]:
            self.assertEqual(self.status(basic(name, password), web=web), 401)
        self.assertEqual(self.status({"authorization": basic("admin")["Authorization"]
                                      .replace("Basic ", "bASIC   ")}, web=web), 200)
        web.wait_for('a login from 127.0.0.1 as "nobody" had a wrong name')
        self.assertEqual(web.stop(), 0)

    def test_other_sites_are_refused_before(self):
        headers = {**basic("admin"), "Sec-Fetch-Site": "cross-site"}
        self.assertEqual(self.status(headers), 403)
        self.assertEqual(self.status({**basic("admin"), "Host": "rebound.example"}), 403)

    def test_a_page_with_all_it_asks_for(self):
        """Many at once with a password that nobody has shown before."""
        web = self.start("page")
        connections = [self.connect(web) for _ in range(30)]
        for connection in connections:
            connection.request("GET", "/metrics", headers=basic("dear"))
        self.assertEqual([one.getresponse().status for one in connections], [200] * 30)
        for connection in connections:
            connection.close()
        self.assertEqual(web.stop(), 0)

    def test_not_without_tls(self):
        users = self.secret("plain.users", self.users)
        result = subprocess.run([WEB, "--basic-auth", users], capture_output=True, text=True,
                                timeout=60, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("--tls-certificate", result.stderr)

    def test_files_that_do_not_do(self):
        def fails(content, mode=0o600):
            users = self.secret("bad.users", content, mode)
            result = subprocess.run(
                [WEB, "--listen", "127.0.0.1:0", "--basic-auth", users, "--tls-certificate",
                 CERTIFICATE, "--tls-key", self.copy("key.pem", "bad.key")],
                capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(result.returncode, 1)
            return result.stderr

        self.assertIn("chmod 640", fails(self.users, 0o644))
        self.assertIn("chmod 640", fails(self.users, 0o620))
        self.assertIn("line 1", fails("admin:geheim\n"))
        self.assertIn("nobody could log in", fails("# none\n"))


class GuessTest(LoginTestCase):
    users = f"admin:{CHEAP}\ndear:{SLOW}\n"

    def test_an_address_that_guesses(self):
        web = self.start("guess")
        self.assertEqual(self.status(basic("admin"), web=web), 200)
        connections = [self.connect(web) for _ in range(30)]
        for i, connection in enumerate(connections):
            connection.request("GET", "/metrics", headers=basic("dear", f"{i}"))
        answers = collections.Counter(one.getresponse().status for one in connections)
        for connection in connections:
            connection.close()
        self.assertGreaterEqual(answers[401], 10)
        self.assertGreater(answers[429], 0)
        self.assertEqual(answers[401] + answers[429], 30)
        response = self.ask(basic("dear", "x"), web=web)
        if response.status == 429:
            self.assertLessEqual(int(response.headers["Retry-After"]), 20)
        # who is known comes in, and so does another address
        self.assertEqual(self.status(basic("admin"), web=web), 200)
        self.assertEqual(self.status(basic("dear"), web=web, source="127.0.0.2"), 200)
        # and then the first one, with what is known now
        self.assertEqual(self.status(basic("dear"), web=web), 200)
        self.assertEqual(web.stop(), 0)

    def test_a_thousand_guesses(self):
        """From fifty addresses; the loop serves those it knows meanwhile."""
        web = self.start("thousand")
        self.assertEqual(self.status(basic("admin"), web=web), 200)
        answers = collections.Counter()
        lock = threading.Lock()
        over = threading.Event()

        def guess(number):
            connection = self.connect(web, source=f"127.0.1.{number + 1}")
            for i in range(20):
                connection.request("GET", "/", headers=basic("dear", f"{number} {i}"))
                response = connection.getresponse()
                response.read()
                with lock:
                    answers[response.status] += 1
            connection.close()

        threads = [threading.Thread(target=guess, args=(number,)) for number in range(50)]
        for thread in threads:
            thread.start()

        def wait():
            for thread in threads:
                thread.join()
            over.set()

        threading.Thread(target=wait).start()
        known = self.connect(web)
        longest, served = 0.0, 0
        while not over.is_set():
            begin = time.monotonic()
            known.request("GET", "/metrics", headers=basic("admin"))
            response = known.getresponse()
            response.read()
            longest = max(longest, time.monotonic() - begin)
            self.assertEqual(response.status, 200)
            served += 1
        known.close()
        print(f"\n1000 guesses: {dict(answers)}; beside them {served} scrapes of who is known, "
              f"the longest {longest * 1000:.0f} ms")
        self.assertEqual(sum(answers.values()), 1000)
        self.assertLessEqual(set(answers), {401, 429, 503})
        self.assertGreater(answers[401], 100)
        self.assertEqual(web.stop(), 0)

    def test_ends_with_passwords_under_way(self):
        web = self.start("ending")
        connections = [self.connect(web, source=f"127.0.1.{i + 1}") for i in range(20)]
        for i, connection in enumerate(connections):
            connection.request("GET", "/", headers=basic("dear", f"{i}"))
        self.assertEqual(web.stop(), 0)
        for connection in connections:
            connection.close()


class ReloadTest(LoginTestCase):
    def hangup(self, web):
        web.process.send_signal(signal.SIGHUP)

    def test_passwords_change(self):
        web = self.start("change")
        self.assertEqual(self.status(basic("admin"), web=web), 200)
        stream = self.connect(web)
        stream.request("GET", "/events", headers=basic("admin"))
        response = stream.getresponse()
        self.assertEqual(response.status, 200)
        self.secret("change.users", f"other:{CHEAP}\n")
        self.hangup(web)
        web.wait_for("read again: .*change.users, 1 names")
        self.assertEqual(self.status(basic("admin"), web=web), 401)
        self.assertEqual(self.status(basic("other"), web=web), 200)
        with self.assertRaises((OSError, http.client.IncompleteRead)):  # by what is no longer so
            while True:
                response.read1()
        stream.close()
        # without being told
        self.secret("change.users", f"third:{CHEAP}\n")
        self.wait_until(lambda: self.status(basic("third"), web=web, source="127.0.0.3") == 200)
        self.assertEqual(web.stop(), 0)

    def test_what_cannot_be_used(self):
        web = self.start("broken")
        self.secret("broken.users", "admin:geheim\n")
        self.hangup(web)
        web.wait_for("broken.users: line 1: .*; what was read before stays in use")
        self.assertEqual(self.status(basic("admin"), web=web), 200)
        os.chmod(self.path("broken.key"), 0o644)
        self.hangup(web)
        web.wait_for("--tls-key .*chmod 640")
        self.assertEqual(self.status(basic("admin"), web=web), 200)
        self.assertEqual(web.stop(), 0)

    def test_a_renewed_certificate(self):
        web = self.start("renewed")
        renewed = os.path.join(HERE, "renewed-certificate.pem")
        old = self.connect(web)
        old.request("GET", "/healthz")
        self.assertEqual(old.getresponse().read(), b"ok\n")
        self.copy("renewed-certificate.pem", "renewed.certificate")
        self.hangup(web)  # one of two
        web.wait_for("not the certificate's; what was read before stays in use")
        self.assertEqual(self.status(path="/healthz", web=web), 200)
        self.copy("renewed-key.pem", "renewed.key")
        self.hangup(web)
        web.wait_for("read again: .*renewed.certificate")
        self.assertEqual(self.status(path="/healthz", web=web, certificate=renewed), 200)
        with self.assertRaises(ssl.SSLCertVerificationError):
            self.status(path="/healthz", web=web)
        old.request("GET", "/healthz")  # what is open goes on
        self.assertEqual(old.getresponse().read(), b"ok\n")
        old.close()
        self.assertEqual(web.stop(), 0)

    def test_nothing_to_read(self):
        self.hangup(self.plain)
        self.assertEqual(self.get("/healthz", web=self.plain).status, 200)


class PeerTest(LoginTestCase):
    @unittest.skipUnless(shutil.which("curl"), "no curl: deploy/install-deps check installs it")
    def test_curl(self):
        def curl(*arguments):
            result = subprocess.run(
                ["curl", "-sS", "--cacert", CERTIFICATE, "-o", "/dev/null", "-w", "%{http_code}",
                 *arguments, f"https://localhost:{self.web.address[1]}/metrics"],
                capture_output=True, text=True, timeout=60, check=False)
            return result.stdout, result.returncode

        self.assertEqual(curl(), ("401", 0))
        self.assertEqual(curl("-u", "admin:geheim"), ("200", 0))
        self.assertEqual(curl("-u", "admin:falsch"), ("401", 0))
        self.assertEqual(curl("--anyauth", "-u", "dear:geheim"), ("200", 0))
        self.assertEqual(curl("-u", "admin:geheim", "--tlsv1.3"), ("200", 0))
        self.assertNotEqual(curl("-u", "admin:geheim", "--tls-max", "1.1")[1], 0)

    def target(self, address):
        """What Prometheus says of its only target."""
        try:
            with urllib.request.urlopen(f"http://{address}/api/v1/targets", timeout=30) as answer:
                target = json.load(answer)["data"]["activeTargets"][0]
        except (OSError, IndexError):
            return "", ""
        return target["health"], target["lastError"]

    @unittest.skipUnless(os.path.exists(PROMETHEUS),
                         "no Prometheus: deploy/install-deps all fetches it")
    def test_prometheus(self):
        for password, health, words in [("geheim", "up", ""), ("falsch", "down", "401")]:
            folder = self.path("prometheus-" + password)
            os.mkdir(folder)
            with open(os.path.join(folder, "config.yml"), "w", encoding="utf-8") as file:
                json.dump({"scrape_configs": [{
                    "job_name": "vmreclaim", "scheme": "https", "scrape_interval": "3s",
                    "basic_auth": {"username": "dear", "password": password},
                    "tls_config": {"ca_file": CERTIFICATE, "server_name": "localhost"},
                    "static_configs": [{"targets": [f"127.0.0.1:{self.web.address[1]}"]}]}]}, file)
            self.assertEqual(subprocess.run(
                [os.path.join(os.path.dirname(PROMETHEUS), "promtool"), "check", "config",
                 file.name], capture_output=True, timeout=60, check=False).returncode, 0)
            with open(os.path.join(folder, "log"), "w+", encoding="utf-8") as log:
                prometheus = subprocess.Popen(
                    [PROMETHEUS, "--config.file=" + file.name, "--storage.tsdb.path=" + folder,
                     "--web.listen-address=127.0.0.1:0"], stdout=log, stderr=log)
                try:
                    self.check_target(log.name, health, words)
                finally:
                    prometheus.terminate()
                    prometheus.wait(timeout=60)

    def check_target(self, log, health, words):
        def listens():
            with open(log, encoding="utf-8") as file:
                return [line for line in file if 'msg="Listening on" address=' in line]

        self.wait_until(listens)
        address = listens()[0].rsplit("address=", 1)[1].split()[0]
        self.wait_until(lambda: self.target(address)[0] == health and
                        words in self.target(address)[1])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
