#!/usr/bin/python3
"""What those who mean harm to vmreclaim-web cost everybody else: a real vmreclaimd with scripted
guests, a Prometheus' scrapes, one page's events, and beside them one kind of harm after the other.

The last two kinds are about TLS and passwords, at a second vmreclaim-web with a scraper of its own.
Nothing may be lost: each scrape is answered and has all VMs, each event comes once, as to who
watches at the daemon itself. Figures are printed, and nothing is concluded from times: they are the
machine's, too. The daemon's turns are of its own processor time. With JSON they are written there.

usage: test-hostile.py VMRECLAIM_WEB VMRECLAIMD VMRECLAIM LOAD_AGENTS [SECONDS [JSON]]
       (KINDS='idle garbage …')
"""
import atexit
import faulthandler
import gzip
import http.client
import json
import os
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time

DAEMON, CLI, AGENTS = sys.argv[2:5]
SECONDS = float(sys.argv[5]) if len(sys.argv) > 5 else 4
JSON = sys.argv[6] if len(sys.argv) > 6 else None
# pylint: disable=wrong-import-position
from web import HERE, Connection, Web, basic, cpu, write_secret

CERTIFICATE = os.path.join(HERE, "certificate.pem")

# Of "geheim", as mkpasswd -m yescrypt makes it: 16 MiB and some 25 ms.
USERS = "dear:$y$j9T$l2b6kFWJnQRhPR37LbtVt1$FXEpTFDexqeBP.0v8F849WlCMvpWl7Yqocs3JN.mdm2\n"
KINDS = os.environ.get("KINDS", "nothing idle loris readers streams garbage headers pipeline hosts "
                       "questions handshakes guesses").split()
OF_TLS = ["handshakes", "guesses"]
VMS = 200
MEMORY_MAX = 160 << 20  # of the service's 256 MiB

faulthandler.cancel_dump_traceback_later()
faulthandler.dump_traceback_later(120 + len(KINDS) * (SECONDS + 60), exit=True)


def peak(pid):
    """Bytes; since it was asked last."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as status:
        kib = int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1))
    with open(f"/proc/{pid}/clear_refs", "w", encoding="utf-8") as clear:
        clear.write("5")
    return kib << 10


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def start(command, **arguments):
    """Ends with this program, whatever happens."""
    process = subprocess.Popen(command, **arguments)
    atexit.register(process.kill)
    return process


class Scene:
    """The daemon, its guests, and the program."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(self.path("vms"))
        for number in range(VMS):
            with open(self.path(f"vms/vm{number}.yaml"), "w", encoding="utf-8") as file:
                file.write(f"name: vm{number}\nagent: unix:{self.path('agents')}.{number}\n")
        self.agents = start([AGENTS, "unix:" + self.path("agents"), str(VMS)],
                                       stdout=subprocess.PIPE, text=True)
        wait_for(lambda: os.path.exists(self.path(f"agents.{VMS - 1}")))
        self.api = "unix:" + self.path("api.sock")
        self.log = open(self.path("log"), "w", encoding="utf-8")
        self.daemon = start(
            [DAEMON, "--listen", "none", "--find-processes", "no", "--libvirt", "none", "--api",
             self.api, "--vms", self.path("vms"), "--state-directory", self.path("state"),
             "--sample-interval", "2s"], stdout=self.log, stderr=self.log)
        while not self.agents.stdout.readline().startswith("all"):
            pass
        self.web = Web(self.api)
        self.tls_web = Web(self.api, "--tls-certificate", CERTIFICATE, "--tls-key", self.copy_key(),
                           "--basic-auth", write_secret(self.path("users"), USERS))

    def path(self, name):
        return os.path.join(self.folder, name)

    def copy_key(self):
        with open(os.path.join(HERE, "key.pem"), encoding="utf-8") as file:
            return write_secret(self.path("key"), file.read())

    def connect(self):
        return Connection(self.web.connect())

    def connect_tls(self):
        context = ssl.create_default_context(cafile=CERTIFICATE)
        return Connection(context.wrap_socket(self.tls_web.connect(), server_hostname="localhost"))

    def stop(self):
        assert self.web.stop() == 0
        assert self.tls_web.stop() == 0
        for process in (self.daemon, self.agents):
            process.terminate()
            process.wait(timeout=60)
        self.agents.stdout.close()
        self.log.close()


def wait_for(condition):
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)


class Scraper(threading.Thread):
    """Each second, over one connection as long as it is left open, as Prometheus does: a request
    on one that was closed meanwhile is sent again on a new one."""

    def __init__(self, connect, headers):
        super().__init__(daemon=True)
        self.connect = connect
        self.headers = {"Accept-Encoding": "gzip", **headers}
        self.over = threading.Event()
        self.times, self.problems, self.again = [], [], 0
        self.pages = []
        self.connection = None

    def ask(self):
        was_open = self.connection is not None
        try:
            if not was_open:
                self.connection = self.connect()
            self.connection.request("GET", "/metrics", headers=self.headers)
            response = self.connection.getresponse()
            return response.status, gzip.decompress(response.read()).decode()
        except http.client.IncompleteRead as error:
            return repr(error), ""
        except OSError as error:
            self.connection = None
            if not was_open:
                return repr(error), ""
            self.again += 1
            return self.ask()

    def run(self):
        while not self.over.wait(1):
            begin = time.monotonic()
            status, page = self.ask()
            self.times.append(time.monotonic() - begin)
            if status != 200 or len(re.findall("^vmreclaim_vm_agent_connected{", page, re.M)) != VMS:
                self.problems.append((status, len(page)))
            self.pages.append(page)

    def stop(self):
        self.over.set()
        self.join()
        if self.connection is not None:
            self.connection.close()


class Watcher(threading.Thread):
    """Lines of an output, as they come."""

    def __init__(self, source):
        super().__init__(daemon=True)
        self.source = source
        self.sequences, self.others = [], []
        self.start()

    def run(self):
        try:
            for line in self.source:
                self.take(line)
        except (OSError, ValueError) as error:
            self.others.append(repr(error))

    def take(self, line):
        line = line.strip()
        if line.startswith("data: {\"sequence\"") or line.startswith("{"):
            event = json.loads(line.removeprefix("data: "))
            self.sequences.append(event["sequence"])
            if event["kind"] == "warning":
                self.others.append(event["text"])
        elif line.startswith("event: "):
            self.others.append(line)


def turns(page):
    """Of the daemon's loop: how many, and of each bound how many took no longer."""
    found = re.findall(r'^vmreclaim_loop_turn_seconds_bucket{le="([^"]+)"} (\d+)$', page, re.M)
    return {bound: int(count) for bound, count in found}


def most_of_turns(before, after):
    """The lowest bound under which all turns between two pages stayed."""
    for bound in before:
        if after[bound] - before[bound] == after["+Inf"] - before["+Inf"]:
            return bound
    return "+Inf"


def harm(kind, web):
    if kind == "nothing":
        time.sleep(SECONDS)
        return {"tried": 0, "answers": {}}
    host, port = web.address
    result = subprocess.run(["nice", "-n", "19", sys.executable, os.path.join(HERE, "attacks.py"),
                             kind, host, str(port), str(SECONDS)], stdout=subprocess.PIPE,
                            timeout=SECONDS + 50, check=True)
    return json.loads(result.stdout)


def measure(kind, scene, scrapers):
    program = scene.tls_web if kind in OF_TLS else scene.web
    scraper = scrapers[1 if kind in OF_TLS else 0]
    web, daemon = program.process.pid, scene.daemon.pid
    first = len(scraper.pages)
    wait_for(lambda: len(scraper.pages) > first)
    begin = time.monotonic()
    costs = [cpu(web), cpu(daemon)]
    peak(web)
    before = turns(scraper.pages[-1])
    done = harm(kind, program)
    took = time.monotonic() - begin
    costs = [(now - was) / took * 100 for now, was in zip([cpu(web), cpu(daemon)], costs)]
    memory = peak(web)
    last = len(scraper.pages)
    wait_for(lambda: len(scraper.pages) > last)  # who is gone is no longer in the way
    times = sorted(scraper.times[first + 1:last])
    row = {"tried": done["tried"], "scrapes": len(times),
           "scrape_ms": round(times[len(times) // 2] * 1000, 1) if times else None,
           "scrape_ms_max": round(times[-1] * 1000, 1) if times else None,
           "web_cpu_percent": round(costs[0], 1), "web_peak_bytes": memory,
           "daemon_cpu_percent": round(costs[1], 1),
           "daemon_turns_within_seconds": most_of_turns(before, turns(scraper.pages[-1]))}
    print(f"{kind:<9} {done['tried']:>6} tried, answers {done['answers']}; {row['scrapes']} scrapes, "
          f"median {row['scrape_ms']} ms, longest {row['scrape_ms_max']} ms; web "
          f"{row['web_cpu_percent']} % of a core, at most {memory / (1 << 20):.1f} MiB; daemon "
          f"{row['daemon_cpu_percent']} %, turns within {row['daemon_turns_within_seconds']} s",
          flush=True)
    assert memory < MEMORY_MAX, memory
    return row


def main():
    with tempfile.TemporaryDirectory() as folder:
        scene = Scene(folder)
        scrapers = [Scraper(scene.connect, {}), Scraper(scene.connect_tls, basic("dear"))]
        for scraper in scrapers:
            scraper.start()
        stream = scene.web.connect(timeout=None)
        stream.sendall(b"GET /events HTTP/1.0\r\nHost: localhost\r\n\r\n")
        page = Watcher(stream.makefile(encoding="utf-8"))
        direct = start([CLI, "--api", scene.api, "--json", "events", "-f", "--samples"],
                                  stdout=subprocess.PIPE, text=True)
        witness = Watcher(direct.stdout)
        wait_for(lambda: page.sequences and witness.sequences)
        wait_for(lambda: all(scraper.pages for scraper in scrapers))
        idle = descriptors(scene.web.process.pid)
        rows = {kind: measure(kind, scene, scrapers) for kind in KINDS}

        last = witness.sequences[-1]
        wait_for(lambda: page.sequences[-1] >= last)
        wait_for(lambda: descriptors(scene.web.process.pid) <= idle + 1)
        for scraper in scrapers:
            scraper.stop()
        check(scrapers, page, witness, last)
        rows["events"] = len(page.sequences)
        direct.terminate()
        direct.wait()
        stream.close()
        scene.stop()
    if JSON is not None:
        with open(JSON, "w", encoding="utf-8") as file:
            json.dump({"metrics": rows}, file, indent=1)


def check(scrapers, page, witness, last):
    first = max(page.sequences[0], witness.sequences[0])
    expected = list(range(first, last + 1))
    for name, watcher in [("the page", page), ("who watches at the daemon", witness)]:
        got = [number for number in watcher.sequences if first <= number <= last]
        assert got == expected, (name, len(got), len(expected))
        assert set(watcher.others) <= {"event: daemon"}, (name, watcher.others)
    for scraper in scrapers:
        assert not scraper.problems, scraper.problems
    print(f"{len(expected)} events came once each; {sum(len(one.times) for one in scrapers)} scrapes "
          f"answered, {sum(one.again for one in scrapers)} of them sent again on a new connection")


if __name__ == "__main__":
    main()
