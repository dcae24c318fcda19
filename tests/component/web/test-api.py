#!/usr/bin/python3
"""/api/: the command line's JSON over HTTP.

usage: test-api.py VMRECLAIM_WEB API_SERVER VMRECLAIM VMRECLAIMD FOLDER_OF_THE_PAGE MANUAL
"""
import gzip
import json
import re
import sys
import threading
import unittest

import shown
from web import ApiServer, Web, WebTestCase

VMRECLAIM, MANUAL = sys.argv[3], sys.argv[6]


class ApiTest(WebTestCase):
    def json(self, path, status=200, web=None):
        response = self.get(path, web=web)
        self.assertEqual(response.status, status, response.body)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        return json.loads(response.body)

    def test_the_same_as_the_command_line(self):
        for path, command in shown.DAEMON.items():
            with self.subTest(path):
                self.assertEqual(self.json("/api/" + path),
                                 shown.show(VMRECLAIM, command, VMRECLAIM_API=self.api))

    def test_no_command_is_forgotten(self):
        """A new one is in one of the tables above."""
        commands = shown.commands(VMRECLAIM)
        read = {max((command for command in commands if f"{one} ".startswith(command + " ")), key=len)
                for one in [*shown.DAEMON.values(), *shown.FLEET.values()] if "--dry-run" not in one}
        others = set(shown.ELSEWHERE) | shown.CHANGE
        self.assertEqual(set(commands), read | others)
        self.assertEqual(read & others, set())

    def test_no_path_is_forgotten(self):
        """What the manual lists is what is compared with the command line."""
        with open(MANUAL, encoding="utf-8") as file:
            listed = re.search(r"Below _/api/_ are:\n\n((?:- .*\n)+)", file.read())[1]
        paths = {path for line in listed.splitlines() for part in line[2:].split(";")
                 for path in part.split(":")[0].strip().split(", ")}
        self.assertEqual(paths, {path.split("?")[0] for path in [*shown.DAEMON, *shown.FLEET]})
        for path in paths:
            answer = self.get("/api/" + path)
            self.assertEqual(b"--fleet" in answer.body, path.startswith("fleet/"), answer.body)
            self.assertNotIn(b"no such path", answer.body)

    def test_names_of_any_bytes(self):
        self.assertEqual(self.json("/api/vm?vm=a%2Fb%20c%C3%A4")["vm"]["name"], "a/b cä")
        self.assertIn("UTF-8", self.json("/api/vm?vm=%FF", 400)["error"])
        self.assertIn("\ufffd", self.json("/api/vm?vm=hostile")["vm"]["state"].replace("?", "\ufffd"))

    def test_failures(self):
        self.assertIn("did you mean", self.json("/api/vm?vm=missing", 404)["error"])
        self.json("/api/vm?vm=denied", 502)
        self.json("/api/vm?vm=away", 503)
        self.json("/api/nothing", 404)
        self.json("/api/", 404)
        self.assertIn("needs", self.json("/api/vm", 400)["error"])
        self.assertIn("no argument", self.json("/api/vm?fresh=1", 400)["error"])
        self.assertIn("number", self.json("/api/history?vm=web1&points=all", 400)["error"])

    def test_the_daemon_goes_in_the_middle(self):
        api = "unix:" + self.path("vanish.sock")
        server = ApiServer(api)
        web = Web(api)
        self.json("/api/vm?vm=vanish", 503, web)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        self.json("/api/vm?vm=web1", web=web)
        self.assertEqual(web.stop(), 0)
        server.stop()

    def test_packed(self):
        response = self.get("/api/vms", {"Accept-Encoding": "gzip"})
        self.assertEqual(response.headers["Content-Encoding"], "gzip")
        self.assertEqual(json.loads(gzip.decompress(response.body)), self.json("/api/vms"))

    def test_many_ask_the_same(self):
        answers = []

        def ask():
            answers.append(self.get("/api/vms").body)

        threads = [threading.Thread(target=ask) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(answers), 50)
        self.assertEqual(len(set(answers)), 1)

    def test_many_ask_much(self):
        """More questions than are remembered, each with its own answer."""
        for i in range(100):
            self.assertEqual(self.json(f"/api/vm?vm=vm-{i}")["vm"]["name"], f"vm-{i}")

    def test_much_that_is_remembered(self):
        """What was read is in nobody's way, however many megabytes of it are remembered."""
        asked = 0
        size = 0
        while size < 80 << 20:
            response = self.get(f"/api/history?vm=wordy&since_ns={asked}")
            self.assertEqual(response.status, 200)
            size += len(response.body)
            asked += 1
        self.assertLess(asked, 32)  # all of it could be remembered
        self.assertEqual(self.get("/healthz").status, 200)

    def test_stops_while_it_waits(self):
        web = Web(self.api)
        connections = [web.connect() for _ in range(10)]
        for number, connection in enumerate(connections):
            connection.sendall(b"GET /api/vm?vm=silent HTTP/1.1\r\nHost: localhost\r\n"
                               b"X: %d\r\n\r\n" % number)
        self.assertEqual(self.get("/api/vm?vm=web1", web=web).status, 200)
        connections[0].close()
        self.assertEqual(web.stop(), 0)
        for connection in connections:
            connection.close()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
