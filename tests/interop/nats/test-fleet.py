#!/usr/bin/python3
"""Hosts, coordinators and rollouts over a real nats-server.

usage: test-fleet.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY VMRECLAIM
"""
import os
import pwd
import signal
import subprocess
import sys
import unittest

import fleet
from fleet import wait

import guests  # of the strict decoder's test, whose folder fleet knows

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../component/cli"))
import terminal  # pylint: disable=wrong-import-position

PROGRAMS = sys.argv[1:5]
VMRECLAIM = sys.argv[5]
POLICY = "name: night\nprofile: gentle\n"
REVERTED, COMPLETE = 7, 9


class FleetTest(unittest.TestCase):
    def setUp(self):
        self.fleet = fleet.Fleet(PROGRAMS, [f"h{i}" for i in range(4)])
        self.fleet.start_server()
        self.addCleanup(self.fleet.end)

    def hosts(self, coordinator):
        return {host.host: host for host in coordinator.call("ListHosts").hosts}

    def present(self, coordinator):
        return [name for name, host in self.hosts(coordinator).items()
                if host.presence == "present"]

    def start_all(self):
        for host in self.fleet.hosts:
            host.start()

    def test_hosts_are_seen(self):
        coordinator = self.fleet.add_coordinator("one")
        wait(coordinator.leads, coordinator.program)
        self.start_all()
        wait(lambda: len(self.present(coordinator)) == 4, coordinator.program)
        wait(lambda: all(host.status.host.total > 0 for host in self.hosts(coordinator).values()))
        host = self.hosts(coordinator)["h2"]
        self.assertEqual(host.status.name, "h2.example")
        self.assertEqual(list(host.status.labels), ["rack=r1"])
        self.assertEqual(host.status.vm_count, 0)
        self.assertEqual(host.status.problem, "")
        by_name = coordinator.call("GetHostStatus", host="h2.example").host
        self.assertEqual(by_name.host, "h2")
        page = coordinator.call("ListHosts", page_size=3)
        self.assertEqual([h.host for h in page.hosts], ["h0", "h1", "h2"])
        page = coordinator.call("ListHosts", page_size=3, page_token=page.next_page_token)
        self.assertEqual([h.host for h in page.hosts], ["h3"])
        self.assertEqual(page.next_page_token, "")
        self.assertEqual(len(coordinator.call("ListHosts", selector="h1.*").hosts), 1)

    def run_cli(self, coordinator, *words, code=0):
        run = subprocess.run([VMRECLAIM, *words], capture_output=True, text=True, check=False,
                             env={**os.environ, "VMRECLAIM_FLEET": "unix:" + coordinator.socket})
        self.assertEqual(run.returncode, code, run.stderr)
        return run.stdout if code == 0 else run.stderr

    def test_the_command_line(self):
        # a busy machine does not stand still for so long: it leads all the time
        coordinator = self.fleet.add_coordinator("one", lease="6s")
        self.start_all()
        wait(lambda: len(self.present(coordinator)) == 4, coordinator.program)
        wait(lambda: all(host.status.host.total > 0 for host in self.hosts(coordinator).values()))
        self.assertEqual(self.run_cli(coordinator, "fleet", "hosts", "-q"), "h0\nh1\nh2\nh3\n")
        self.assertEqual(self.run_cli(coordinator, "fleet", "hosts", "-q", "--hosts", "h[23].*"),
                         "h2\nh3\n")
        table = self.run_cli(coordinator, "fleet", "hosts")
        self.assertIn("h1.example", table)
        self.assertIn("4 hosts", table)
        self.assertLessEqual(max(map(len, table.splitlines())), 80)
        self.assertIn("No host has said of a VM yet.", self.run_cli(coordinator, "fleet", "vms"))
        wait(coordinator.leads, coordinator.program)
        self.assertIn("this one, epoch", self.run_cli(coordinator, "fleet", "status"))
        self.assertIn("Nothing was rolled out yet.",
                      self.run_cli(coordinator, "fleet", "rollout", "status"))
        path = os.path.join(self.fleet.directory, "night.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(POLICY)
        plan = self.run_cli(coordinator, "fleet", "rollout", "start", path, "--dry-run",
                            "--canary", "1", "--waves", "50%,100%")
        self.assertIn("canary: 1 hosts\n", plan)
        # nothing ends it or pauses it but the test: gates judge a busy machine
        started = self.run_cli(coordinator, "fleet", "rollout", "start", path, "--to", "h3*", "--soak", "1h", "--gate",
                               ",".join(gate["name"] + "=off" for gate in fleet.NO_GATES))
        identifier = started.split()[1]
        listed = wait(lambda: self.run_cli(coordinator, "fleet", "rollout", "status", "-q"))
        self.assertEqual(listed, identifier + "\n")
        wait(lambda: coordinator.has_begun(identifier), coordinator.program)
        self.assertIn("\n1 hosts chosen, 0 more on return;", self.run_cli(coordinator, "fleet", "rollout", "status"))
        self.check_policies(coordinator, identifier)
        paused = self.run_cli(coordinator, "fleet", "rollout", "pause", identifier[:4],
                              "--reason", "lunch")
        self.assertIn("paused", paused)
        self.assertIn("lunch", self.run_cli(coordinator, "fleet", "rollout", "status", identifier))
        again = self.run_cli(coordinator, "fleet", "rollout", "start", path, code=5)
        self.assertIn("is paused; wait for", again)
        self.run_cli(coordinator, "fleet", "rollout", "pause", "ffff", code=3)
        self.run_cli(coordinator, "fleet", "rollout", "resume", identifier)
        self.run_cli(coordinator, "fleet", "rollout", "abort", identifier)
        self.check_history(coordinator, identifier)
        self.assertIn("--gate", self.run_cli(coordinator, "fleet", "rollout", "start", path,
                                             "--gate", "pressure", code=2))
        self.assertIn("refaults", self.run_cli(coordinator, "fleet", "rollout", "start", path, "--gate",
                                               f"pressure={'0' * 600},refaults=x", code=2))

    def check_history(self, coordinator, identifier):
        """Who ordered what, and what became of it."""
        def history():
            table = self.run_cli(coordinator, "fleet", "rollout", "history", identifier[:4],
                                 "--no-headings", "-o", "columns=who,what,outcome,why")
            return [" ".join(line.split()) for line in table.splitlines()]
        me = pwd.getpwuid(os.getuid()).pw_name
        lines = wait(lambda: (lambda all: all if " abort aborted -" in all[-1] else None)(history()),
                     coordinator.program)
        orders = [line for line in lines if not line.startswith("- ")]
        for line, words in zip(orders, ("start asked -", "start writing -", "pause asked lunch",
                                        "pause paused lunch", "resume asked -", "resume judging -",
                                        "abort asked -", "abort aborted -"), strict=True):
            self.assertEqual(line, f"{me} {words}")
        self.run_cli(coordinator, "fleet", "rollout", "history", "ffff", code=3)

    def check_policies(self, coordinator, identifier):
        """What the fleet wants, where it is in force, and who brought it."""
        wait(lambda: self.in_force(coordinator) == ["h3"], coordinator.program)
        table = self.run_cli(coordinator, "fleet", "policy", "list")
        self.assertRegex(table, fr"night +1 +1 +0 +0 +0 +1 {identifier[:8]}")
        self.assertLessEqual(max(map(len, table.splitlines())), 80)
        self.assertIn("No policy was rolled out yet.",
                      self.run_cli(coordinator, "fleet", "policy", "list", "--hosts", "h[012]"))
        text = self.run_cli(coordinator, "fleet", "policy", "show", "night")
        self.assertIn("# night: wanted of 1 hosts, in force on 1, waits on 0\n", text)
        self.assertIn(f", by rollout {identifier}\n# for *\n{POLICY}", text)
        self.assertIn("did you mean: night?", self.run_cli(coordinator, "fleet", "policy", "show",
                                                           "nihgt", code=3))
        self.assertEqual(self.run_cli(coordinator, "fleet", "policy", "why", "h3.example", "night",
                                      "-o", "columns=policy,state,for", "--no-headings"),
                         "night in force *\n")
        self.assertIn("is not wanted there", self.run_cli(coordinator, "fleet", "policy", "why",
                                                          "h3", "day", code=3))
        self.assertEqual(self.run_cli(coordinator, "complete", "--", "fleet", "policy", "show", "n"),
                         "night\n")
        self.assertEqual(self.run_cli(coordinator, "complete", "--", "fleet", "explain", "h"),
                         "h0\tpresent\nh1\tpresent\nh2\tpresent\nh3\tpresent\n")
        self.assertIn("night  in force *   ", self.run_cli(coordinator, "fleet", "explain", "h3"))

    def explained(self, coordinator, host, vm):
        try:
            return coordinator.call("ExplainFleetVm", host=host, vm=vm)
        except fleet.wire.Refused:
            return None

    def add_guest(self, host, name):
        guest = guests.Agent(self.fleet.loose, b"a guest")
        fleet.wire.Listener(host.path("guest.sock"), guest.serve)
        host.write(f"vms/{name}.yaml", f"name: {name}\nagent: unix:{host.path('guest.sock')}\n")

    def test_a_vm_and_its_host_are_explained(self):
        """A guest with a script, behind a real daemon and a real bridge."""
        coordinator = self.fleet.add_coordinator("one")
        self.add_guest(self.fleet.hosts[1], "db")
        self.start_all()
        wait(lambda: len(self.present(coordinator)) == 4, coordinator.program)
        answer = wait(lambda: (found := self.explained(coordinator, "h1.example", "db")) is not None
                      and found.explanation.waterfall.guest_is_known and found)
        self.assertEqual(answer.explanation.waterfall.cache, 100 * guests.MIB)
        self.assertEqual(answer.vm.explanation, b"")
        self.assertEqual(answer.explanation.returns.reason,
                         "what the host holds for it is not known")
        words = self.run_cli(coordinator, "fleet", "explain", "h1/db")
        self.assertIn("host h1 (h1.example) · present · heard ", words)
        self.assertRegex(words, r"cache +100\.0 MiB")
        self.assertIn("nothing: what the host holds for it is not known", words)
        self.assertRegex(words, r"200.0 MiB +throttled +the kernel has not got to it yet")
        self.assertIn("vmreclaim -H ssh://h1.example explain db", words)
        self.assertEqual(self.run_cli(coordinator, "complete", "--", "fleet", "explain", "h1/"),
                         "h1/db\tmanaged\n")
        words = self.run_cli(coordinator, "fleet", "explain", "h1")
        self.assertRegex(words, r"VMs +1; they hold ")
        self.assertIn("No policy of the fleet is wanted here.", words)
        self.assertLessEqual(max(map(len, words.splitlines())), 80)
        self.check_screen(coordinator)
        self.assertIn("did you mean: h1.example?", self.run_cli(coordinator, "fleet", "explain",
                                                               "h1.exampl", code=3))
        self.assertIn("did you mean: db?", self.run_cli(coordinator, "fleet", "explain", "h1/dv",
                                                        code=3))

    def check_screen(self, coordinator):
        """All of it on a terminal, and from a host to its VM and back."""
        top = terminal.Terminal([VMRECLAIM, "fleet", "top"], 80, 24, is_typed_at=True,
                                environment={"VMRECLAIM_FLEET": "unix:" + coordinator.socket})
        top.until("^vmreclaim fleet top .* 4 hosts")
        top.until("^h3 .*present")
        top.type("v")
        top.until("^h1/db .*managed")
        top.type("\r")
        top.until("100.0 MiB file cache that it could give up")
        top.type("qv/h2\r")
        top.until("1 shown: ")
        top.type("\r")
        top.until("^h2: present, heard ")
        top.type("qq")
        self.assertEqual(top.close(), 0)

    def start_rollout(self, coordinator, **more):
        rollout = dict(policy="night", text=POLICY, vm_selectors=["*"], host_selector="all",
                       waves_permyriad=[5000, 10000], canary_hosts=1, canary_soak_ns=10 ** 9,
                       soak_ns=10 ** 9,
                       gates=fleet.NO_GATES)
        rollout.update(more)
        try:
            return coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused as refused:
            self.assertIn("not known yet", refused.text)
            return None

    def in_force(self, coordinator):
        return sorted(name for name, host in self.hosts(coordinator).items()
                      if any(policy.name == "night" for policy in host.status.applied.policies))

    def test_a_rollout_there_and_back(self):
        """Whoever leads is killed in its midst; another one goes on. Then it is taken back."""
        one = self.fleet.add_coordinator("one", lease="6s")
        wait(one.leads, one.program)
        two = self.fleet.add_coordinator("two", lease="6s")
        self.start_all()
        wait(lambda: len(self.present(two)) == 4, two.program)
        identifier = wait(lambda: self.start_rollout(two), two.program)
        wait(lambda: one.has_begun(identifier), one.program)
        leader, other = (one, two) if one.leads() else (two, one)  # it may have stood still
        leader.program.end(signal.SIGKILL)
        wait(other.leads, other.program)
        wait(lambda: other.rollout(identifier).state == COMPLETE, other.program)
        wait(lambda: self.in_force(other) == ["h0", "h1", "h2", "h3"], other.program)
        self.assertEqual(sorted(other.rollout(identifier).hosts), ["h0", "h1", "h2", "h3"])
        other.call("OrderRollout", id=identifier, verb=4, reason="second thoughts")
        wait(lambda: other.rollout(identifier).state == REVERTED, other.program)
        wait(lambda: not self.in_force(other), other.program)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[6:], verbosity=2)
