#!/usr/bin/python3
"""A strict decoder reads every answer and every stream of the operators' API while all texts that
come from outside are hostile: guests', hypervisors', operators', those in files.

usage: test-strict.py VMRECLAIMD PROTO_DIRECTORY
"""
import concurrent.futures
import itertools
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import guests
import wire

VMRECLAIMD, PROTO = sys.argv[1:3]
PACKAGE = "vmreclaim.controller.v1."
SERVICE = PACKAGE + "Controller"
PATIENCE = 60  # seconds; a daemon that needs longer hangs
MIB = guests.MIB
WEBS = ["web", "web-2", "web-3"]  # each is done something else to, and it settles meanwhile
MAY_HAVE_LINES = {PACKAGE + "PolicyRevision.text"}
STRICT, LOOSE = wire.load(PROTO)


def methods():
    return {method.name: method for method in STRICT.service(SERVICE).methods}


def is_of_one_line(text):
    return all(ord(c) >= 0x20 and not 0x7f <= ord(c) <= 0x9f and c not in "\u2028\u2029" for c in text)


def check_texts(message):
    """Of what a person is shown, no text steers a terminal or forges a line."""
    for field, value in message.ListFields():
        values = value if field.label == field.LABEL_REPEATED else [value]
        for each in values:
            if field.type == field.TYPE_MESSAGE:
                check_texts(each)
            elif field.type == field.TYPE_STRING and field.full_name not in MAY_HAVE_LINES:
                assert is_of_one_line(each), (field.full_name, each)
                assert len(each.encode()) < 4096, (field.full_name, len(each))


class StrictTest(unittest.TestCase):
    answered = {}  # how often a method was answered, and how often refused
    refused = {}

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory(dir="/dev/shm")
        cls.directory = cls.temporary.name
        cls.make_root()
        cls.make_peers()
        cls.write(b"vmreclaimd.yaml", b"sample_interval: 500ms\n")
        with open(cls.path("log"), "wb") as log:
            cls.daemon = subprocess.Popen(
                [VMRECLAIMD, "--config", cls.path("vmreclaimd.yaml"), "--listen", "none", "--root",
                 cls.directory, "--api", "unix:" + cls.path("api.sock"), "--vms", cls.path("vms"),
                 "--state-directory", cls.path("state")], stderr=log, stdin=subprocess.DEVNULL)
        cls.wait(cls.listens)
        cls.watch_everything()
        for name in (*WEBS, "grudge"):
            cls.wait(lambda name=name: cls.is_managed(name))

    @classmethod
    def tearDownClass(cls):
        cls.daemon.terminate()
        status = cls.daemon.wait(timeout=PATIENCE)
        with open(cls.path("log"), "rb") as log:
            text = log.read()
        cls.temporary.cleanup()
        assert status == 0, (status, text)
        for line in text.decode().split("\n"):
            assert is_of_one_line(line), line

    @classmethod
    def path(cls, *names):
        return os.path.join(cls.directory, *names)

    @classmethod
    def write(cls, name, text):
        with open(os.path.join(cls.directory.encode(), name), "wb") as file:
            file.write(text)

    @classmethod
    def wait(cls, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            if cls.daemon.poll() is not None or time.monotonic() > end:
                with open(cls.path("log"), "rb") as log:
                    raise AssertionError(log.read())
            time.sleep(0.02)

    @classmethod
    def listens(cls):
        try:
            wire.Client(cls.path("api.sock"), STRICT).close()
        except OSError:
            return False
        return True

    # ---- what the daemon finds ----

    @classmethod
    def make_root(cls):
        """This process is the hypervisor: it is at the other end of QMP."""
        process = f"proc/{os.getpid()}"
        os.makedirs(cls.path(process, "fd"))
        for folder in ("vms", "state"):
            os.mkdir(cls.path(folder))
        texts = {"stat": "1 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n", "maps": "",
                 "pagemap": "", "status": "RssAnon:\t819200 kB\nRssShmem:\t0 kB\nVmSwap:\t0 kB\n"}
        for name, text in texts.items():
            cls.write(f"{process}/{name}".encode(), text.encode())
        cls.write(b"proc/meminfo", b"MemTotal: 4194304 kB\nMemFree: 1048576 kB\n"
                                   b"MemAvailable: 2097152 kB\n")

    @classmethod
    def make_peers(cls):
        cls.add_vm("web", guests.Agent(LOOSE, guests.TEXT), guests.Hypervisor(guests.TEXT))
        for name in WEBS[1:]:
            cls.add_vm(name, guests.Agent(LOOSE, guests.TEXT), None)
        cls.add_vm("unreporting", guests.Agent(LOOSE, guests.TEXT),
                   guests.Hypervisor(guests.TEXT, reporting=False))
        cls.add_vm("latin", guests.Agent(LOOSE, guests.LATIN), guests.Hypervisor(guests.LATIN))
        cls.add_vm("grudge", guests.FailingAgent(LOOSE, guests.TEXT), None)
        cls.add_vm("latin-grudge", guests.FailingAgent(LOOSE, guests.TEXT + guests.LATIN), None)
        cls.write(b"vms/b\xe4r.yaml", b"agent: unix:/nowhere\nlabels: [gr\xfc\xdfe=1]\n")
        cls.write(b"vms/labels.yaml", b"agent: unix:/nowhere\nlabels: [\"tier=\\e[2J\\x9b\"]\n")
        cls.write(b"vms/\x1b[2J\n.yaml", guests.TEXT)
        cls.write(b"vms/" + guests.HUGE[:240] + b".yaml", guests.LATIN + b": " + guests.TEXT)

    @classmethod
    def add_vm(cls, name, agent, hypervisor):
        wire.Listener(cls.path(name + ".agent"), agent.serve)
        text = f"name: {name}\nagent: unix:{cls.path(name)}.agent\n"
        if hypervisor is not None:
            wire.Listener(cls.path(name + ".qmp"), hypervisor.serve)
            text += f"hypervisor: qemu:{cls.path(name)}.qmp\n"
        cls.write(f"vms/{name}.yaml".encode(), text.encode())

    # ---- calls ----

    @classmethod
    def call(cls, method, most=None, **fields):
        """The strictly decoded messages of the answer, of a stream at most so many, or Refused."""
        descriptor = methods()[method]
        request = LOOSE(descriptor.input_type.full_name, **{
            key: value.encode() if isinstance(value, str) else value
            for key, value in fields.items()})
        client = wire.Client(cls.path("api.sock"), STRICT)
        streams = cls.is_stream(method)
        client.start(SERVICE, method, request.SerializeToString(), streams)
        try:
            messages = list(itertools.islice(client.answers(descriptor.output_type.full_name),
                                             most))
        except wire.Refused as refused:
            # Who asks with several lines may be answered with them.
            text = refused.text
            if any(b"\n" in getattr(request, key, b"") for key in fields
                   if isinstance(getattr(request, key), bytes)):
                text = text.replace("\n", " ").replace("\t", " ")
            assert is_of_one_line(text), (method, text)
            assert len(refused.text.encode()) < 4096
            cls.refused[method] = cls.refused.get(method, 0) + 1
            return refused
        finally:
            client.close()
        for message in messages:
            check_texts(message)
        cls.answered[method] = cls.answered.get(method, 0) + 1
        return messages

    @classmethod
    def is_stream(cls, method):
        file = STRICT.service(SERVICE).file
        proto = descriptor_of(file)
        return next(m.server_streaming for s in proto.service if s.name == "Controller"
                    for m in s.method if m.name == method)

    @classmethod
    def is_managed(cls, name):
        answer = cls.call("GetVm", vm=name)
        return isinstance(answer, list) and answer[0].vm.state == "managed" and \
            answer[0].vm.last_sample_ns != 0

    @classmethod
    def watch_everything(cls):
        """Events are decoded as they come, for as long as the tests run."""
        cls.events = []
        cls.event_failures = []
        client = wire.Client(cls.path("api.sock"), STRICT)
        client.start(SERVICE, "WatchEvents", b"", True)

        def read():
            try:
                for event in client.answers(PACKAGE + "Event"):
                    check_texts(event)
                    cls.events.append(event)
            except (EOFError, OSError, wire.Refused):
                pass  # the daemon has ended
            except Exception as error:  # pylint: disable=broad-except
                cls.event_failures.append(error)
        threading.Thread(target=read, daemon=True).start()

    def answer(self, method, **fields):
        answer = self.call(method, **fields)
        self.assertNotIsInstance(answer, Exception, (method, answer))
        return answer

    # ---- tests, in the order of their names ----

    def test_1_the_decoder_is_strict(self):
        message = STRICT(PACKAGE + "PingVmRequest")
        with self.assertRaises(Exception):
            message.ParseFromString(b"\x0a\x01\xff")

    def test_2_looking(self):
        for vm in ("web", "latin", "grudge", "latin-grudge", "labels", guests.NASTY, guests.TEXT,
                   guests.LATIN, "\x1b[2J", guests.HUGE):
            for method in ("GetVm", "Explain", "Diagnose", "PingVm", "GetEffectivePolicy",
                           "ListRanges", "GetHistory", "ListActions"):
                self.call(method, vm=vm)
            self.call("GetEffectivePolicy", vm=vm, why=True)
            self.call("GetVm", vm=vm, fresh=True)
            self.call("PlanAction", vm=vm, compact={})
            self.call("Explain", vm=vm, exact=True)
        for method in ("ListVms", "GetHost", "GetPlan", "ListPolicies", "GetStatus", "GetCounters", "DumpState", "Reload",
                       "ListActionChanges"):
            self.answer(method)
        for method in ("PingVm", "ListRanges"):  # a guest that says much waits for its turn
            self.wait(lambda method=method: isinstance(self.call(method, vm="web"), list))

    def test_3_policies(self):
        policy = b"name: night\nprofile: gentle\n# gr\xc3\xbc\xc3\x9fe \xe2\x80\xa8 \n"
        names = ("night.yaml", guests.NASTY, guests.TEXT, guests.LATIN, guests.HUGE,
                 "/etc/\x1b]0;x\x07.yaml")
        for name in names:
            self.call("ApplyPolicy", vm="web", source=policy, source_name=name, author=name)
            self.call("ApplyPolicy", vm=name, source=policy + b"# " + bytes(str(name), "utf-8")[:9],
                      source_name=name, author=name)
            self.call("ApplyPolicy", vm="grudge", source=b"name: " + name.encode()
                      if isinstance(name, str) else name, source_name=name)
            self.call("ApplyPolicy", source=guests.LATIN, source_name=name)
            self.call("ApplyPolicy", source=b"profile: " + guests.TEXT, source_name=name)
            self.call("UnassignPolicy", selector=name)
            self.call("ListPolicyRevisions", name=name)
            self.call("GetPolicy", name=name)
            self.call("RollBackPolicy", name=name, author=name)
            self.call("DeletePolicy", name=name)
        self.answer("ApplyPolicy", vm="grudge", source=policy, source_name="night.yaml")
        self.answer("ApplyPolicy", vm="*", source=policy + b"# 2", source_name="night.yaml")
        self.answer("RollBackPolicy", name="night", author=guests.NASTY)
        for method in ("ListPolicyRevisions", "GetPolicy"):
            self.answer(method, name="night")
        self.answer("ListPolicies")
        self.answer("GetEffectivePolicy", vm="web")
        self.answer("GetEffectivePolicy", vm="web", why=True)
        self.answer("UnassignPolicy", selector="*")
        self.answer("GetEffectivePolicy", vm="grudge", why=True)
        self.answer("ApplyPolicy", vm="grudge", source=b"name: short\nprofile: gentle\n",
                    source_name="short.yaml")
        self.answer("PlanPolicy", apply={"vm": b"grudge", "source": policy})
        self.answer("DeletePolicy", name="short", unassign=True)
        for state in (b"", guests.LATIN, b"\x0a\x02\xc3\x28"):
            self.answer("ApplyDesired", state=state)

    def act(self, vm):
        actions = ("Compact", "Reclaim", "SetReporting")
        for method in [actions[WEBS.index(vm)]] if vm in WEBS else actions:
            self.call(method, vm=vm)
        for owner in (guests.NASTY, guests.TEXT, guests.LATIN, "\u00fc" * 40):
            self.call("SetBalloon", vm=vm, size=900 * MIB, owner=owner)
        for method in ("GetVm", "Explain"):
            self.call(method, vm=vm)
        for method in ("ListVms", "DumpState", "GetStatus"):
            self.answer(method)
        self.call("ReleaseBalloon", vm=vm)

    def test_4_actions(self):
        vms = (*WEBS, "latin", "grudge", "latin-grudge", guests.TEXT, guests.LATIN)
        with concurrent.futures.ThreadPoolExecutor() as executor:
            list(executor.map(self.act, vms))
        for action in self.answer("ListActions", limit=1000)[0].actions:
            self.answer("VerifyAction", id=action.id)
        for text in (guests.TEXT, guests.LATIN):
            self.call("VerifyAction", id=text)
        for vm in ("web", "grudge"):
            self.answer("GetHistory", vm=vm)
            self.answer("Diagnose", vm=vm)
        self.answer("Pulse", vm="unreporting")
        self.call("SqueezeVms", vms=[guests.LATIN])
        self.answer("SqueezeVms", vms=[b"web", b"latin"], time_limit_ns=10 ** 9)
        for method in ("Halt", "Resume"):
            self.call(method, vms=[guests.LATIN])
            self.answer(method, vms=[b"web", b"latin"])

    def test_4_reservations(self):
        for vm in ("web", "cid:7", "", guests.NASTY, guests.TEXT, guests.LATIN, guests.HUGE):
            self.call("ReserveMemory", most=1, size=MIB, vm=vm)
        self.assertEqual(self.answer("ReserveMemory", size=MIB, vm="web")[-1].reservation.state,
                         "ready")
        for reservation in self.answer("ListReservations")[0].reservations:
            self.call("ReleaseReservation", id=reservation.id)
        self.call("ReleaseReservation", id=1 << 63)

    def test_5_requests_that_are_no_messages(self):
        for method, descriptor in methods().items():
            for payload in (guests.LATIN, b"\x0a\x02\xc3\x28", b"\x0a\xff\xff\xff\xff\x0f"):
                client = wire.Client(self.path("api.sock"), STRICT)
                client.start(SERVICE, method, payload, self.is_stream(method))
                if method == "WatchEvents":
                    client.connection.settimeout(1)
                try:
                    for message in client.answers(descriptor.output_type.full_name):
                        check_texts(message)
                except wire.Refused as refused:
                    self.assertTrue(is_of_one_line(refused.text), (method, refused.text))
                except TimeoutError:
                    self.assertEqual(method, "WatchEvents")
                client.close()

    def test_6_events(self):
        kinds = {event.kind for event in self.events}
        self.assertFalse(self.event_failures)
        self.assertLessEqual({"sample", "engine", "pressure", "action", "warning"}, kinds)
        self.answered["WatchEvents"] = len(self.events)

    def test_7_nothing_was_left_out(self):
        self.assertEqual(set(methods()) - set(self.answered), set(),
                         f"no answer was read, and refused were {self.refused}")


def descriptor_of(file):
    """The file as a message, which says what streams."""
    proto = wire.descriptor_pb2.FileDescriptorProto()
    file.CopyToProto(proto)
    return proto


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], failfast=True)
