"""Those who mean harm to vmreclaim-web: one kind each, as a process, for so many seconds.

usage: attacks.py KIND ADDRESS PORT SECONDS
It prints {"tried": n, "answers": {status or "none": n}}.
"""
import asyncio
import base64
import collections
import json
import random
import ssl
import sys
import time

HEAD = b"Host: localhost\r\n"
ASK = b"GET %s HTTP/1.1\r\n" + HEAD + b"\r\n"


class Attack:
    def __init__(self, kind, address, port, seconds):
        self.address, self.port = address, port
        self.end = time.monotonic() + seconds
        self.work = getattr(self, kind)
        self.random = random.Random(kind)
        self.tried = 0
        self.answers = collections.Counter()

    def is_over(self):
        return time.monotonic() >= self.end

    async def open(self, tls=None):
        self.tried += 1
        return await asyncio.open_connection(self.address, self.port, limit=1 << 20, ssl=tls)

    async def send(self, data, answers=1, tls=None):
        """One connection that sends all of `data`; counts the statuses that come back."""
        reader, writer = await self.open(tls)
        try:
            writer.write(data)
            await writer.drain()
            for _ in range(answers):
                line = await asyncio.wait_for(reader.readline(), 2)
                if line.startswith(b"HTTP/1.1 "):
                    self.answers[line[9:12].decode()] += 1
                    await self.skip(reader)
                else:
                    self.answers["none"] += 1
                    break
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError):
            self.answers["none"] += 1
        finally:
            writer.close()

    @staticmethod
    async def skip(reader):
        length = 0
        while (line := await reader.readline()) not in (b"\r\n", b""):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        await reader.readexactly(length)

    async def repeat(self, one):
        while not self.is_over():
            try:
                await one()
            except OSError:
                self.answers["none"] += 1
                await asyncio.sleep(0.1)

    async def run(self):
        count, one = self.work()
        await asyncio.gather(*[self.repeat(one) for _ in range(count)])

    # ---- the kinds: how many at once, and what each does again and again ----

    def idle(self):
        async def one():
            reader, writer = await self.open()
            try:
                await asyncio.wait_for(reader.read(1), max(self.end - time.monotonic(), 0))
                await asyncio.sleep(1)
            except asyncio.TimeoutError:
                pass
            writer.close()
        return 1000, one

    def loris(self):
        """A header's bytes one after the other."""
        async def one():
            _, writer = await self.open()
            writer.write(ASK[:40] % b"/metrics")
            while not self.is_over() and not writer.is_closing():
                writer.write(b"X")
                await writer.drain()
                await asyncio.sleep(0.2)
            writer.close()
        return 400, one

    def readers(self):
        """They ask for what is long, and hardly read it."""
        async def one():
            reader, writer = await self.open()
            writer.transport.pause_reading()
            writer.write(ASK % b"/metrics" * 20)
            await asyncio.sleep(1)
            writer.transport.resume_reading()
            await reader.read(10)
            writer.close()
        return 150, one

    def streams(self):
        async def one():
            _, writer = await self.open()
            writer.write(ASK % b"/events")
            writer.transport.pause_reading()
            await asyncio.sleep(min(2, max(self.end - time.monotonic(), 0)))
            writer.close()
        return 300, one

    def garbage(self):
        words = [b"GET ", b"/", b" HTTP/1.1\r\n", b"Host: ", b"localhost", b"\r\n", b"\0", b"\xff\xfe",
                 b"Content-Length: ", b"-1", b"99999999999999999999", b"Transfer-Encoding: chunked",
                 b"%00", b"%", b"?&=&=", b"HEAD ", b"\n\n", b"Connection: close", b"Expect: 100-continue",
                 b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]

        async def one():
            text = b"".join(self.random.choice(words) if self.random.random() < 0.8
                            else self.random.randbytes(self.random.randrange(64))
                            for _ in range(self.random.randrange(1, 60)))
            await self.send(text + b"\r\n\r\n")
        return 30, one

    def headers(self):
        async def one():
            kind = self.random.randrange(4)
            if kind == 0:
                text = b"GET / HTTP/1.1\r\n" + HEAD + b"X: " + b"y" * 200000 + b"\r\n\r\n"
            elif kind == 1:
                text = b"GET / HTTP/1.1\r\n" + HEAD + b"X: y\r\n" * 20000 + b"\r\n"
            elif kind == 2:
                text = b"GET /" + b"a" * 200000 + b" HTTP/1.1\r\n" + HEAD + b"\r\n"
            else:
                text = b"GET /metrics HTTP/1.1\r\n" + HEAD + b"Cookie: " + b"c" * 20000 + b"\r\n\r\n"
            await self.send(text)
        return 20, one

    def pipeline(self):
        async def one():
            count = 200
            await self.send(b"".join(ASK % self.random.choice(
                [b"/healthz", b"/api/vms", b"/metrics", b"/nothing", b"/page.css"])
                for _ in range(count)), answers=self.random.randrange(count))
        return 20, one

    def hosts(self):
        async def one():
            name = self.random.choice([b"a.example", b"127.0.0.1.a.example", b"localhost.a.example",
                                       b"[::1", b"localhost:99999999", b"\xc3\xa4", b"x" * 5000,
                                       b"%d.example" % self.random.randrange(10**9)])
            await self.send(b"GET /api/vms HTTP/1.1\r\nHost: " + name + b"\r\n" +
                            self.random.choice([b"", b"Host: localhost\r\n",
                                                b"Sec-Fetch-Site: cross-site\r\n"]) + b"\r\n")
        return 30, one

    def questions(self):
        """Of /api/: valid ones of which none is asked twice, and such as are wrong in some way."""
        async def one():
            number = self.random.randrange(10**12)
            path = self.random.choice([
                b"history?vm=vm1&points=%d&since_ns=%d" % (number % 2000 + 1, number),
                b"actions?limit=%d&since_ns=%d" % (number % 1000 + 1, number),
                b"explain?vm=vm%d" % (number % 200), b"doctor?vm=vm%d" % (number % 200),
                b"vm?vm=none-%d" % number, b"vms?page_token=%d" % number,
                b"history?vm=vm1&since_ns=-%d" % number, b"history?vm=vm1&until_ns=9" + b"9" * 30,
                b"vm?vm=%ff%fe%00", b"vm?vm=" + b"v" * 3000, b"vm?" + b"&".join([b"vm=a"] * 500),
                b"policy?name=%2e%2e%2f%2e%2e&revision=18446744073709551616", b"../../etc/passwd",
                b"%d" % number, b"vms?nothing=1"])
            await self.send(ASK % (b"/api/" + path))
        return 60, one

    # ---- of TLS and passwords ----

    @staticmethod
    def context():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def handshakes(self):
        """Whole ones, and such as do not end."""
        context = self.context()

        async def one():
            if self.random.random() < 0.3:
                _, writer = await self.open(context)
            else:
                _, writer = await self.open()
                writer.write(self.random.choice([
                    b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + self.random.randbytes(3000),
                    self.random.randbytes(100), b"GET / HTTP/1.1\r\n\r\n", b"\x15\x03\x03\x00\x02\x02\x28",
                    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + self.random.randbytes(200)]))
                await asyncio.sleep(self.random.random())
            writer.close()
        return 200, one

    def guesses(self):
        context = self.context()

        async def one():
            word = base64.b64encode(b"dear:%d" % self.random.randrange(10**9))
            await self.send(b"GET /metrics HTTP/1.1\r\n" + HEAD + b"Authorization: Basic " + word +
                            b"\r\n\r\n", tls=context)
        return 20, one


def main():
    attack = Attack(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
    asyncio.run(attack.run())
    print(json.dumps({"tried": attack.tried, "answers": attack.answers}))


if __name__ == "__main__":
    main()
