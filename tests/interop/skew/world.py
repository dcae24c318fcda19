"""A daemon with one VM, for programs of two versions: a hypervisor of the test's own, and a scripted
agent or the real one on files that were copied once."""
import os
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "strict"))

import guests
import wire

PATIENCE = 60  # seconds; what needs longer hangs
MIB = guests.MIB

# What a guest's kernel shows. The agent writes into the copy, never into this machine.
KERNEL = ["meminfo", "zoneinfo", "buddyinfo", "vmstat", "stat", "uptime", "version", "pagetypeinfo",
          "swaps", "mounts", "pressure/memory", "pressure/io", "pressure/cpu",
          "sys/kernel/random/boot_id", "sys/kernel/osrelease", "sys/vm/compact_memory"]


def without_progress(text):
    """Without the lines that a command says when it takes more than a second."""
    return "".join(line for line in text.splitlines(keepends=True)
                   if not line.startswith("vmreclaim: still at it: "))


def wait(condition, what, *processes):
    end = time.monotonic() + PATIENCE
    while not condition():
        for process in processes:
            assert process.poll() is None, f"{process.args[0]} ended while waiting for: {what}"
        assert time.monotonic() < end, f"waited in vain for: {what}"
        time.sleep(0.05)


class QuietAgent(guests.Agent):
    """One that is never short of memory, so no balloon is lifted for it."""

    def events(self, sequence):
        yield {"sample": self.sample(sequence)}


class World:
    """`agent` is a program, or None: a scripted one. `door`: how the daemon reaches it."""

    def __init__(self, daemon, proto, agent=None, door="unix"):
        self.temporary = tempfile.TemporaryDirectory(dir="/dev/shm")
        self.directory = self.temporary.name
        self.strict, self.loose = wire.load(proto)
        self.processes = []
        self.make_root()
        # a real agent's guest has what this machine has
        memory = 1024 * MIB if agent is None else os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGESIZE")
        self.hypervisor = guests.Hypervisor(b"pc-q35", memory=-memory // (128 * MIB) * -128 * MIB)
        wire.Listener(self.path("web.qmp"), self.hypervisor.serve)
        if agent is None:
            wire.Listener(self.path("web.agent"), QuietAgent(self.loose, b"fine").serve)
        else:
            self.start_agent(agent)
        address = f"unix:{self.path('web.agent')}"
        if door == "hybrid":
            self.make_hybrid()
            address = f"hybrid:{self.path('web.vsock')}:1017"
        self.write("vms/web.yaml", f"name: web\nagent: {address}\n"
                                   f"hypervisor: qemu:{self.path('web.qmp')}\n")
        self.write("vmreclaimd.yaml", "sample_interval: 500ms\n")
        self.start_daemon(daemon)

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def write(self, name, text):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def make_root(self):
        """This process is the hypervisor: it is at the other end of QMP."""
        process = f"proc/{os.getpid()}"
        os.makedirs(self.path(process, "fd"))
        os.mkdir(self.path("state"))
        self.write(f"{process}/stat", "1 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n")
        self.write(f"{process}/status", "RssAnon:\t819200 kB\nRssShmem:\t0 kB\nVmSwap:\t0 kB\n")
        self.write(f"{process}/maps", "")
        self.write(f"{process}/pagemap", "")
        self.write("proc/meminfo", "MemTotal: 4194304 kB\nMemFree: 1048576 kB\n"
                                   "MemAvailable: 2097152 kB\n")

    def start(self, arguments, log):
        with open(self.path(log), "ab") as file:
            process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        self.processes.append(process)
        return process

    def start_agent(self, program):
        for name in KERNEL:
            try:
                with open(os.path.join("/proc", name), encoding="utf-8") as file:
                    self.write("guest/proc/" + name, file.read())
            except OSError:
                pass  # this kernel has none, or shows it to root only
        os.makedirs(self.path("guest/sys"), exist_ok=True)
        os.makedirs(self.path("guest-state"), exist_ok=True)
        agent = self.start([program, "--listen", "unix:" + self.path("web.agent"), "--connect", "none",
                            "--root", self.path("guest"), "--state-directory",
                            self.path("guest-state")], "agent.log")
        wait(lambda: os.path.exists(self.path("web.agent")), "the agent's socket", agent)

    def make_hybrid(self):
        """A hypervisor's hybrid vsock: CONNECT and OK, then bytes both ways."""
        def serve(connection):
            line = b""
            while not line.endswith(b"\n"):
                line += wire.read_exactly(connection, 1)
            assert line == b"CONNECT 1017\n", line
            agent = wire.socket.socket(wire.socket.AF_UNIX)
            agent.connect(self.path("web.agent"))
            connection.sendall(b"OK 1073741824\n")
            threading.Thread(target=copy, args=[agent, connection], daemon=True).start()
            copy(connection, agent)
        wire.Listener(self.path("web.vsock"), serve)

    def start_daemon(self, program):
        self.daemon = self.start(
            [program, "--config", self.path("vmreclaimd.yaml"), "--listen", "none", "--root",
             self.directory, "--api", "unix:" + self.path("api.sock"), "--vms", self.path("vms"),
             "--state-directory", self.path("state")], "daemon.log")
        wait(lambda: os.path.exists(self.path("api.sock")), "the daemon's socket", self.daemon)

    def stop_daemon(self):
        self.daemon.terminate()
        assert self.daemon.wait(timeout=PATIENCE) == 0, self.log("daemon.log")
        self.processes.remove(self.daemon)
        os.unlink(self.path("api.sock")) if os.path.exists(self.path("api.sock")) else None

    def run(self, program, *words, api="api.sock"):
        """Exit status and output of a command."""
        done = subprocess.run([program, "--api", "unix:" + self.path(api), *words], timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, capture_output=True, check=False)
        return done.returncode, done.stdout.decode(), without_progress(done.stderr.decode())

    def wait_managed(self, program):
        wait(lambda: '"managed"' in self.run(program, "--json", "vm", "show", "--cached", "web")[1],
             "the VM is managed", self.daemon)

    def log(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def close(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(timeout=PATIENCE)
        self.temporary.cleanup()


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
    except OSError:
        pass
    try:
        sink.shutdown(wire.socket.SHUT_WR)
    except OSError:
        pass
