#!/usr/bin/python3
"""vmreclaim-web as an HTTP server: whom it answers, what each may cost, and the way to the daemon.

usage: test-server.py VMRECLAIM_WEB API_SERVER
"""
import os
import socket
import ssl
import stat
import subprocess
import sys
import unittest

from web import HERE, WEB, ApiServer, Connection, Web, WebTestCase, state

CERTIFICATE = os.path.join(HERE, "certificate.pem")


class ServerTest(WebTestCase):
    # ---- who is answered ----

    def test_health(self):
        response = self.get("/healthz")
        self.assertEqual((response.status, response.body), (200, b"ok\n"))

    def test_every_answer_has_the_headers(self):
        for path in ["/healthz", "/nothing"]:
            response = self.get(path)
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
            self.assertIn("frame-ancestors 'none'", response.headers["Content-Security-Policy"])
            self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(response.headers["Referrer-Policy"], "no-referrer")
            self.assertEqual(response.headers["Cross-Origin-Resource-Policy"], "same-origin")
            self.assertEqual(response.headers["Cache-Control"], "no-store")
            self.assertNotIn("Access-Control-Allow-Origin", response.headers)

    def test_nothing_there(self):
        self.assertEqual(self.get("/nothing").status, 404)

    def test_other_names(self):
        self.assertEqual(self.get("/healthz", {"Host": "rebound.example"}).status, 403)
        self.assertEqual(self.get("/healthz", {"Host": "localhost:10170"}).status, 200)

    def test_other_sites(self):
        self.assertEqual(self.get("/healthz", {"Sec-Fetch-Site": "cross-site"}).status, 403)
        self.assertEqual(self.get("/healthz", {"Sec-Fetch-Site": "same-origin"}).status, 200)

    def test_other_methods(self):
        for method in ["POST", "PUT", "DELETE", "OPTIONS"]:
            self.assertEqual(self.get("/healthz", method=method).status, 405)
        self.assertEqual(self.get("/healthz", method="HEAD").body, b"")

    def test_a_body_is_refused(self):
        connection = Connection(self.web.connect())
        connection.request("GET", "/healthz", body=b"x" * 100000)
        self.assertEqual(connection.getresponse().status, 413)
        connection.close()

    def test_one_connection_for_many_requests(self):
        connection = Connection(self.web.connect())
        for _ in range(3):
            connection.request("GET", "/healthz")
            self.assertEqual(connection.getresponse().read(), b"ok\n")
        connection.close()

    # ---- what a client may cost ----

    def test_a_long_address(self):
        self.assertEqual(self.get("/" + "a" * 60000).status, 414)

    def test_many_headers(self):
        response = self.get("/healthz", {f"X-{i}": "y" * 100 for i in range(90)})
        self.assertIn(response.status, (200, 431))
        connection = self.web.connect()
        try:
            connection.sendall(b"GET / HTTP/1.1\r\n" + b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n" * 20000)
        except OSError:
            pass  # it was refused before
        connection.close()
        self.assertEqual(self.get("/healthz").status, 200)

    def test_a_thousand_idle_connections(self):
        idle = [self.web.connect() for _ in range(1000)]
        self.assertEqual(self.get("/healthz").status, 200)
        # and so with those that began to ask, and do not go on
        for connection in idle:
            try:
                connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: local")
            except OSError:
                pass  # it was shown out
        slow = [self.web.connect() for _ in range(400)]
        for connection in slow:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        self.assertEqual(self.get("/healthz").status, 200)
        for connection in idle + slow:
            connection.close()
        self.assertEqual(self.get("/healthz").status, 200)

    def test_garbage(self):
        for garbage in [b"\0" * 100, b"GET\r\n\r\n", b"\r\n" * 100, b"GET / HTTP/9.9\r\n\r\n",
                        b"GET /%00%ff%zz?%&=&== HTTP/1.1\r\nHost: localhost\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
                        b"GET / HTTP/1.1\r\nHost:\xff\xfe\r\nTransfer-Encoding: chunked\r\n\r\nzz"]:
            connection = self.web.connect()
            connection.sendall(garbage)
            connection.close()
        self.assertEqual(self.get("/healthz").status, 200)


class StartTest(WebTestCase):
    def fails(self, *arguments):
        result = subprocess.run([WEB, "--api", self.api, *arguments], capture_output=True,
                                text=True, timeout=60, check=False)
        self.assertNotEqual(result.returncode, 0)
        return result.stderr

    def test_not_beyond_loopback_without_tls(self):
        for address in ["0.0.0.0:0", "[::]:0"]:
            self.assertIn("--tls-certificate", self.fails("--listen", address))

    def test_bad_addresses(self):
        for address in ["localhost:80", "127.0.0.1", "127.0.0.1:x", "[::1]", "unix:", "fd:0",
                        "fd:x", "", "127.0.0.1:99999"]:
            self.assertIn("--listen", self.fails("--listen", address))
        self.assertIn("somebody listens there already",
                      self.fails("--listen", f"127.0.0.1:{self.web.address[1]}"))

    def test_bad_certificates(self):
        key = self.copy("key.pem", "key.pem")
        self.assertIn("--tls-key",
                      self.fails("--tls-certificate", CERTIFICATE, "--tls-key", "/nowhere"))
        self.assertIn("PEM", self.fails("--tls-certificate", key, "--tls-key", key,
                                        "--listen", "127.0.0.1:0"))
        self.assertIn("not the certificate's",
                      self.fails("--tls-certificate", CERTIFICATE, "--listen", "127.0.0.1:0",
                                 "--tls-key", self.copy("renewed-key.pem", "other.pem")))
        os.chmod(key, 0o644)
        self.assertIn("chmod 640", self.fails("--tls-certificate", CERTIFICATE, "--tls-key", key,
                                              "--listen", "127.0.0.1:0"))

    def test_tls(self):
        web = Web(self.api, "--tls-certificate", CERTIFICATE, "--tls-key",
                  self.copy("key.pem", "served-key.pem"), listen="0.0.0.0:0")
        web.wait_for("may read everything; give --basic-auth")
        context = ssl.create_default_context(cafile=CERTIFICATE)
        connection = Connection(context.wrap_socket(web.connect(), server_hostname="localhost"))
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().read(), b"ok\n")
        connection.close()
        # who does not begin with a handshake is in nobody's way
        quiet = [web.connect() for _ in range(350)]
        connection = Connection(context.wrap_socket(web.connect(), server_hostname="localhost"))
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().read(), b"ok\n")
        for other in [connection, *quiet]:
            other.close()
        self.assertEqual(web.stop(), 0)

    def test_a_handshake_that_waits(self):
        """The library would turn for it without pause: 80 % of a core for one connection."""
        web = Web(self.api, "--tls-certificate", CERTIFICATE,
                  "--tls-key", self.copy("key.pem", "waits-key.pem"))
        waiting = [web.connect() for _ in range(50)]
        for connection in waiting:
            connection.sendall(b"\x16\x03\x01")
        context = ssl.create_default_context(cafile=CERTIFICATE)
        connection = Connection(context.wrap_socket(web.connect(), server_hostname="localhost"))
        connection.request("GET", "/healthz")
        self.assertEqual(connection.getresponse().read(), b"ok\n")
        # what came before has been read: who turns without pause never sleeps
        self.wait_until(lambda: state(web.process.pid) == "S")
        for other in [connection, *waiting]:
            other.close()
        self.assertEqual(web.stop(), 0)

    def test_unix_socket(self):
        path = self.path("web.sock")
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(path)  # and nobody listens
        web = Web(self.api, listen="unix:" + path)
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
        self.assertEqual(self.get("/healthz", {"Host": "dashboard.example"}, web=web).status, 200)
        self.assertEqual(web.stop(), 0)
        self.assertFalse(os.path.exists(path))

    def test_not_over_a_file(self):
        path = self.path("file")
        with open(path, "w", encoding="utf-8"):
            pass
        self.assertIn("no socket", self.fails("--listen", "unix:" + path))
        self.assertTrue(os.path.exists(path))

    def test_host_option(self):
        web = Web(self.api, "--host", "vm-host.example")
        self.assertEqual(self.get("/healthz", {"Host": "vm-host.example:80"}, web=web).status, 200)
        self.assertEqual(self.get("/healthz", {"Host": "other.example"}, web=web).status, 403)
        self.assertEqual(web.stop(), 0)

    def test_ends_with_requests_under_way(self):
        web = Web(self.api)
        connections = [web.connect() for _ in range(20)]
        for connection in connections[:10]:
            connection.sendall(b"GET /healthz HTTP/1.1\r\n")
        self.assertEqual(web.stop(), 0)
        for connection in connections:
            connection.close()


class DaemonTest(WebTestCase):
    def test_daemon_comes_and_goes(self):
        api = "unix:" + self.path("restarted.sock")
        web = Web(api)
        web.wait_for("no connection to vmreclaimd")
        response = self.get("/healthz", web=web)
        self.assertEqual(response.status, 503)
        self.assertIn(b"restarted.sock", response.body)
        for _ in range(2):
            server = ApiServer(api)
            self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
            server.stop()
            self.wait_until(lambda: self.get("/healthz", web=web).status == 503)
        self.assertEqual(web.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
