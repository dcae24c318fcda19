#!/usr/bin/python3
"""The version before, built from its commit, beside the present one: command line and daemon, agent
and daemon, either way round; and the store, which goes from one daemon to the other.

usage: test-built.py SOURCE_DIRECTORY BUILD_DIRECTORY
"""
import json
import os
import subprocess
import sys
import unittest

import commands
import world

SOURCE, BUILD = (os.path.abspath(path) for path in sys.argv[1:3])
HERE = os.path.dirname(os.path.abspath(__file__))
BEFORE = os.path.join(BUILD, "version-before")
PROGRAMS = ["controller/vmreclaimd", "controller/vmreclaim", "agent/vmreclaim-agent"]
# What an older daemon, or an older command line, cannot know.
NEWER = [["compact", "web", "--dry-run"]]


def build_before():
    """Once: the build folder keeps it. A copy without history has no such commit: nothing to test."""
    with open(os.path.join(HERE, "commit"), encoding="utf-8") as file:
        commit = file.read().split()[0]
    if subprocess.run(["git", "-C", SOURCE, "cat-file", "-e", commit], check=False,
                      capture_output=True).returncode != 0:
        print(f"skipped: this copy's history has no commit {commit}", file=sys.stderr)
        sys.exit(77)
    folder = os.path.join(BEFORE, commit)
    if not os.path.exists(os.path.join(folder, "build", "build.ninja")):
        os.makedirs(folder, exist_ok=True)
        archive = subprocess.run(["git", "-C", SOURCE, "archive", commit], check=True,
                                 capture_output=True)
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        subprocess.run(["meson", "setup", "-Dtests=disabled", "build"], cwd=folder, check=True,
                       stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", "build", *PROGRAMS], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)
    return folder


class Version:
    def __init__(self, source, build):
        self.daemon, self.command, self.agent = (os.path.join(build, name) for name in PROGRAMS)
        self.proto = os.path.join(source, "proto")


class BuiltTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = build_before()
        cls.before = Version(folder, os.path.join(folder, "build"))
        cls.now = Version(SOURCE, BUILD)

    def run_all(self, where, command):
        where.wait_managed(command)
        for words in commands.COMMANDS:
            with self.subTest(command=words):
                code, _, problem = where.run(command, *words)
                self.assertEqual((code, problem), (0, ""))

    def test_command_line_before_daemon_now(self):
        where = world.World(self.now.daemon, self.now.proto)
        self.addCleanup(where.close)
        self.run_all(where, self.before.command)

    def test_command_line_now_daemon_before(self):
        where = world.World(self.before.daemon, self.before.proto)
        self.addCleanup(where.close)
        self.run_all(where, self.now.command)
        for words in NEWER:
            code, output, problem = where.run(self.now.command, *words)
            self.assertNotEqual(code, 0)
            self.assertIn("older", output + problem)

    def agent_works(self, daemon, agent, door):
        where = world.World(daemon.daemon, daemon.proto, agent=agent.agent, door=door)
        self.addCleanup(where.close)
        where.wait_managed(daemon.command)
        for words in (["vm", "show", "web"], ["explain", "web"], ["ping", "web"]):
            code, output, problem = where.run(daemon.command, *words)
            self.assertEqual((code, problem), (0, ""), (words, where.log("agent.log")))
            self.assertNotEqual(output, "")
        shown = json.loads(where.run(daemon.command, "--json", "vm", "show", "web")[1])
        self.assertGreater(shown["vm"]["waterfall"]["in_use"], 0)
        self.assertNotIn("refus", where.log("daemon.log"))

    def test_agents(self):
        for daemon, agent in ((self.now, self.before), (self.before, self.now)):
            for door in ("unix", "hybrid"):
                with self.subTest(agent=agent.agent, door=door):
                    self.agent_works(daemon, agent, door)

    def test_the_store_goes_on(self):
        """A newer daemon reads an older one's store: nothing is lost."""
        where = world.World(self.before.daemon, self.before.proto)
        self.addCleanup(where.close)
        where.wait_managed(self.before.command)
        where.write("night.yaml", "name: night\nprofile: gentle\n")
        self.assertEqual(where.run(self.before.command, "policy", "apply", "--vm", "web",
                                   where.path("night.yaml"))[0], 0)
        self.assertEqual(where.run(self.before.command, "balloon", "web", "900MiB")[0], 0)
        where.stop_daemon()
        where.start_daemon(self.now.daemon)
        where.wait_managed(self.now.command)
        self.assertIn("night", where.run(self.now.command, "policy", "list")[1])
        self.assertIn("balloon", where.run(self.now.command, "actions")[1])
        world.wait(lambda: where.run(self.now.command, "release", "web")[0] == 0, "the lease",
                   where.daemon)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
