"""A fleet on one machine: a real nats-server, a real vmreclaimd and vmreclaim-fleet per host, and
coordinators. Hosts have no VMs, or agents with a script."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import network
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "strict"))
import wire  # pylint: disable=wrong-import-position

PATIENCE = 120  # seconds; what needs longer hangs
FLEET = "vmreclaim.fleet.v1."
ACCOUNTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../deploy/fleet/accounts.conf")
CONTROLLER = "vmreclaim.controller.v1."
FILES = ["ttrpc/ttrpc.proto", "vmreclaim/fleet/v1/fleet.proto",
         "vmreclaim/controller/v1/controller.proto"]
# Hosts without guests measure nothing, and what nobody measured pauses a rollout.
NO_GATES = [dict(name=name, limit=-1) for name in (
    "oom-kills", "hosts-lost", "agents-lost", "pressure", "refaults", "major-faults",
    "apply-errors", "degraded", "actions-refused", "returned")]

CONFIGURATION = """
host: {address}
port: {port}
ping_interval: "10s"
jetstream {{ store_dir: "{directory}", max_file_store: 2GB, max_memory_store: 16MB }}
include "accounts.conf"
include "more.conf"
"""
USERS = ["accounts.conf", "coordinators.conf", "hosts.conf"]  # what a server includes


def wait(condition, *programs):
    end = time.monotonic() + PATIENCE
    while True:
        value = condition()
        if value:
            return value
        for program in programs:
            assert program.process.poll() is None, program.log()
        if time.monotonic() > end:
            raise AssertionError([program.log() for program in programs])
        time.sleep(0.02)


def read(path):
    """"": it is not there yet."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


class Program:
    """A program of ours, whose log is a file."""

    def __init__(self, directory, name, *arguments):
        self.path = os.path.join(directory, name + ".log")
        self.arguments = arguments
        self.start()

    def start(self):
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(self.arguments, stderr=log, stdout=log,
                                            stdin=subprocess.DEVNULL)

    def log(self):
        return read(self.path)

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is not None:
            return self.process.returncode
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE)


class Server:
    """nats-server, alone or one of a cluster."""

    def __init__(self, fleet, name, port, cluster_port, routes, files):
        directory = self.directory = os.path.join(fleet.directory, name)
        os.makedirs(directory)
        self.directory = directory
        self.put(files)
        address = fleet.network.address(name)
        text = CONFIGURATION.format(address=address, port=port, directory=directory)
        if routes:
            text += (f"server_name: {name}\ncluster {{ name: fleet, host: {address}, "
                     f"port: {cluster_port}, routes: [ {', '.join(routes)} ] }}\n")
        path = os.path.join(directory, "nats.conf")
        with open(path, "w", encoding="utf-8") as output:
            output.write(text)
        self.url = f"nats://{address}:{port}"
        self.port = port
        self.starts = 0
        self.program = Program(fleet.directory, name,
                               *fleet.network.command(name, fleet.nats_program, "-c", path))
        self.wait()

    def wait(self):
        self.starts += 1
        wait(self.listens, self.program)

    def listens(self):
        return self.program.log().count("Listening for client connections") >= self.starts

    def put(self, files):
        for file, text in files.items():
            with open(os.path.join(self.directory, file), "w", encoding="utf-8") as output:
                output.write(text)

    def reload(self, files):
        """As an operator does who has enrolled or revoked somebody."""
        self.put(files)
        self.program.process.send_signal(signal.SIGHUP)

    def restart(self):
        self.program.start()
        self.wait()

    def lose_everything(self):
        """Its disk is another one when it is back."""
        self.program.end(signal.SIGKILL)
        shutil.rmtree(os.path.join(self.directory, "jetstream"))
        self.restart()


class Host:
    """vmreclaimd and vmreclaim-fleet."""

    def __init__(self, fleet, name, daemon=True):
        self.fleet = fleet
        self.name = name
        self.directory = os.path.join(fleet.directory, name)
        os.makedirs(os.path.join(self.directory, "vms"))
        os.makedirs(os.path.join(self.directory, "state"))
        os.makedirs(os.path.join(self.directory, "fleet-state"))
        self.key = fleet.make_key("--new-nkey", self.path("nkey"))
        self.write("fleet.yaml", f"host: {name}\nname: {name}.example\nlabels: [rack=r1]\n"
                                 f"servers: {fleet.url}\nnkey: {self.path('nkey')}\n"
                                 f"api: unix:{self.path('api.sock')}\n"
                                 f"state_directory: {self.path('fleet-state')}\n")
        self.write("vmreclaimd.yaml", f"listen: none\napi: unix:{self.path('api.sock')}\n"
                                      f"vms: {self.path('vms')}\n"
                                      f"state_directory: {self.path('state')}\n"
                                      "find_processes: no\nlibvirt: none\n"
                                      f"fleet_host: {name}\nfleet_keys: {fleet.public_key}\n")
        self.daemon = None
        self.bridge = None
        self.has_daemon = daemon
        self.prefix = ()  # of its programs' commands

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def start(self):
        if self.has_daemon:
            self.daemon = Program(self.directory, "daemon", *self.prefix, self.fleet.daemon_program,
                                  "--config", self.path("vmreclaimd.yaml"))
        self.bridge = Program(self.directory, "bridge", *self.fleet.network.command(
            self.name, *self.prefix, self.fleet.fleet_program, "--config", self.path("fleet.yaml")))

    def call(self, method, **fields):
        """Of its daemon."""
        strict = self.fleet.strict
        request = strict(CONTROLLER + method + "Request", **fields)
        client = wire.Client(self.path("api.sock"), strict)
        try:
            client.start(CONTROLLER + "Controller", method, request.SerializeToString(), False)
            return list(client.answers(CONTROLLER + method + "Response"))[0]
        finally:
            client.close()

    def revisions(self, policy):
        """What its daemon took of the policy, each with its author."""
        return list(self.call("ListPolicyRevisions", name=policy).revisions)

    def end(self):
        for program in (self.bridge, self.daemon):
            assert program is None or program.end() in (0, -signal.SIGKILL), program.log()


class Coordinator:
    def __init__(self, fleet, name, lease="2s"):
        self.fleet = fleet
        self.path = os.path.join(fleet.directory, name)
        self.socket = self.path + ".sock"
        self.readers = self.path + ".read.sock"
        with open(self.path + ".yaml", "w", encoding="utf-8") as file:
            file.write(f"name: {name}\nservers: {fleet.url}\nnkey: {fleet.coordinator_seed}\n"
                       f"listen: unix:{self.socket}\nlisten_read: unix:{self.readers}\n"
                       f"signing_key: {fleet.signing_key}\n"
                       f"lease_time: {lease}\n")
        self.program = Program(fleet.directory, name, *fleet.network.command(
            name, fleet.fleet_program, "--coordinator", "--config", self.path + ".yaml"))
        wait(self.answers, self.program)

    def answers(self):
        try:
            self.call("GetCoordinator")
        except OSError:
            return False
        return True

    def call(self, method, **fields):
        strict = self.fleet.strict
        request = strict(FLEET + method + "Request", **fields)
        client = wire.Client(self.socket, strict)
        try:
            client.start(FLEET + "Fleet", method, request.SerializeToString(), False)
            output = strict.service(FLEET + "Fleet").FindMethodByName(method).output_type.full_name
            return list(client.answers(output))[0]
        finally:
            client.close()

    def leads(self):
        return self.call("GetCoordinator").leads

    def has_begun(self, identifier):
        rollout = self.rollout(identifier)  # another coordinator may not know it yet
        return rollout is not None and len(rollout.hosts) > 0

    def rollout(self, identifier):
        answer = self.call("ListRollouts", id=identifier, with_hosts=True)
        return answer.rollouts[0] if answer.rollouts else None


class Fleet:
    """`names` are hosts; those beyond `daemons` have no daemon. With a network of namespaces each host, server
    ("nats-0") and coordinator has one of its name."""

    def __init__(self, programs, names, daemons=None, where=None):
        self.network = where or network.Loopback()
        self.fleet_program, self.daemon_program, self.nats_program, proto = programs
        files = list(wire.FILES)
        wire.FILES[:] = FILES
        self.strict, self.loose = wire.load(proto)
        wire.FILES[:] = files
        self.temporary = tempfile.TemporaryDirectory(prefix="vmreclaim-fleet-")
        self.directory = self.temporary.name
        self.held = []  # sockets
        self.servers = []
        self.coordinators = []
        self.coordinator_seed = os.path.join(self.directory, "coordinator.nkey")
        self.coordinator_key = self.make_key("--new-nkey", self.coordinator_seed)
        self.signing_key = os.path.join(self.directory, "fleet.key")
        self.public_key = self.make_key("--new-signing-key", self.signing_key)
        self.url = "nats://127.0.0.1:1"
        self.hosts = [Host(self, name, daemons is None or i < daemons)
                      for i, name in enumerate(names)]

    def make_key(self, option, path):
        return subprocess.run([self.fleet_program, option, path], check=True,
                              stdout=subprocess.PIPE, text=True).stdout.strip()

    def enrol(self, *arguments):
        """In the directory of the operators."""
        subprocess.run([self.fleet_program, "--users", os.path.join(self.directory, "users"),
                        *arguments], check=True, stdout=subprocess.DEVNULL)

    def read_users(self):
        files = {name: read(os.path.join(self.directory, "users", name)) for name in USERS}
        files["accounts.conf"] = read(ACCOUNTS)
        return files

    def hold_ports(self, count):
        """For servers. They are nobody else's as long as the fleet is, also while a server is away: a bound socket
        that does not listen keeps others from it, and not a server, which reuses its address."""
        sockets = [socket.socket() for _ in range(count)]
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 0))
        self.held += sockets
        return [one.getsockname()[1] for one in sockets]

    def start_server(self):
        self.start_servers(1)

    def start_servers(self, count, users=None, more=""):
        """`users`: those of the account of hosts instead of the hosts' own; `more` of the servers' configuration."""
        self.enrol("--coordinator", "--enrol", "one", self.coordinator_key)
        for host in self.hosts:
            self.enrol("--enrol", host.name, host.key)
        files = self.read_users() | {"more.conf": more}
        if users:
            files["hosts.conf"] = users
        ports = self.hold_ports(2 * count)
        routes = [f"nats://{self.network.address(f'nats-{i}')}:{port}"
                  for i, port in enumerate(ports[count:])] if count > 1 else []
        self.servers = [Server(self, f"nats-{i}", ports[i], ports[count + i], routes, files)
                        for i in range(count)]
        before = self.url
        self.url = "[" + ", ".join(server.url for server in self.servers) + "]"
        for host in self.hosts:
            host.write("fleet.yaml", read(host.path("fleet.yaml")).replace(before, self.url))

    def add_coordinator(self, name, **more):
        coordinator = Coordinator(self, name, **more)
        self.coordinators.append(coordinator)
        return coordinator

    def end(self):
        for host in self.hosts:
            host.end()
        for coordinator in self.coordinators:
            code = coordinator.program.end()
            assert code in (0, -signal.SIGKILL), coordinator.program.log()
        for server in self.servers:
            server.program.end()
        for one in self.held:
            one.close()
        self.network.end()
        self.temporary.cleanup()
