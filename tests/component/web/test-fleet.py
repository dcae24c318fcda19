#!/usr/bin/python3
"""A fleet's figures over HTTP, beside a daemon's and alone.

usage: test-fleet.py VMRECLAIM_WEB API_SERVER VMRECLAIM COORDINATOR MANUAL
"""
import json
import os
import re
import subprocess
import sys
import threading
import time
import unittest

import shown
from exposition import parse, value
from web import WAIT_MAX, ApiServer, Web, WebTestCase

VMRECLAIM, COORDINATOR, MANUAL = sys.argv[3:6]
PROMTOOL = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                        "vmreclaim/lab/prometheus/usr/bin/promtool")
HOSTS = 1203
EVIL = "<img src=x onerror=alert(1)>\"'&"


class Coordinator(ApiServer):
    program = COORDINATOR

    def __init__(self, address, hosts=HOSTS):
        super().__init__(address, str(hosts))

    def calls(self):
        self.say("calls")
        return int(self.process.stdout.readline().split()[1])


class FleetTest(WebTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.fleet = "unix:" + cls.path("fleet.sock")
        cls.coordinator = Coordinator(cls.fleet)
        cls.both = Web(cls.api, "--fleet", cls.fleet)
        cls.alone = Web("none", "--fleet", cls.fleet)
        assert cls.both.wait_for("listens on") and cls.alone.wait_for("listens on")

    @classmethod
    def tearDownClass(cls):
        try:
            assert cls.both.stop() == 0 and cls.alone.stop() == 0
            cls.coordinator.stop()
        finally:
            super().tearDownClass()

    def look(self, path, web=None):
        """The coordinator of a busy machine may not answer in time: then it is asked again."""
        end = time.monotonic() + 2 * WAIT_MAX
        while (response := self.get(path, web=web or self.both)).status == 504:
            self.assertLess(time.monotonic(), end, response.body)
        return response

    def json(self, path, status=200, web=None):
        response = self.look("/api/" + path, web)
        self.assertEqual(response.status, status, response.body)
        self.assertEqual(response.headers["Content-Type"], "application/json")
        return json.loads(response.body)

    def whole(self, path):
        """All pages of a list, put together."""
        answer = page = self.json(path)
        while token := page.pop("next_page_token", ""):
            page = self.json(f"{path}{'&' if '?' in path else '?'}page_token={token}")
            for name, value in page.items():
                if isinstance(value, list):
                    answer[name] += value
        return answer

    def test_the_same_as_the_command_line(self):
        for path, command in shown.FLEET.items():
            with self.subTest(path):
                answer = shown.show(VMRECLAIM, command, VMRECLAIM_FLEET=self.fleet)
                answer.pop("next_page_token", None)
                self.assertEqual(self.whole(path), answer)

    def test_pages(self):
        page = self.json("fleet/hosts?page_size=3")
        self.assertEqual([host["host"] for host in page["hosts"]], ["h00000", "h00001", "h00002"])
        page = self.json("fleet/hosts?page_size=2&page_token=" + page["next_page_token"])
        self.assertEqual([host["host"] for host in page["hosts"]], ["h00003", "h00004"])

    def test_one_host(self):
        host = self.json("fleet/host?host=h00002")["host"]
        self.assertEqual(host["status"]["name"], EVIL)
        self.assertEqual(len(host["status"]["vms"]), 3)
        self.assertIn("fleet hosts", self.json("fleet/host?host=h9", 404)["error"])
        self.assertIn("needs", self.json("fleet/host", 400)["error"])

    def test_what_is_wrong(self):
        self.assertIn("error", self.json("fleet/hosts?selector=label%3A%3D%3D", 400))
        self.assertIn("UTF-8", self.json("fleet/hosts?selector=%FF", 400)["error"])
        self.assertIn("no argument", self.json("fleet/hosts?sort=name", 400)["error"])
        self.json("fleet/nothing", 404)
        self.assertIn("--fleet", self.json("fleet/hosts", 404, self.web)["error"])
        self.assertIn("--api", self.json("vms", 404, self.alone)["error"])
        for method in ("POST", "PUT", "DELETE"):
            self.assertEqual(self.get("/api/fleet/rollouts", method=method, web=self.both).status, 405)

    def test_orders_have_no_path(self):
        for path in ("rollout", "start", "order", "StartRollout", "OrderRollout", "rollouts/start"):
            self.json("fleet/" + path, 404)

    def view(self, query="", status=200, web=None):
        response = self.look("/fleet" + query, web)
        self.assertEqual(response.status, status, response.body)
        return json.loads(response.body)

    def test_the_view(self):
        view = self.view()
        self.assertEqual(view["sums"]["hosts"], HOSTS)
        self.assertEqual([host["host"] for host in view["hosts"]],
                         [f"h{i:05}" for i in range(100)])
        self.assertEqual(view["rollouts"], {"paused": 1, "soaking": 1, "complete": 1,
                                            "reverted": 1, "superseded": 1})
        self.assertEqual(view["coordinator"]["epoch"], 3)
        self.assertEqual((view["sums"]["unknown"], view["sums"]["behind"]), (1, 2))
        self.assertEqual((view["sums"]["refused"], view["sums"]["pinned"], view["sums"]["degraded"]),
                         (1, 1, 1))
        most = self.view("?sort=returned&down=1&limit=2&offset=1")["hosts"]
        self.assertEqual([host["host"] for host in most],
                         [f"h{HOSTS - 2:05}", f"h{HOSTS - 3:05}"])
        rack = self.view("?selector=label:rack=2")
        self.assertEqual((rack["sums"]["hosts"], len(rack["hosts"])), (20, 20))
        self.assertEqual(self.view("?selector=h00002")["hosts"][0]["name"], EVIL)

    def test_views_that_are_none(self):
        for query in ("?sort=x", "?limit=501", "?limit=0", "?offset=-1", "?down=yes", "?x=1",
                      "?selector=%FF", "?selector=label%3A%3D%3D"):
            self.assertIn("error", self.view(query, 400))
        self.assertIn("--fleet", self.view("", 404, self.web)["error"])

    def test_many_look(self):
        """The coordinator is asked once for all of them, and for no longer than they look."""
        address = "unix:" + self.path("many.sock")
        coordinator = Coordinator(address, 10)
        web = Web("none", "--fleet", address)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        for _ in range(2):
            before = time.monotonic()
            answers = []
            threads = [threading.Thread(target=lambda: answers.append(self.view("", web=web)))
                       for _ in range(60)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            rounds = 1 + (time.monotonic() - before) / 2  # one is fresh for two seconds
            self.assertEqual(len(answers), 60)
            self.assertLessEqual(coordinator.calls(), 3 * rounds)
        self.assertEqual(web.stop(), 0)
        coordinator.stop()

    def test_ten_thousand_hosts(self):
        address = "unix:" + self.path("crowd.sock")
        coordinator = Coordinator(address, 10000)
        web = Web("none", "--fleet", address)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        view = self.view("?sort=could_return&down=1", web=web)
        self.assertEqual((view["sums"]["hosts"], len(view["hosts"])), (10000, 100))
        self.assertLess(len(json.dumps(view)), 64 << 10)
        for number in range(30):  # orders of their own
            self.view(f"?sort=name&offset={number}", web=web)
        self.assertLess(web.resident(), 96 << 20)
        coordinator.say("lose 7")
        self.wait_until(lambda: self.view("?limit=1", web=web)["sums"]["lost"] == 6)  # one is unknown
        self.assertEqual(web.stop(), 0)
        coordinator.stop()

    def test_the_view_goes_with_the_coordinator(self):
        address = "unix:" + self.path("going.sock")
        coordinator = Coordinator(address, 3)
        web = Web("none", "--fleet", address)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        self.assertEqual(self.view("", web=web)["sums"]["hosts"], 3)
        coordinator.stop()
        self.wait_until(lambda: self.get("/fleet", web=web).status == 503)
        self.assertIn("coordinator", self.view("", 503, web)["error"])
        coordinator = Coordinator(address, 4)
        self.wait_until(lambda: self.get("/fleet", web=web).status == 200)
        self.assertEqual(self.view("", web=web)["sums"]["hosts"], 4)
        self.assertEqual(web.stop(), 0)
        coordinator.stop()

    def metrics(self, web, fleet_up=b"1"):
        """Once it is so with the coordinator, which may be too late."""
        end = time.monotonic() + WAIT_MAX
        while b"\nvmreclaim_fleet_up %s\n" % fleet_up not in (body := self.get("/metrics", web=web).body):
            self.assertLess(time.monotonic(), end, body)
        return body

    def test_metrics(self):
        address = "unix:" + self.path("metrics.sock")
        coordinator = Coordinator(address, 1500)
        web = Web("none", "--fleet", address)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        body = self.metrics(web)
        page = parse(body)
        self.assertNotIn("vmreclaim_up", page)
        self.assertEqual(value(page, "fleet_up"), "1")
        self.assertEqual(value(page, "fleet_leads"), "0")
        self.assertEqual(value(page, "fleet_leader_known"), "1")
        self.assertEqual(value(page, "fleet_hosts", presence="present"), "1499")
        self.assertEqual(value(page, "fleet_hosts", presence="lost"), "0")
        self.assertEqual(value(page, "fleet_host_problems", problem="refused"), "1")
        self.assertEqual(value(page, "fleet_rollouts", state="paused"), "1")
        self.assertEqual(value(page, "fleet_rollouts", state="writing"), "0")
        # as many with few hosts as with many
        self.assertLess(sum(len(family.samples) for family in page.values()), 40)
        with open(MANUAL, encoding="utf-8") as file:
            listed = set(re.findall(r"^\*(vmreclaim_fleet\S+)\*", file.read().replace("\\", ""), re.M))
        self.assertEqual(set(page), listed)
        if os.path.exists(PROMTOOL):
            checked = subprocess.run([PROMTOOL, "check", "metrics"], input=body, timeout=60,
                                     capture_output=True, check=False)
            self.assertEqual((checked.returncode, checked.stdout, checked.stderr), (0, b"", b""))
        else:
            print("promtool is not there: deploy/install-deps all fetches it")
        coordinator.stop()
        self.assertEqual(set(parse(self.metrics(web, b"0"))), {"vmreclaim_fleet_up"})
        self.assertEqual(web.stop(), 0)

    def test_metrics_of_both(self):
        """The daemon with the script has no figures, and that is said beside the fleet's."""
        page = parse(self.metrics(self.both))
        self.assertEqual((value(page, "up"), value(page, "fleet_up")), ("0", "1"))
        self.assertNotIn("vmreclaim_fleet_up", parse(self.get("/metrics").body))

    def test_who_is_asked(self):
        for web, words in ((self.web, "daemon: true, fleet: false"),
                           (self.both, "daemon: true, fleet: true"),
                           (self.alone, "daemon: false, fleet: true")):
            answer = self.get("/parts.js", web=web)
            self.assertEqual(answer.headers["Content-Type"], "text/javascript; charset=utf-8")
            self.assertIn(words, answer.body.decode())

    def test_health(self):
        for web in (self.both, self.alone):
            self.wait_until(lambda web=web: self.get("/healthz", web=web).status == 200)
        away = Web(self.api, "--fleet", "unix:" + self.path("nobody.sock"))
        self.wait_until(lambda: b"no connection to the fleet's coordinator" in
                        self.get("/healthz", web=away).body)
        self.assertEqual(self.get("/healthz", web=away).status, 503)
        self.assertIn("vmreclaim-fleet-coordinator", self.json("fleet/hosts", 503, away)["error"])
        self.assertEqual(self.json("vm?vm=web1", web=away)["vm"]["name"], "web1")
        self.assertEqual(away.stop(), 0)

    def test_events_say_who_is_there(self):
        for web, states in ((self.both, [b"event: daemon\n", b"event: fleet\n"]),
                            (self.alone, [b"event: fleet\n"])):
            self.wait_until(lambda web=web: self.get("/healthz", web=web).status == 200)
            connection = web.connect()
            connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            text = b""
            while text.count(b'{"connected": true}') < len(states):
                text += connection.recv(4096)
            self.assertEqual([line + b"\n" for line in text.split(b"\n")
                              if line.startswith(b"event: ")], states)
            connection.close()

    def test_the_coordinator_comes_and_goes(self):
        address = "unix:" + self.path("restarted.sock")
        web = Web("none", "--fleet", address)
        connection = web.connect()
        connection.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        text = b""
        for words in (b"false", b"true", b"false"):
            while b'event: fleet\ndata: {"connected": ' + words not in text:
                text += connection.recv(4096)
            text = b""
            if words == b"false":
                coordinator = Coordinator(address, 1)
            else:
                self.assertEqual(len(self.json("fleet/hosts", web=web)["hosts"]), 1)
                coordinator.stop()
        connection.close()
        coordinator.stop()
        self.assertEqual(web.stop(), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
