#!/usr/bin/python3
"""/events: one stream from the daemon for all browsers.

usage: test-events.py VMRECLAIM_WEB DAEMON
"""
import json
import selectors
import sys
import time
import unittest

from web import ApiServer, Web, WebTestCase

STREAMS_MAX = 256


class Stream:
    """A browser's EventSource, without its reconnecting."""

    def __init__(self, web, reads=True):
        self.socket = web.connect()
        self.socket.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.buffer = b""  # of the chunked body
        self.text = b""
        self.head = None
        if reads:
            self.next()  # how often to reconnect

    def decode(self):
        if self.head is None:
            head, found, self.buffer = self.buffer.partition(b"\r\n\r\n")
            if not found:
                self.buffer = head
                return
            self.head = head
        while True:
            size, found, rest = self.buffer.partition(b"\r\n")
            if not found or len(rest) < int(size, 16) + 2:
                return
            self.text += rest[:int(size, 16)]
            self.buffer = rest[int(size, 16) + 2:]

    def receive(self):
        data = self.socket.recv(1 << 16)
        assert data, (self.head, self.text)
        self.buffer += data
        self.decode()

    def next(self):
        """The next event as (kind, data); comments are left out."""
        while True:
            while b"\n\n" not in self.text:
                self.receive()
            event, _, self.text = self.text.partition(b"\n\n")
            kind, data = "message", ""
            for line in event.decode("utf-8").split("\n"):
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    data = json.loads(value)
                else:
                    assert name in ("retry", ":"), event
            if event != b":":
                return kind, data

    def expect(self, kind):
        """The next event of that kind."""
        while True:
            found, data = self.next()
            if found == kind:
                return data

    def close(self):
        self.socket.close()


def wait_for_watchers(server, number):
    """Until so many watch. A web does from its first page on, and its greeting may be here before:
    what happens then is told to nobody."""
    while (line := server.process.stdout.readline()) != f"watched {number}\n":
        assert line, "the daemon has ended"


class EventsTest(WebTestCase):
    server_arguments = ("3",)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        first = Stream(cls.web)
        wait_for_watchers(cls.server, 1)
        first.close()

    def open(self, web=None):
        stream = Stream(web or self.web)
        self.assertEqual(stream.next(), ("daemon", {"connected": True}))
        return stream

    def test_events_come(self):
        stream = self.open()
        self.assertIn(b"text/event-stream", stream.head)
        self.assertIn(b"X-Accel-Buffering: no", stream.head)
        self.server.say("event action web-1 compaction \u00e4 \"quoted\"")
        kind, event = stream.next()
        self.assertEqual((kind, event["vm"], event["kind"], event["text"]),
                         ("message", "web-1", "action", "compaction ä \"quoted\""))
        self.server.say("event sample web-1")
        _, event = stream.next()
        self.assertEqual(event["kind"], "sample")
        self.assertGreater(event["waterfall"]["footprint"], 1 << 30)
        self.assertNotIn("guest", event["waterfall"])
        stream.close()

    def test_all_hear_the_same(self):
        streams = [self.open() for _ in range(200)]
        for number in range(5):
            self.server.say(f"event action web-{number} x")
        for stream in streams:
            self.assertEqual([stream.next()[1]["vm"] for _ in range(5)],
                             [f"web-{number}" for number in range(5)])
            stream.close()

    def test_one_watch_for_all(self):
        api = "unix:" + self.path("one.sock")
        server = ApiServer(api, "1")
        web = Web(api)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        streams = [self.open(web) for _ in range(20)]
        self.assertEqual(server.process.stdout.readline(), "watched 1\n")
        server.say("event action web-1 x")
        for stream in streams:
            stream.next()
            stream.close()
        self.assertEqual(web.stop(), 0)
        server.process.stdin.close()
        self.assertEqual(server.process.stdout.read(), "watched 0\n")
        server.process.wait(timeout=20)
        server.process.stdout.close()

    def test_places_are_bounded(self):
        web = Web(self.api)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        streams = [self.open(web) for _ in range(STREAMS_MAX)]
        response = self.get("/events", web=web)
        self.assertEqual(response.status, 503)
        self.assertIn(b"256 pages", response.body)
        # others have places of their own, also beside a thousand that are idle
        idle = [web.connect() for _ in range(1000)]
        self.assertEqual(self.get("/metrics", web=web).status, 200)
        for connection in idle:
            connection.close()
        # nobody who streams was shown out, and a place that is left is taken
        wait_for_watchers(self.server, 2)
        self.server.say("event action web-1 x")
        for stream in streams:
            stream.expect("message")
        streams.pop().close()
        while self.get("/events", web=web, method="HEAD").status == 503:
            self.server.say("event action web-1 x")  # who has left is noticed when it is written to
        for stream in streams:
            stream.close()
        self.assertEqual(web.stop(), 0)

    def test_who_never_reads(self):
        api = "unix:" + self.path("flood.sock")
        server = ApiServer(api, "1")
        web = Web(api)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        reader = self.open(web)
        wait_for_watchers(server, 1)
        before = web.resident()
        lazy = [Stream(web, reads=False) for _ in range(100)]
        late = lazy[0]
        taken = time.monotonic()
        bytes_read = 0
        for number in range(60):
            if time.monotonic() - taken > 10:  # who takes nothing for 30 s is shown out
                late.receive()
                taken = time.monotonic()
            server.say("flood 400")
            server.say(f"event action last-{number} x")
            while True:
                kind, event = reader.next()
                bytes_read += len(json.dumps(event))
                if kind == "message" and event["vm"] == f"last-{number}":
                    break
        self.assertGreater(bytes_read, 4 << 20)  # more than all that is kept
        self.assertLess(web.resident() - before, 100 * (256 << 10))
        # one that reads again is told, and has the newest
        late.expect("missed")
        server.say("event action newest x")
        while late.expect("message")["vm"] != "newest":
            pass
        for stream in lazy:
            stream.close()
        server.say("event action after x")
        while reader.expect("message")["vm"] != "after":
            pass
        reader.close()
        self.assertEqual(web.stop(), 0)
        server.stop()

    def test_the_daemon_comes_and_goes(self):
        api = "unix:" + self.path("restarted.sock")
        web = Web(api)
        stream = Stream(web)
        self.assertEqual(stream.next(), ("daemon", {"connected": False}))
        for _ in range(2):
            server = ApiServer(api, "1")
            self.assertEqual(stream.next(), ("daemon", {"connected": True}))
            self.assertEqual(server.process.stdout.readline(), "watched 1\n")
            server.say("event action web-1 x")
            self.assertEqual(stream.next()[1]["vm"], "web-1")
            server.stop()
            self.assertEqual(stream.next(), ("daemon", {"connected": False}))
        self.assertEqual(web.stop(), 0)
        stream.close()

    def test_the_daemon_ends_the_stream_alone(self):
        api = "unix:" + self.path("ended.sock")
        server = ApiServer(api, "1")
        web = Web(api)
        self.wait_until(lambda: self.get("/healthz", web=web).status == 200)
        stream = self.open(web)
        self.assertEqual(server.process.stdout.readline(), "watched 1\n")
        for number, word in enumerate(("end", "busy", "end")):
            server.say(word)
            self.assertEqual([server.process.stdout.readline() for _ in range(2)],
                             ["watched 0\n", "watched 1\n"])
            server.say(f"event action web-{number} x")
            # who shows a state is told to read it anew
            self.assertEqual(stream.next(), ("missed", {}))
            self.assertEqual(stream.next()[1]["vm"], f"web-{number}")
        stream.close()
        self.assertEqual(web.stop(), 0)
        server.stop()

    def test_what_the_daemon_skipped(self):
        stream = self.open()
        self.server.say("skip")
        self.assertEqual(stream.next()[1]["kind"], "warning")
        stream.close()

    def test_comments_show_that_it_lives(self):
        stream = self.open()
        selector = selectors.DefaultSelector()
        selector.register(stream.socket, selectors.EVENT_READ)
        self.assertTrue(selector.select(timeout=60))
        stream.receive()
        self.assertEqual(stream.text, b":\n\n")
        selector.close()
        stream.close()

    def test_other_sites(self):
        self.assertEqual(self.get("/events", {"Sec-Fetch-Site": "cross-site"}).status, 403)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
