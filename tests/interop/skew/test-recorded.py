#!/usr/bin/python3
"""What the version before has said, to the present programs: its command line's requests to this
daemon, its daemon's answers to this command line. record.py has made the recording.

usage: test-recorded.py VMRECLAIMD VMRECLAIM PROTO_DIRECTORY
"""
import hashlib
import json
import os
import sqlite3
import sys
import unittest

import fields
import world
from world import wire

DAEMON, COMMAND, PROTO = (os.path.abspath(path) for path in sys.argv[1:4])
HERE = os.path.dirname(os.path.abspath(__file__))
UNIMPLEMENTED = 12
SERVICE = "vmreclaim.controller.v1.Controller"

# What an answer may have had by chance: what a moment brings, and what time does to the guest.
BY_CHANCE = {"skew_ns", "swapped", "drift", "held_back", "cpu_ns", "store_bytes", "actions", "reason",
             "reason_code", "evidence", "confidence", "samples", "guest_reported", "expires_ns",
             "pressure_some_permyriad", "pressure_full_permyriad", "pulse", "engine_reason"}


def recording():
    with open(os.path.join(HERE, "recorded.txt"), encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def frames_of(call):
    for frame in call["answer"]:
        kind, flags, payload = frame.split(":")
        yield int(kind), int(flags), bytes.fromhex(payload)


def names_in(message, prefix=""):
    """Fields that have something, also of those inside."""
    names = set()
    for field, value in message.ListFields():
        name = prefix + field.name
        if field.name in BY_CHANCE:
            continue
        names.add(name)
        if field.type == field.TYPE_MESSAGE:
            for each in value if field.label == field.LABEL_REPEATED else [value]:
                names |= names_in(each, name + ".")
    return names


class Replay:
    """The daemon of the recording, for one command: a method that it does not know is refused."""

    count = 0

    def __init__(self, where):
        self.where = where
        self.calls = []

    def begin(self, calls):
        self.calls = list(calls)
        Replay.count += 1
        name = f"replay-{Replay.count}.sock"
        wire.Listener(self.where.path(name), self.serve)
        return name

    def serve(self, client):
        while True:
            stream, _, _, payload = wire.read_frame(client)
            request = self.where.strict("ttrpc.Request")
            request.ParseFromString(payload)
            known = [call for call in self.calls if call["method"] == request.method]
            if not known:
                response = self.where.strict("ttrpc.Response")
                response.status.code = UNIMPLEMENTED
                wire.write_frame(client, stream, wire.RESPONSE, 0, response.SerializeToString())
                continue
            self.calls.remove(known[0])
            for kind, flags, answer in frames_of(known[0]):
                wire.write_frame(client, stream, kind, flags, answer)


class RecordedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.where = world.World(DAEMON, PROTO)
        cls.where.wait_managed(COMMAND)

    @classmethod
    def tearDownClass(cls):
        cls.where.close()

    def outputs(self, method, frames):
        """The messages of an answer, in the present's eyes; nothing in them is unknown."""
        descriptor = self.where.strict.service(SERVICE).FindMethodByName(method)
        for kind, flags, payload in frames:
            if kind == wire.RESPONSE:
                response = self.where.strict("ttrpc.Response")
                response.ParseFromString(payload)
                self.assertEqual(response.status.code, 0, (method, response.status.message))
                payload = response.payload
            if flags & wire.NO_DATA:
                continue
            message = self.where.strict(descriptor.output_type.full_name)
            message.ParseFromString(payload)
            self.assertEqual(len(message.UnknownFields()), 0, method)
            yield message

    def ask(self, call):
        """The recorded request's answer of the present daemon."""
        client = wire.Client(self.where.path("api.sock"), self.where.strict)
        wire.write_frame(client.connection, 1, wire.REQUEST, call["flags"],
                         bytes.fromhex(call["request"]))
        while True:
            _, kind, flags, payload = wire.read_frame(client.connection)
            yield kind, flags, payload
            if kind == wire.RESPONSE or flags & wire.REMOTE_CLOSED:
                client.close()
                return

    def test_1_every_field_is_what_it_was(self):
        with open(os.path.join(HERE, "recorded-fields.txt"), encoding="utf-8") as file:
            before = set(file.read().split("\n")) - {""}
        self.assertGreater(len(before), 500)
        self.assertEqual(before - set(fields.lines_of(PROTO)), set(), "gone, or another one now")

    def test_2_its_command_line_is_answered(self):
        for entry in recording():
            for call in entry["calls"]:
                with self.subTest(command=entry["command"], method=call["method"]):
                    then, now = set(), set()
                    for message in self.outputs(call["method"], frames_of(call)):
                        then |= names_in(message)
                    for message in self.outputs(call["method"], self.ask(call)):
                        now |= names_in(message)
                    self.assertEqual(then - now, set(), "it had these, and has them no more")

    def test_3_its_daemon_is_understood(self):
        replay = Replay(self.where)
        for entry in recording():
            with self.subTest(command=entry["command"]):
                api = replay.begin(entry["calls"])
                code, output, problem = self.where.run(COMMAND, *entry["command"], api=api)
                self.assertEqual(code, entry["code"], problem)
                self.assertEqual(problem, "")
                self.assertNotEqual(output, "")

    def test_4_what_it_does_not_know_is_said(self):
        api = Replay(self.where).begin([])
        code, _, problem = self.where.run(COMMAND, "status", api=api)
        self.assertNotEqual(code, 0)
        self.assertIn("older", problem)
        code, output, problem = self.where.run(COMMAND, "compact", "web", "--dry-run", api=api)
        self.assertNotEqual(code, 0)
        self.assertIn("older", output + problem)

    def test_5_a_newer_store_is_left_alone(self):
        """As after a downgrade: the daemon runs, says what to do, and writes nothing."""
        where = world.World(DAEMON, PROTO)
        self.addCleanup(where.close)
        where.wait_managed(COMMAND)
        where.stop_daemon()
        with sqlite3.connect(where.path("state", "vmreclaim.db")) as store:
            store.execute("PRAGMA user_version=1000")
        store.close()
        where.start_daemon(DAEMON)
        where.wait_managed(COMMAND)
        code, output, _ = where.run(COMMAND, "status")
        self.assertEqual(code, 7)
        words = " ".join(output.split())
        self.assertIn("was written by a newer vmreclaimd", words)
        self.assertIn("install that one, or move the file away", words)
        code, _, problem = where.run(COMMAND, "balloon", "web", "900MiB")
        self.assertNotEqual(code, 0)
        self.assertNotEqual(problem, "")
        where.stop_daemon()
        with sqlite3.connect(where.path("state", "vmreclaim.db")) as store:
            version = store.execute("PRAGMA user_version").fetchone()[0]
            rows = store.execute("SELECT count(*) FROM lease").fetchone()[0]
        store.close()
        self.assertEqual((version, rows), (1000, 0))

    def test_6_an_older_store_is_brought_along(self):
        """The first schema that there was, with a policy, whom it is for, and a lease that is held."""
        where = world.World(DAEMON, PROTO)
        self.addCleanup(where.close)
        where.wait_managed(COMMAND)
        where.stop_daemon()
        for name in os.listdir(where.path("state")):
            os.unlink(where.path("state", name))
        where.hypervisor.actual = 924 * world.MIB
        text = "name: night\nprofile: gentle\n"
        with open(os.path.join(HERE, "store-1.sql"), encoding="utf-8") as file:
            schema = file.read()
        with sqlite3.connect(where.path("state", "vmreclaim.db")) as store:
            store.executescript(schema)
            store.execute("INSERT INTO policy VALUES ('night', 1, 'alice', 1, ?, 'n.yaml', ?, 0)",
                          [hashlib.sha256(text.encode()).hexdigest(), text])
            store.execute("INSERT INTO assignment VALUES ('web', 'night', 'alice', 1)")
            store.execute("INSERT INTO lease VALUES (7, 1, 'web', ?, 'alice', ?, ?, 0, 1, 0, '', ?, "
                          "4711, 'qemu', ?)",
                          ["11111111-2222-3333-4444-555555555555", 100 * world.MIB,
                           1024 * world.MIB, os.getpid(), where.path("web.qmp")])
            store.execute("PRAGMA user_version=1")
        store.close()
        where.start_daemon(DAEMON)
        where.wait_managed(COMMAND)
        self.assertIn("night", where.run(COMMAND, "policy", "show", "night")[1])
        world.wait(lambda: self.shown(where)["policy"] == "night", "the policy", where.daemon)
        world.wait(lambda: self.shown(where)["balloon_owner"] == "alice", "the lease", where.daemon)
        self.assertEqual(self.shown(where)["balloon_lease"], 100 * world.MIB)
        self.assertEqual(where.run(COMMAND, "release", "web")[0], 0)
        world.wait(lambda: where.hypervisor.actual == 1024 * world.MIB, "the memory", where.daemon)
        self.assertEqual(where.run(COMMAND, "status")[0], 0)

    def shown(self, where):
        return json.loads(where.run(COMMAND, "--json", "vm", "show", "--cached", "web")[1])["vm"]


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
