#!/usr/bin/python3
"""Records what a version's command line and daemon say to each other, for test-recorded.py.

usage: record.py VMRECLAIMD VMRECLAIM PROTO_DIRECTORY > recorded.txt

A line is JSON: a command, its exit status, and each call: method, request, and frames of the answer,
hexadecimal (type:flags:payload). Daemon and command line are of one version.
"""
import json
import os
import sys

import commands
import world
from world import wire


class Tap:
    """Stands between command line and daemon. Each command makes one connection at a time."""

    def __init__(self, where):
        self.where = where
        self.calls = []
        wire.Listener(where.path("tap.sock"), self.serve)

    def serve(self, client):
        daemon = wire.socket.socket(wire.socket.AF_UNIX)
        daemon.connect(self.where.path("api.sock"))
        while True:
            stream, kind, flags, payload = wire.read_frame(client)
            request = self.where.strict("ttrpc.Request")
            request.ParseFromString(payload)
            call = {"method": request.method, "flags": flags, "request": payload.hex(), "answer": []}
            self.calls.append(call)
            wire.write_frame(daemon, stream, kind, flags, payload)
            while True:
                stream, kind, flags, payload = wire.read_frame(daemon)
                call["answer"].append(f"{kind}:{flags}:{payload.hex()}")
                wire.write_frame(client, stream, kind, flags, payload)
                if kind == wire.RESPONSE or flags & wire.REMOTE_CLOSED:
                    break


def main(daemon, command, proto):
    where = world.World(daemon, proto)
    try:
        where.wait_managed(command)
        tap = Tap(where)
        for words in commands.COMMANDS:
            tap.calls = []
            code, _, problem = where.run(command, *words, api="tap.sock")
            print(" ".join(words), code, problem.strip(), file=sys.stderr)
            print(json.dumps({"command": words, "code": code, "calls": tap.calls}))
    finally:
        where.close()


if __name__ == "__main__":
    main(*(os.path.abspath(path) for path in sys.argv[1:4]))
