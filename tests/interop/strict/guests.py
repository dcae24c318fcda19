"""Peers of the daemon whose every text is hostile: an agent and a hypervisor."""
import json
import threading
import time

from wire import DATA, REMOTE_CLOSED, REQUEST, RESPONSE, NO_DATA, read_frame, write_frame

MIB = 1 << 20

# What a guest may say and still be heard: valid UTF-8 that steers terminals, forges lines, is huge.
# NASTY is short enough for the operators' door, too.
NASTY = ("\x1b[2J\x1b]0;title\x07 \u009b31m C1 \x7f\x08\x08 one\ntwo\r\nthree\tfour\u2028five\u2029"
         "\u202e right to left \ufeff\U0001f4a9 \u0130 ").encode()
HUGE = "\u00fc\u20ac\U0001f4a9".encode() * 400  # cut anywhere, it is cut inside a character
TEXT = NASTY + HUGE
# What is not UTF-8: Latin-1, a cut character, an overlong one, a surrogate, too large.
LATIN = b"gr\xfc\xdfe \xe2\x82 \xc0\xaf \xed\xa0\x80 \xf5\x80\x80\x80 \xff\xfe"
SAMPLE = dict(total=900 * MIB, free=400 * MIB, reportable=200 * MIB, trapped=200 * MIB,
              cache=100 * MIB, in_use=400 * MIB, available=500 * MIB)


class Agent:
    """Answers as an agent does, with `text` wherever a text may be."""

    def __init__(self, loose, text):
        self.loose = loose
        self.text = text

    def message(self, name, /, **fields):
        return self.loose("vmreclaim.agent.v1." + name, **fields)

    def sample(self, sequence):
        return self.message("MemorySample", sequence=sequence, boottime_ns=time.monotonic_ns(),
                            **SAMPLE)

    def result(self, request):
        return self.message("ActionResult", action_id=request.action_id or self.text, outcome=1,
                            reason=self.text, asked_by=self.text)

    def answer(self, method, payload):
        """The messages of an answer."""
        request = self.message(method + "Request")
        request.ParseFromString(payload)
        response = self.message(method + "Response")
        if method == "Ping":
            response.nonce = request.nonce
        elif method == "GetInfo":
            self.fill_info(response)
        elif method == "GetMemory":
            response.sample.CopyFrom(self.sample(0))
        elif method == "ApplyPolicy":
            for keys in (response.unsupported_keys, response.capped_keys, response.capped_values):
                keys.extend([self.text, b"cpu_budget", self.text])
        elif method == "ListFreeRanges":
            response.ranges.add(length=2 * MIB, state=1)
        else:
            response.result.CopyFrom(self.result(request))
        return response

    def fill_info(self, info):
        info.agent_version = info.kernel_release = info.policy_hash = self.text
        info.boot_id = b"aaaaaaaa-0000-0000-0000-%012x" % id(self)
        info.page_size, info.pageblock_order, info.max_order, info.reporting_order = 4096, 9, 10, 9
        info.features.add(name=self.text, reason=self.text, replacement=self.text)
        info.checks.add(name=self.text, status=2, reason=self.text, fix=self.text)
        info.unsupported_keys.extend([self.text, self.text])
        info.own_policy.profile = self.text
        info.own_policy.settings.add(key=self.text, value=self.text)
        info.own_keys.extend([self.text, self.text])

    def events(self, sequence):
        """Texts in the first ones; who says much is listened to less."""
        yield dict(sample=self.sample(sequence))
        if sequence > 3:
            return
        yield dict(engine=self.message("EngineState", state=self.text, reason=self.text))
        yield dict(action=self.message("ActionResult", kind=1, action_id=self.text, reason=self.text,
                                       asked_by=self.text, cache_before=MIB))
        if sequence == 1:  # else a balloon would be lifted
            yield dict(pressure=self.message("PressureEvent", memory_some_permyriad=2000))

    def watch(self, connection, stream):
        try:
            for sequence in range(1, 10000):
                for event in self.events(sequence):
                    message = self.message("WatchResponse", sequence=sequence, **event)
                    write_frame(connection, stream, DATA, 0, message.SerializeToString())
                time.sleep(0.5)
        except OSError:
            pass  # the daemon has hung up

    def serve(self, connection):
        while True:
            stream, kind, _, payload = read_frame(connection)
            if kind != REQUEST:
                continue
            request = self.loose("ttrpc.Request")
            request.ParseFromString(payload)
            method = request.method.decode()
            if method == "Watch":
                threading.Thread(target=self.watch, args=[connection, stream], daemon=True).start()
                continue
            answer = self.answer(method, request.payload).SerializeToString()
            if method == "ListFreeRanges":
                write_frame(connection, stream, DATA, 0, answer)
                write_frame(connection, stream, DATA, REMOTE_CLOSED | NO_DATA, b"")
            else:
                response = self.loose("ttrpc.Response", payload=answer)
                write_frame(connection, stream, RESPONSE, 0, response.SerializeToString())


class FailingAgent(Agent):
    """Refuses everything but what makes it known, with a status text of its own."""

    def serve(self, connection):
        while True:
            stream, kind, _, payload = read_frame(connection)
            if kind != REQUEST:
                continue
            request = self.loose("ttrpc.Request")
            request.ParseFromString(payload)
            method = request.method.decode()
            if method == "Watch":
                threading.Thread(target=self.watch, args=[connection, stream], daemon=True).start()
                continue
            response = self.loose("ttrpc.Response")
            if method in ("GetInfo", "GetMemory"):
                response.payload = self.answer(method, request.payload).SerializeToString()
            else:
                response.status.code = 9
                response.status.message = self.text
            write_frame(connection, stream, RESPONSE, 0, response.SerializeToString())


class Hypervisor:
    """A QMP server with a balloon, and `text` as its machine's name and in its errors."""

    def __init__(self, text, reporting=True, memory=1024 * MIB):
        self.text = text.decode(errors="surrogateescape")
        self.reporting = reporting
        self.memory = memory
        self.actual = memory

    def query(self, command, arguments):
        """Its answer, or None: there is no such command."""
        answers = {
            "query-status": {"status": "running", "running": True},
            "query-migrate": {},
            "query-name": {"name": self.text},
            "query-uuid": {"UUID": "11111111-2222-3333-4444-555555555555"},
            "query-memory-size-summary": {"base-memory": self.memory, "plugged-memory": 0},
            "query-memory-devices": [],
            "query-balloon": {"actual": self.actual},
            "query-jobs": [],
        }
        if command in answers:
            return answers[command]
        if command == "qom-list":
            return self.children(arguments["path"])
        if command == "qom-get":
            return {"free-page-reporting": self.reporting, "deflate-on-oom": False, "size": self.memory,
                    "guest-stats-polling-interval": 0, "share": True,
                    "prealloc": False}.get(arguments["property"])
        if command == "balloon":
            self.actual = arguments["value"]
        known = ("balloon", "qom-set", "migrate-set-capabilities", "qmp_capabilities")
        return {} if command in known else None

    def children(self, path):
        children = [{"name": self.text, "type": self.text}]
        if path == "/machine/peripheral":
            children.append({"name": "balloon0", "type": "child<virtio-balloon-pci>"})
        if path == "/objects":
            children.append({"name": "mem", "type": "child<memory-backend-ram>"})
        return children

    def send(self, file, message):
        text = json.dumps(message, ensure_ascii=False)
        file.write(text.encode(errors="surrogateescape") + b"\r\n")
        file.flush()

    def serve(self, connection):
        file = connection.makefile("rwb")
        version = {"qemu": {"micro": 22, "minor": 2, "major": 7}, "package": self.text}
        self.send(file, {"QMP": {"version": version, "capabilities": []}})
        for line in file:
            message = json.loads(line)
            before = self.actual
            value = self.query(message["execute"], message.get("arguments", {}))
            answer = {"return": value} if value is not None else \
                {"error": {"class": "GenericError", "desc": self.text}}
            self.send(file, {**answer, "id": message.get("id")})
            if self.actual != before:
                self.send(file, {"event": "BALLOON_CHANGE", "data": {"actual": self.actual},
                                 "timestamp": {"seconds": 1, "microseconds": 0}})
