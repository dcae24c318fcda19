"""A real fleet with vmreclaim-web beside its coordinator."""
import re

import fleet
from fleet import wait

POLICY = "name: night\nprofile: gentle\n"
SOAKING, PAUSED = 3, 5


class WebFleet:
    """`address` is where the program listens."""

    def __init__(self, programs, web, names):
        self.fleet = fleet.Fleet(programs, names)
        self.fleet.start_server()
        self.coordinator = self.fleet.add_coordinator("one", lease="6s")
        for host in self.fleet.hosts:
            host.start()
        self.web = fleet.Program(self.fleet.directory, "web", web, "--api", "none", "--fleet",
                                 "unix:" + self.coordinator.readers, "--listen", "127.0.0.1:0")
        self.address = wait(lambda: re.search(r"listens on (\S+)", self.web.log()), self.web)[1]
        wait(lambda: self.count_present() == len(names), self.coordinator.program)

    def count_present(self):
        return len([host for host in self.coordinator.call("ListHosts").hosts
                    if host.presence == "present" and host.status.host.total > 0])

    def pause_a_rollout(self):
        """While its canary soaks."""
        rollout = dict(policy="night", text=POLICY, vm_selectors=["*"], host_selector="all",
                       waves_permyriad=[10000], canary_hosts=1, canary_soak_ns=20 * 10 ** 9,
                       soak_ns=10 ** 9, gates=fleet.NO_GATES)
        identifier = wait(lambda: self.try_to_start(rollout), self.coordinator.program)
        wait(lambda: self.state_of(identifier) == SOAKING, self.coordinator.program)
        self.coordinator.call("OrderRollout", id=identifier, verb=1, reason="lunch")
        wait(lambda: self.state_of(identifier) == PAUSED, self.coordinator.program)
        return identifier

    def state_of(self, identifier):
        return self.coordinator.rollout(identifier).state

    def try_to_start(self, rollout):
        try:
            return self.coordinator.call("StartRollout", rollout=rollout).rollout.id
        except fleet.wire.Refused:
            return None  # it does not lead yet, or does not know all hosts

    def end(self):
        assert self.web.end() == 0, self.web.log()
        self.fleet.end()
