#!/usr/bin/env python3
"""Beside an owner's tools on one QMP socket: two QEMUs, both asked by a client as qm and pvestatd do,
one after another each second; one of them is visited by vmreclaimd as well. Its owner stops it and
lets it go on, which vmreclaimd has to notice.

usage: shared-socket.py BUILD WORK SECONDS RESULT.json
"""
import json
import os
import socket
import subprocess
import sys
import time

COMMANDS = ("qmp_capabilities", "query-status", "query-blockstats", "query-machines",
            "query-version", "query-balloon")
GIVES_UP = 3.0  # pvestatd's patience, seconds
RETRY = 0.1     # a full backlog is tried again so often
CHANGE = 30     # seconds from one change of the owner's to the next
BUSY = 100      # ms: a session takes two on a quiet machine
NOTICED = 25.0  # vmreclaimd, which hears no events there, asks every ten


class Client:
    """A tool of the owner's, with how long each of its sessions took."""

    def __init__(self, path):
        self.path = path
        self.times = []
        self.given_up = 0

    def connect(self, end):
        while time.monotonic() < end:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.setblocking(False)
            try:
                connection.connect(self.path)
            except BlockingIOError:
                connection.close()
                time.sleep(RETRY)
                continue
            connection.settimeout(max(0.01, end - time.monotonic()))
            return connection
        raise TimeoutError

    def session(self, *more):
        begun = time.monotonic()
        try:
            with self.connect(begun + GIVES_UP) as connection:
                lines = connection.makefile("r")
                self.answer(lines, "QMP")
                for command in COMMANDS + more:
                    connection.sendall(json.dumps({"execute": command}).encode() + b"\n")
                    self.answer(lines, "return")
        except (TimeoutError, OSError):
            self.given_up += 1
        self.times.append(time.monotonic() - begun)

    @staticmethod
    def answer(lines, key):
        while True:
            line = lines.readline()
            if not line:
                raise OSError
            if key in json.loads(line):
                return

    def quantile(self, share):
        times = sorted(self.times)
        return times[min(len(times) - 1, int(len(times) * share))] * 1000


def start_qemu(work, name):
    path = f"{work}/{name}.qmp"
    process = subprocess.Popen(
        ["qemu-system-x86_64", "-name", name, "-S", "-nodefaults", "-display", "none", "-m", "64",
         "-accel", "tcg", "-device", "virtio-balloon-pci,id=balloon0",
         "-chardev", f"socket,id=qmp,path={path},server=on,wait=off",
         "-mon", "chardev=qmp,mode=control"])
    while not os.path.exists(path):
        time.sleep(0.05)
    return process, path


def start_daemon(build, work, path):
    os.makedirs(f"{work}/vms", exist_ok=True)
    os.makedirs(f"{work}/state", exist_ok=True)
    with open(f"{work}/vms/visited.yaml", "w", encoding="utf-8") as file:
        file.write(f"hypervisor: qemu:shared:{path}\n")
    api = f"unix:{work}/api.sock"
    process = subprocess.Popen(
        [f"{build}/controller/vmreclaimd", "--listen", "none", "--find-processes", "no",
         "--libvirt", "none", "--api", api, "--vms", f"{work}/vms",
         "--state-directory", f"{work}/state"],
        stderr=open(f"{work}/daemon.log", "w", encoding="utf-8"))
    return process, api


class Watched:
    """What vmreclaimd makes of its VM meanwhile."""

    def __init__(self, build, api):
        self.command = [f"{build}/controller/vmreclaim", "--api", api, "--json", "vm", "show",
                        "visited"]
        self.asked = 0
        self.ready = 0
        self.is_paused = True  # as QEMU was started
        self.changes = 0
        self.changed = None   # when, of what is not noticed yet
        self.noticed = []     # seconds after the change

    def change(self):
        """The command for the other run state, by which the owner changes it now."""
        self.is_paused = not self.is_paused
        self.changes += 1
        self.changed = time.monotonic()
        return "stop" if self.is_paused else "cont"

    def look(self):
        shown = subprocess.run(self.command, capture_output=True, text=True, check=False)
        vm = json.loads(shown.stdout)["vm"] if shown.returncode == 0 else {}
        self.asked += 1
        self.ready += vm.get("driver_state") == "ready"
        if self.changed and (vm.get("state") == "paused") == self.is_paused:
            self.noticed.append(time.monotonic() - self.changed)
            self.changed = None


def main():
    build, work, seconds, result = sys.argv[1:]
    processes = []
    try:
        alone_qemu, alone_path = start_qemu(work, "alone")
        processes.append(alone_qemu)
        visited_qemu, visited_path = start_qemu(work, "visited")
        processes.append(visited_qemu)
        daemon, api = start_daemon(build, work, visited_path)
        processes.append(daemon)
        clients = Client(alone_path), Client(visited_path)
        watched = Watched(build, api)
        for turn in range(int(seconds)):
            begun = time.monotonic()
            for client in clients if turn % 2 == 0 else reversed(clients):
                client.session()
            if turn > 10:
                watched.look()
            if turn % CHANGE == CHANGE // 2 and int(seconds) - turn > NOTICED:
                clients[1].session(watched.change())
            time.sleep(max(0.0, 1.0 - (time.monotonic() - begun)))
        alone, visited = clients
        metrics = {
            "alone_p99_ms": round(alone.quantile(0.99), 2),
            "visited_p99_ms": round(visited.quantile(0.99), 2),
            "added_p99_ms": round(visited.quantile(0.99) - alone.quantile(0.99), 2),
            "added_max_ms": round(visited.quantile(1) - alone.quantile(1), 2),
            "gave_up": visited.given_up,
            "gave_up_alone": alone.given_up,
            "asked": watched.asked,
            "ready": watched.ready,
            "changes": watched.changes,
            "noticed": len(watched.noticed),
            "noticed_max_s": round(max(watched.noticed), 1) if watched.noticed else None,
        }
    finally:
        for process in reversed(processes):
            process.terminate()
            process.wait()
    with open(result, "w", encoding="utf-8") as file:
        json.dump({"metrics": metrics}, file)
    print(f"a client of the owner's, {len(visited.times)} sessions in {seconds} s: "
          f"p99 {metrics['alone_p99_ms']} ms alone, {metrics['visited_p99_ms']} ms beside "
          f"vmreclaimd; gave up {alone.given_up} times alone, {visited.given_up} beside it")
    print(f"vmreclaimd had its VM {watched.ready} of {watched.asked} times that it was asked, and "
          f"noticed {len(watched.noticed)} of {watched.changes} changes of its owner's, at most "
          f"{metrics['noticed_max_s']} s later")
    if metrics["alone_p99_ms"] > BUSY:
        sys.exit("the machine was too busy: its own client waited longer than all that is promised")
    late = [after for after in watched.noticed if after > NOTICED]
    if (metrics["added_p99_ms"] > 100 or visited.given_up > 0 or watched.ready < watched.asked
            or len(watched.noticed) < watched.changes or late):
        sys.exit("a promised figure is missed: 100 ms, no client that gives up, work that is done")


main()
