"""Where a fleet's programs run: on loopback, or each in a network namespace of its own. A namespace can be cut
off: its packets vanish, and no connection closes. Needs root and iproute2; the machine's own network is not
touched, and all goes with the process."""
import os
import subprocess


class Loopback:
    def command(self, name, *arguments):  # pylint: disable=unused-argument
        return arguments

    def address(self, name):  # pylint: disable=unused-argument
        return "127.0.0.1"

    def end(self):
        pass


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Namespaces:
    """One for each name, all on a switch in one more."""

    def __init__(self, names):
        self.prefix = f"vmreclaim-{os.getpid()}-"
        self.names = []
        self.addresses = {name: f"10.99.{i // 250}.{i % 250 + 1}" for i, name in enumerate(names)}
        try:
            self.add("switch")
            ip("-n", self.of("switch"), "link", "add", "switch", "type", "bridge")
            ip("-n", self.of("switch"), "link", "set", "switch", "up")
            for i, name in enumerate(names):
                self.plug(name, f"port{i}")
        except BaseException:
            self.end()
            raise
        self.ports = {name: f"port{i}" for i, name in enumerate(names)}

    def of(self, name):
        return self.prefix + name

    def add(self, name):
        ip("netns", "add", self.of(name))
        self.names.append(name)
        ip("-n", self.of(name), "link", "set", "lo", "up")

    def plug(self, name, port):
        self.add(name)
        ip("link", "add", "eth0", "netns", self.of(name), "type", "veth", "peer", "name", port, "netns",
           self.of("switch"))
        ip("-n", self.of(name), "address", "add", self.addresses[name] + "/16", "dev", "eth0")
        ip("-n", self.of(name), "link", "set", "eth0", "up")
        ip("-n", self.of("switch"), "link", "set", port, "master", "switch", "up")

    def command(self, name, *arguments):
        return ("ip", "netns", "exec", self.of(name), *arguments)

    def address(self, name):
        return self.addresses[name]

    def cut(self, name):
        """From all others."""
        ip("-n", self.of("switch"), "link", "set", self.ports[name], "down")

    def join(self, name):
        ip("-n", self.of("switch"), "link", "set", self.ports[name], "up")

    def part(self, one, other, verb="add"):
        """From each other only."""
        for here, there in ((one, other), (other, one)):
            ip("-n", self.of(here), "route", verb, "blackhole", self.addresses[there] + "/32")

    def heal(self, one, other):
        self.part(one, other, "delete")

    def end(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", self.of(name)], check=False)
        self.names = []
