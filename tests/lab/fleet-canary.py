#!/usr/bin/python3
"""A fleet whose hosts have one guest of the lab each: a good policy goes through all waves, and one that hurts is
taken back at the canary.

usage: fleet-canary.py VMRECLAIM_FLEET VMRECLAIMD NATS_SERVER PROTO_DIRECTORY VMRECLAIM RESULTS VM-FILE...

A VM file says how the guest and its agent are reached. RESULTS has then logs, all figures, and in "times" the VM
of the canary and, in UNIX seconds, when it got the policy that hurts, when a figure was over its gate first, and
when it had the policy before again.
"""
import os
import re
import shutil
import signal
import subprocess
import sys
import time

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
sys.path.insert(0, os.path.join(SOURCE, "tests/interop/nats"))
import fleet  # pylint: disable=wrong-import-position

VMRECLAIM, RESULTS = sys.argv[5:7]
POLICIES = {
    "good": "name: database\nprofile: balanced\ncache_floor: 144MiB\n",
    # No cache is left, whatever is read back and however long its readers wait.
    "hurts": "name: database\nprofile: aggressive\ncache_floor: 0\ntrickle: 16GiB\nrefault_rate: 1000000\n"
             "psi_memory: 100%\npsi_io: 100%\n",
}
GOOD_FLOOR, BAD_FLOOR = "144MiB", "0"
PAUSED, REVERTED, ABORTED, COMPLETE = 5, 7, 8, 9
PATIENCE = 600
# Figures of a guest: in which unit a second has how many, and how many are over the gate where they are also
# twice as many as the others'.
FIGURES = {2: ("pages/s read again", 1, 10), 3: ("major faults/s", 1, 1), 4: ("% waited for memory", 10 ** 7, 1)}


def answer(whom, method, **fields):
    """None: what is asked for is not there yet."""
    try:
        return whom.call(method, **fields)
    except (OSError, fleet.wire.Refused):
        return None


class Vm:
    """What its host told of it, and the policy that its agent has."""

    def __init__(self, host, name):
        self.host = host
        self.name = name
        self.statuses = []  # (time in ns, sequence, {kind: value})
        self.policies = []  # (time, cache floor), where it changed

    def take_status(self, status):
        if not status.vms or (self.statuses and self.statuses[-1][1] == status.sequence):
            return False
        figures = {figure.kind: figure.value for figure in status.vms[0].figures}
        self.statuses.append((status.time_ns, status.sequence, figures))
        return True

    def is_whole(self):
        return bool(self.statuses) and all(kind in self.statuses[-1][2] for kind in FIGURES)

    def take_policy(self, policy):
        if policy.pending or policy.name != "database":
            return
        floor = next(setting.value for setting in policy.settings if setting.key == "cache_floor")
        if not self.policies or self.policies[-1][1] != floor:
            self.policies.append((time.time(), floor))

    def floors(self):
        return [floor for _, floor in self.policies]

    def rate(self, kind):
        """Between the last two statuses, in its unit; None: not known."""
        if len(self.statuses) < 2:
            return None
        (begin, _, before), (end, _, after) = self.statuses[-2:]
        if kind not in before or kind not in after or end <= begin:
            return None
        return (after[kind] - before[kind]) / FIGURES[kind][1] * 10 ** 9 / (end - begin)


class Scene:
    def __init__(self, programs, files):
        self.begun = time.time()
        self.failures = 0
        self.fleet = fleet.Fleet(programs, [f"h{i + 1}" for i in range(len(files))])
        self.vms = []
        for host, file in zip(self.fleet.hosts, files):
            shutil.copy(file, host.path("vms"))
            self.vms.append(Vm(host, os.path.basename(file).removesuffix(".yaml")))
        self.figures = open(os.path.join(RESULTS, "figures"), "w", encoding="utf-8")
        self.first_over = {}  # VM: time, words

    def start(self):
        self.fleet.start_servers(1)
        self.coordinator = self.fleet.add_coordinator("coordinator", lease="6s")
        for host in self.fleet.hosts:
            host.start()

    def check(self, words, is_true):
        print(f"ok      {words}" if is_true else f"FAILED  {words}", flush=True)
        self.failures += not is_true
        return is_true

    def say(self, words):
        print(f"        {time.time() - self.begun:4.0f} s: {words}", flush=True)

    # ---- looking ----

    def look(self):
        """What hosts say and daemons know now. Figures are looked at as they come."""
        for vm in self.vms:
            status = answer(self.coordinator, "GetHostStatus", host=vm.host.name)
            policy = answer(vm.host, "GetEffectivePolicy", vm=vm.name)
            if policy is not None:
                vm.take_policy(policy)
            if status is not None and vm.take_status(status.host.status):
                self.look_at(vm)

    def look_at(self, vm):
        others = [other for other in self.vms if other is not vm]
        words = []
        for kind, (what, _, limit) in FIGURES.items():
            rate = vm.rate(kind)
            known = [other.rate(kind) for other in others if other.rate(kind) is not None]
            if rate is None or not known:
                continue
            reference = sum(known) / len(known)
            words.append(f"{rate:.1f} {what}")
            if rate > max(limit, 2 * reference) and vm.floors()[-1:] == [BAD_FLOOR]:
                self.first_over.setdefault(
                    vm, (vm.statuses[-1][0] / 10 ** 9, f"{rate:.1f} {what}, of the others {reference:.1f}"))
        self.figures.write(f"{time.time() - self.begun:.1f} {vm.name} {', '.join(words)}\n")
        self.figures.flush()

    def wait(self, condition, patience=PATIENCE):
        end = time.monotonic() + patience
        while time.monotonic() < end:
            self.look()
            value = condition()
            if value:
                return value
            time.sleep(0.2)
        return None

    # ---- rollouts ----

    def start_rollout(self, name, *words):
        path = os.path.join(self.fleet.directory, name + ".yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(POLICIES[name])
        run = subprocess.run([VMRECLAIM, "fleet", "rollout", "start", path, *words], capture_output=True, text=True,
                             check=False, env={**os.environ, "VMRECLAIM_FLEET": "unix:" + self.coordinator.socket})
        started = re.match(r"rollout (\w+) of policy", run.stdout)
        self.say((run.stdout + run.stderr).splitlines()[0])
        return started and started[1]

    def roll_out(self, name, *words):
        """Until it rests, or waits for an operator."""
        identifier = self.wait(lambda: self.start_rollout(name, *words))

        def ended():
            rollout = self.coordinator.rollout(identifier)
            return rollout if rollout.state in (PAUSED, REVERTED, ABORTED, COMPLETE) else None

        rollout = self.wait(ended) or self.coordinator.rollout(identifier)
        for line in rollout.history:
            self.say(line)
        for gate in rollout.gate_states:
            if gate.text:
                self.say(f"gate {gate.name}: {gate.text}")
        return rollout

    def end(self):
        for host in self.fleet.hosts:
            for program in (host.daemon, host.bridge):
                if program is not None:
                    shutil.copy(program.path, os.path.join(RESULTS, f"{host.name}-{os.path.basename(program.path)}"))
        for name in os.listdir(self.fleet.directory):
            if name.endswith(".log"):
                shutil.copy(os.path.join(self.fleet.directory, name), RESULTS)
        self.fleet.end()
        self.figures.close()


def a_good_policy(scene):
    rollout = scene.roll_out("good", "--canary", "1", "--waves", "50%,100%", "--canary-soak", "1m", "--soak", "1m")
    scene.check("a good policy goes through all waves", rollout.state == COMPLETE)
    scene.check("every host has it", len(rollout.hosts) == len(scene.vms))
    return scene.check("every guest has it", scene.wait(
        lambda: all(vm.floors()[-1:] == [GOOD_FLOOR] for vm in scene.vms)))


def a_policy_that_hurts(scene):
    rollout = scene.roll_out("hurts", "--canary", "1", "--canary-soak", "10m")
    scene.check("a policy that hurts is taken back", rollout.state == REVERTED)
    treated = [vm for vm in scene.vms if vm.host.name in rollout.hosts]
    if not scene.check("one host had it, the canary", len(treated) == 1):
        return
    vm = treated[0]
    scene.wait(lambda: vm.floors()[-1:] == [GOOD_FLOOR])
    print(f"        {rollout.reason}")
    scene.check("the reason names gate, host, VM and figures", re.match(
        rf"(refaults|pressure|major-faults): host {vm.host.name}, VM {vm.name}: .*\d.* against \d", rollout.reason))
    scene.check("the guest had it, then the one before", vm.floors() == [GOOD_FLOOR, BAD_FLOOR, GOOD_FLOOR])
    scene.check("its daemon took three revisions", len(vm.host.revisions("database")) == 3)
    for other in scene.vms:
        if other is not vm:
            scene.check(f"guest {other.name} has only had the good one",
                        other.floors() == [GOOD_FLOOR] and len(other.host.revisions("database")) == 1)
    say_times(scene, vm)


def say_times(scene, vm):
    if not scene.check("a figure of the guest was over its gate", vm in scene.first_over):
        return
    over, words = scene.first_over[vm]
    begun, ended = vm.policies[1][0], vm.policies[2][0]
    print(f"        first figure over its gate {over - begun:.1f} s after the policy came to the guest: {words}\n"
          f"        {ended - over:.1f} s later the guest had its policy back, {ended - begun:.1f} s in all")
    with open(os.path.join(RESULTS, "times"), "w", encoding="utf-8") as file:
        file.write(f"{vm.name} {begun:.1f} {over:.1f} {ended:.1f}\n")


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    scene = Scene(sys.argv[1:5], sys.argv[7:])
    try:
        scene.start()
        if scene.check("hosts, guests and their figures are there", scene.wait(
                lambda: all(vm.is_whole() for vm in scene.vms))) and a_good_policy(scene):
            a_policy_that_hurts(scene)
    finally:
        scene.end()
    return min(scene.failures, 1)


if __name__ == "__main__":
    sys.exit(main())
