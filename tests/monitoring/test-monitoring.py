#!/usr/bin/python3
"""Alerts, sums and the dashboard: they load, fire when they should, and name figures that there are.

usage: test-monitoring.py FOLDER METRICS_OF_THE_MANUAL METRICS_OF_A_FLEET
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

FOLDER, MANUALS = sys.argv[1], sys.argv[2:4]
HERE = os.path.dirname(os.path.abspath(__file__))
PROMTOOL = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"),
                        "vmreclaim/lab/prometheus/usr/bin/promtool")


def read(name):
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def known():
    """What may stand in an expression; histograms have three names."""
    names = set()
    for manual in MANUALS:
        with open(manual, encoding="utf-8") as file:
            names |= {name.replace("\\", "")
                      for name in re.findall(r"^\*(vmreclaim_\S+)\*", file.read(), re.M)}
    return names | {"vmreclaim_up"} | {name + "_bucket" for name in names if name.endswith("_seconds")}


def dashboard():
    return json.loads(read("dashboard.json"))


def expressions():
    """Of the dashboard, as Grafana sends them."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", []):
            yield (target["expr"].replace("$__rate_interval", "5m").replace("$host", ".*")
                   .replace("$vm", ".*"))


class MonitoringTest(unittest.TestCase):
    def promtool(self, *arguments, folder=FOLDER):
        if not os.path.exists(PROMTOOL):
            self.skipTest("no promtool: deploy/install-deps all fetches it")
        result = subprocess.run([PROMTOOL, *arguments], cwd=folder, capture_output=True, text=True,
                                timeout=60, check=False)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_rules_load(self):
        self.promtool("check", "rules", "--lint-fatal", "alerts.yaml", "recording.yaml")

    def test_alerts_fire(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ["alerts.yaml", "recording.yaml"]:
                shutil.copy(os.path.join(FOLDER, name), folder)
            shutil.copy(os.path.join(HERE, "alerts.test.yaml"), folder)
            self.promtool("test", "rules", "alerts.test.yaml", folder=folder)

    def test_every_alert_is_tested_and_says_what_to_do(self):
        with open(os.path.join(HERE, "alerts.test.yaml"), encoding="utf-8") as file:
            tested = set(re.findall(r"alertname: (\w+)", file.read()))
        self.assertEqual(set(re.findall(r"- alert: (\w+)", read("alerts.yaml"))), tested)
        self.assertEqual(read("alerts.yaml").count("- alert:"), read("alerts.yaml").count(" action: "))

    def test_figures_are_there(self):
        recorded = set(re.findall(r"record: (\S+)", read("recording.yaml")))
        for text in [read("alerts.yaml"), read("recording.yaml"), *expressions()]:
            for name in re.findall(r"(?<![\w:.-])vmreclaim_\w+", re.sub(r'"[^"]*"', '""', text)):
                self.assertIn(name, known(), text)
            for name in re.findall(r"\binstance\w*:\w+:\w+", text):
                self.assertIn(name, recorded)

    def test_dashboard_expressions_load(self):
        rules = "groups:\n- name: dashboard\n  rules:\n" + "".join(
            f"  - record: panel:a{number}:sum\n    expr: {json.dumps(expression)}\n"
            for number, expression in enumerate(expressions()))
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "dashboard.yaml"), "w", encoding="utf-8") as file:
                file.write(rules)
            self.promtool("check", "rules", "dashboard.yaml", folder=folder)

    def test_dashboard_is_whole(self):
        board = dashboard()
        self.assertIsNone(board["id"])
        self.assertTrue(8 <= len(board["uid"]) <= 40)
        ids = [panel["id"] for panel in board["panels"]]
        self.assertEqual(len(ids), len(set(ids)))
        taken = set()
        for panel in board["panels"]:
            at = panel["gridPos"]
            self.assertLessEqual(at["x"] + at["w"], 24)
            for cell in [(x, y) for x in range(at["x"], at["x"] + at["w"])
                         for y in range(at["y"], at["y"] + at["h"])]:
                self.assertNotIn(cell, taken, panel["title"])
                taken.add(cell)
            for target in panel.get("targets", []):
                self.assertEqual(target["datasource"]["uid"], "${datasource}")
        self.assertEqual([one["name"] for one in board["templating"]["list"]],
                         ["datasource", "host", "vm"])


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
