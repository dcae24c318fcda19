#!/usr/bin/python3
"""The commands of docs/fleet.md make a fleet of three servers, of the configurations that are handed out; and who
may not connect to them is told why.

Each machine is a directory. Only paths, ports and names of machines are replaced.

usage: test-example.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY VMRECLAIM
"""
import grp
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import unittest

import fleet
from fleet import wait

PROGRAMS = sys.argv[1:5]
VMRECLAIM = sys.argv[5]
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
GUIDE = os.path.join(SOURCE, "docs/fleet.md")
SERVERS = ["bus-1", "bus-2", "bus-3"]
COORDINATORS = ["coordinator-1", "coordinator-2"]
COMPLETE = 9

# What is not a file's matter, or of other users, is not done here.
STUBS = {
    "apt-get": "exit 0",
    "chown": "exit 0",
    "hostname": "echo $MACHINE",
    "install": 'for path; do case $path in /*) mkdir -p "$path" ;; esac; done',
    "scp": """for last; do :; done
machine=${last%%:*}
while [ $# -gt 1 ]; do
    case $1 in -*) ;; *) cp -r "$1" "$ROOT/${machine#root@}${last#*:}" ;; esac
    shift
done""",
    "ssh": 'MACHINE=${1#root@} && export MACHINE && shift && exec "$@"',
    "systemctl": 'echo "$MACHINE $*" >> "$ROOT/systemctl"',
    "vmreclaim": "exit 0",
}
PROGRAM = """case "$*" in
    *--join*) set -- --config "$ROOT/$MACHINE/etc/vmreclaim/fleet.yaml" "$@" ;;
esac
exec %s --users "$ROOT/$MACHINE/etc/vmreclaim/fleet" "$@" """


class Coordinator(fleet.Coordinator):
    def __init__(self, whole, name, config):  # pylint: disable=super-init-not-called
        self.fleet = whole
        self.name = name
        self.socket = os.path.join(whole.directory, name + ".sock")
        append(config, f"listen: unix:{self.socket}\n")
        self.program = fleet.Program(whole.directory, name, whole.fleet_program, "--coordinator", "--config", config)
        wait(self.answers, self.program)


def append(path, text):
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


class Machines:
    """What the guide's commands run on."""

    def __init__(self, whole):
        self.fleet = whole
        self.root = os.path.join(whole.directory, "machines")
        self.stubs = os.path.join(whole.directory, "bin")
        self.ports = whole.hold_ports(6)
        os.makedirs(self.stubs)
        for name in ["operators", *SERVERS, *COORDINATORS, "host"]:
            os.makedirs(self.path(name, "etc/vmreclaim"))
        for name, text in {**STUBS, "vmreclaim-fleet": PROGRAM % os.path.abspath(whole.fleet_program)}.items():
            path = os.path.join(self.stubs, name)
            write(path, "#!/bin/sh\n" + text + "\n")
            os.chmod(path, 0o755)

    def path(self, machine, path):
        return os.path.join(self.root, machine, path)

    def localize(self, text, machine):
        """On this machine, and its loopback."""
        for i, server in enumerate(SERVERS):
            text = text.replace(f"{server}:4222", f"localhost:{self.ports[i]}")
            text = text.replace(f"{server}:6222", f"localhost:{self.ports[i + 3]}")
        for ours, here in (("DNS:$bus", "DNS:localhost"),
                           ("/usr/share/vmreclaim/fleet", os.path.join(SOURCE, "deploy/fleet")),
                           ("fleet_group: vmreclaim-fleet", f"fleet_group: {grp.getgrgid(os.getgid()).gr_name}")):
            text = text.replace(ours, here)
        return re.sub(r"(?<![\w:])/(etc|var|run)/", os.path.join(self.root, machine, r"\1/"), text)

    def run(self, machine, commands):
        environment = {**os.environ, "ROOT": self.root, "MACHINE": machine,
                       "PATH": self.stubs + ":" + os.environ["PATH"]}
        run = subprocess.run(["sh", "-ec", self.localize(commands, machine)], env=environment,
                             cwd=self.path(machine, ""), capture_output=True, text=True, check=False)
        assert run.returncode == 0, commands + run.stdout + run.stderr
        return run.stdout

    def localize_server(self, name):
        """What was copied to it, with ports of its own."""
        i = SERVERS.index(name)
        for path in ["etc/nats-server.conf", "etc/vmreclaim/fleet/bus.conf"]:
            text = self.localize(fleet.read(self.path(name, path)), name)
            write(self.path(name, path), text.replace("0.0.0.0", "127.0.0.1").replace(
                "port: 4222", f"port: {self.ports[i]}").replace("port: 6222", f"port: {self.ports[i + 3]}"))

    def told(self):
        """What systemctl was told since: machine, verb, unit."""
        path = os.path.join(self.root, "systemctl")
        lines = fleet.read(path).splitlines()
        write(path, "")
        return [(line.split()[0], line.split()[1], line.split()[-1]) for line in lines]


def blocks():
    """The guide's: on which machines, and the commands."""
    guide = fleet.read(GUIDE).split("## From nothing to a fleet")[1].split("\n## ")[0]
    return re.findall(r"```sh ([\w-]+)\n(.*?)```", guide, re.S)


class ExampleTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, [])
        self.machines = Machines(self.fleet)
        self.programs = {}
        self.coordinators = []
        self.keys = {}
        self.addCleanup(self.end)

    def end(self):
        for program in reversed(list(self.programs.values())):
            program.end()
        self.fleet.end()

    # ---- following ----

    def start(self, machine, unit):
        path = self.machines.path(machine, "etc/vmreclaim/")
        if unit == "nats-server":
            self.machines.localize_server(machine)
            return fleet.Program(self.fleet.directory, machine, self.fleet.nats_program, "-c",
                                 self.machines.path(machine, "etc/nats-server.conf"))
        if unit == "vmreclaim-fleet-coordinator":
            self.coordinators.append(Coordinator(self.fleet, machine, path + "coordinator.yaml"))
            return self.coordinators[-1].program
        if unit == "vmreclaim-fleet":
            append(path + "fleet.yaml", f"api: unix:{path}api.sock\n")
            return fleet.Program(self.fleet.directory, machine, self.fleet.fleet_program, "--config",
                                 path + "fleet.yaml")
        os.makedirs(path + "vms")
        os.makedirs(path + "state")
        append(path + "vmreclaimd.yaml", f"listen: none\napi: unix:{path}api.sock\nvms: {path}vms\n"
               f"state_directory: {path}state\nfind_processes: no\nlibvirt: none\n")
        return fleet.Program(self.fleet.directory, machine + "-daemon", self.fleet.daemon_program, "--config",
                             path + "vmreclaimd.yaml")

    def reload(self, machine):
        program = self.programs[machine, "nats-server"]
        count = program.log().count("Reloaded")
        self.machines.localize_server(machine)
        program.process.send_signal(signal.SIGHUP)
        wait(lambda: program.log().count("Reloaded") > count, program)

    def obey(self):
        for machine, verb, unit in self.machines.told():
            if verb == "reload":
                self.reload(machine)
            else:
                self.programs[machine, unit] = self.start(machine, unit)

    def keep_keys(self, machine, commands, output):
        if "--new-nkey" in commands:
            self.keys[machine] = output.split()[-1]
        elif "--new-signing-key" in commands:
            self.keys["signing"] = output.split()[0]
        elif "--join" in commands:
            name, key = re.search(r"--enrol (\S+) (\S+)", output).groups()
            self.keys[name] = key

    def follow(self, where, commands):
        for name, key in self.keys.items():
            commands = commands.replace(f"--enrol {name} KEY", f"--enrol {name} {key}")
        commands = commands.replace("[KEY]", f"[{self.keys.get('signing')}]")
        for machine in {"servers": SERVERS, "coordinators": COORDINATORS}.get(where, [where]):
            self.keep_keys(machine, commands, self.machines.run(machine, commands))
        self.obey()

    # ---- the tests ----

    def follow_the_guide(self):
        for where, commands in blocks():
            if where == "host":  # somebody has brought it
                shutil.copy(self.machines.path("operators", "authority/authority.pem"),
                            self.machines.path("host", "etc/vmreclaim/bus.pem"))
            self.follow(where, commands)

    def roll_out(self, coordinator):
        rollout = dict(policy="night", text="name: night\nprofile: gentle\n", vm_selectors=["*"], host_selector="all",
                       waves_permyriad=[10000], canary_soak_ns=10 ** 9, soak_ns=10 ** 9, gates=fleet.NO_GATES)
        try:
            return coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused:
            return None

    def say_hello_without_tls(self):
        """What the server answers, and that it hangs up."""
        with socket.create_connection(("localhost", self.machines.ports[0])) as plain:
            plain.settimeout(fleet.PATIENCE)
            plain.sendall(b'CONNECT {"verbose":true}\r\nPING\r\n')
            answer = b""
            try:
                while piece := plain.recv(4096):
                    answer += piece
            except ConnectionResetError:
                pass
        return answer

    def doctor(self, machine, name, socket=""):
        """What it finds: status and reason of each; the exit code says whether something failed."""
        run = subprocess.run([VMRECLAIM, "--json", "fleet", "doctor", self.machines.path(machine, "etc/vmreclaim/" + name)],
                             capture_output=True, text=True, check=False,
                             env={**os.environ, "VMRECLAIM_FLEET": "unix:" + (socket or "/none"),
                                  "PATH": os.path.dirname(os.path.abspath(self.fleet.fleet_program)) + ":" + os.environ["PATH"]})
        checks = {check["name"]: (check["status"], check["reason"]) for check in json.loads(run.stdout)["checks"]}
        failed = any(status == "failure" for status, _ in checks.values())
        self.assertEqual(run.returncode, int(failed), run.stderr)
        return checks

    def check_doctor(self, leader):
        found = self.doctor("host", "fleet.yaml")
        for name in ("nkey", "bus", "daemon", "desired-state"):
            self.assertEqual(found[name][0], "ok", found)
        self.assertIn("has taken state 1", found["daemon"][1])
        found = self.doctor(leader.name, "coordinator.yaml", leader.socket)
        for name in ("nkey", "signing-key", "bus", "VMR_STATUS", "VMR_POLICY", "KV_VMR_ROLLOUT", "coordinator", "hosts"):
            self.assertEqual(found[name][0], "ok", found)
        self.assertIn("3 copies", found["VMR_POLICY"][1])
        self.assertIn("this one leads", found["coordinator"][1])
        # what a person gets wrong
        path = self.machines.path("host", "etc/vmreclaim/")
        write(path + "wrong.yaml", fleet.read(path + "fleet.yaml").replace("rack7-12", "rack7-13"))
        found = self.doctor("host", "wrong.yaml")
        self.assertIn("fleet_host 'rack7-12' in vmreclaimd.yaml", found["daemon"][1])
        self.assertIn("enrolled for another host", found["desired-state"][1])
        write(path + "key.yaml", fleet.read(path + "fleet.yaml").replace("fleet.nkey", "other.nkey"))
        os.chmod(path + "other.nkey", 0o644)
        found = self.doctor("host", "key.yaml")
        self.assertIn("chmod 600", found["nkey"][1])
        self.assertIn("do not know the key", found["bus"][1])
        self.programs["bus-3", "nats-server"].end()
        self.programs["host", "vmreclaim-fleet"].end()
        wait(lambda: self.doctor(leader.name, "coordinator.yaml", leader.socket).get("VMR_POLICY") ==
             ("warning", "2 of 3 copies are whole: look at the other servers"))

    def check_told(self, name, words, **changes):
        """A bridge with another configuration is not let in, and says why."""
        path = self.machines.path("host", "etc/vmreclaim/")
        text = fleet.read(path + "fleet.yaml")
        for ours, other in changes.values():
            self.assertIn(ours, text)
            text = text.replace(ours, other)
        write(path + name + ".yaml", text)
        program = fleet.Program(self.fleet.directory, name, self.fleet.fleet_program, "--config",
                                path + name + ".yaml")
        self.programs[name, ""] = program
        wait(lambda: "fleet's bus" in program.log(), program)
        self.assertIn(words, program.log())
        program.end()

    def check_who_is_refused(self):
        other = self.machines.path("host", "etc/vmreclaim/")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-subj", "/CN=other", "-keyout", other + "other.key", "-out", other + "other.pem"],
                       check=True, capture_output=True)
        self.fleet.make_key("--new-nkey", other + "other.nkey")
        self.check_told("authority", "not signed by who 'authority' names", file=("bus.pem", "other.pem"))
        self.check_told("gone", "the file of 'authority' cannot be read", file=("bus.pem", "no.pem"))
        self.check_told("name", "is for another name", servers=("localhost", "127.0.0.1"))
        self.check_told("key", "the servers do not know the key", nkey=("fleet.nkey", "other.nkey"))
        for without in ("tls", "authority"):  # either makes it TLS
            changes = dict(servers=("tls://", "nats://")) if without == "tls" else {}
            self.check_told("without-" + without, "not signed by who 'authority' names", **changes,
                            file=("bus.pem", "other.pem") if without == "tls" else ("authority:", "#"))
        answer = self.say_hello_without_tls()
        self.assertNotIn(b"PONG", answer)
        self.assertNotIn(b"+OK", answer)

    def test_the_guide(self):
        self.follow_the_guide()
        leader = wait(lambda: next((one for one in self.coordinators if one.leads()), None))
        wait(lambda: [one for one in leader.call("ListHosts").hosts
                      if one.host == "rack7-12" and one.status.host.total > 0], *self.programs.values())
        rollout = wait(lambda: self.roll_out(leader), *self.programs.values())
        self.check_who_is_refused()
        wait(lambda: leader.rollout(rollout).state == COMPLETE)
        daemon = self.machines.path("host", "etc/vmreclaim/api.sock")
        run = subprocess.run([VMRECLAIM, "--api", "unix:" + daemon, "policy", "list", "-q"], capture_output=True,
                             text=True, check=True)
        self.assertEqual(run.stdout, "night\n")
        self.check_doctor(leader)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[6:], verbosity=2)
