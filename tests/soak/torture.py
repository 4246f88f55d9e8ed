#!/usr/bin/env python3
"""Many clients chat with stream management and resumption through a proxy that cuts, delays and
half-closes their connections at random. In the end every message has reached its recipient once and
in its order, and is in the archives once.

  tests/soak/torture.py [--clients N] [--seconds N] [--rate N] [--seed N] [--storage YAML]
                        [--build DIR]
"""
import argparse
import asyncio
import base64
import collections
import os
import random
import resource
import sys
import time
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

from harness import DOMAIN, Server  # noqa: E402
from rawclient import (BIND, CLIENT, SASL, Scram, Stream, header, name_of, ns_of,  # noqa: E402
                       to_base64)

PASSWORD = "torture"
SM, SID, MAM, RSM = "urn:xmpp:sm:3", "urn:xmpp:sid:0", "urn:xmpp:mam:2", \
    "http://jabber.org/protocol/rsm"
LOGINS = 50          # under way at a time, so that no login of the first flood times out
LAST_WORDS = 120     # seconds for what is under way when nothing is said any more
SAMPLE = 30          # users whose archives are read
LIFETIME = 12        # seconds that a connection is left alone, on average


class Lost(Exception):
    """The connection is gone."""


# --- The proxy ---

class Proxy:
    """Passes bytes on until it is a connection's turn to suffer."""

    def __init__(self, target, seed):
        self.target, self.random = target, random.Random(seed)
        self.counts, self.is_calm, self.tasks = collections.Counter(), False, set()

    async def listen(self):
        self.server = await asyncio.start_server(self.accept, "127.0.0.1", 0, backlog=4096)
        return self.server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        try:
            far = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        ends = [(reader, far[1]), (far[0], writer)]
        pumps = [asyncio.ensure_future(self.pump(*end)) for end in ends]
        try:
            await self.wait_for_turn(pumps)
            await self.hurt(ends, pumps)
        finally:
            for pump in pumps:
                pump.cancel()
            for _, out in ends:
                out.transport.abort()

    async def wait_for_turn(self, pumps):
        left = self.random.expovariate(1 / LIFETIME)
        while left > 0 and not any(pump.done() for pump in pumps):
            await asyncio.wait(pumps, timeout=0.5, return_when=asyncio.FIRST_COMPLETED)
            left -= 0 if self.is_calm else 0.5

    async def pump(self, reader, writer):
        try:
            while data := await reader.read(65536):
                if not self.is_calm and self.random.random() < 0.02:
                    await asyncio.sleep(self.random.uniform(0, 1))
                    self.counts["delayed"] += 1
                if not self.is_calm and self.random.random() < 0.02:
                    await self.drip(writer, data)
                else:
                    writer.write(data)
                await writer.drain()
        except (ConnectionError, asyncio.CancelledError):
            pass

    async def drip(self, writer, data):
        """Cut into pieces, anywhere."""
        self.counts["dripped"] += 1
        while data:
            size = self.random.randint(1, max(1, len(data) // 2))
            writer.write(data[:size])
            data = data[size:]
            await asyncio.sleep(0.001)

    async def hurt(self, ends, pumps):
        if any(pump.done() for pump in pumps):
            return  # one of them has left by itself
        how = self.random.choice(("cut", "half-close", "cut one way", "swallow"))
        self.counts[how] += 1
        if how == "half-close":
            try:
                self.random.choice(ends)[1].write_eof()
            except OSError:
                pass
            await asyncio.wait(pumps, timeout=self.random.uniform(0, 3))
        elif how == "cut one way":
            self.random.choice(ends)[1].transport.abort()
            await asyncio.sleep(self.random.uniform(0, 2))
        elif how == "swallow":
            for pump in pumps:
                pump.cancel()
            await asyncio.sleep(self.random.uniform(0, 3))


# --- A client ---

class Client:
    def __init__(self, test, number):
        self.test, self.number, self.name = test, number, f"t{number}"
        self.random = random.Random(f"{test.options.seed}/{number}")
        self.id, self.handled, self.sent_h = None, 0, 0
        self.unacked = collections.deque()          # stanzas as text
        self.said = collections.Counter()           # by peer
        self.came = collections.defaultdict(list)   # numbers by sender
        self.resumed = self.binds = 0
        self.problem = None

    async def run(self):
        while not self.is_finished():
            try:
                await self.connect()
                await self.talk()
            except (Lost, ConnectionError, OSError, asyncio.TimeoutError):
                pass
            finally:
                self.drop()
            await asyncio.sleep(self.random.uniform(0, 0.5))

    def drop(self):
        if writer := getattr(self, "writer", None):
            writer.transport.abort()

    def is_finished(self):
        return self.problem or self.test.is_done

    # --- Bytes and elements ---

    def send(self, text):
        self.writer.write(text.encode())

    def new_parser(self):
        self.parser = ET.XMLPullParser(events=("start", "end"))
        self.depth, self.root = 0, None

    def elements(self):
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                self.root = element if self.depth == 1 else self.root
                continue
            self.depth -= 1
            if self.depth == 1:
                self.root.remove(element)
                yield element
            elif self.depth == 0:
                raise Lost()

    async def more(self, seconds=30):
        data = await asyncio.wait_for(self.reader.read(65536), seconds)
        if not data:
            raise Lost()
        try:
            self.parser.feed(data)
            self.queue.extend(self.elements())
        except ET.ParseError:
            raise Lost() from None

    async def next(self, *names):
        """The next element that has one of these names; stanzas before it are taken."""
        while True:
            while self.queue:
                element = self.queue.popleft()
                if name_of(element) in names and ns_of(element) != CLIENT or \
                        "iq" in names and name_of(element) == "iq":
                    return element
                self.take(element)
            await self.more()

    async def open(self):
        self.new_parser()
        self.send(header())
        return await self.next("features")

    # --- Login, once; afterwards resumption ---

    async def connect(self):
        async with self.test.logins:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.test.port)
            self.queue = collections.deque()
            await self.open()
            scram = Scram("SHA-1", self.name, PASSWORD)
            self.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>"
                      f"{to_base64(scram.first())}</auth>")
            challenge = await self.next("challenge", "failure")
            if name_of(challenge) == "failure":
                raise Lost()
            final = scram.final(base64.b64decode(challenge.text))
            self.send(f"<response xmlns='{SASL}'>{to_base64(final)}</response>")
            await self.next("success")
            await self.open()
            if self.id:
                await self.resume()
            else:
                await self.begin()

    async def begin(self):
        """Whether the server bound before the cable was cut is not known: then it begins anew."""
        self.send(f"<iq type='set' id='b'><bind xmlns='{BIND}'><resource>r</resource></bind></iq>")
        await self.next("iq")
        self.send(f"<enable xmlns='{SM}' resume='true'/>")
        self.id = (await self.next("enabled")).get("id")
        self.handled = self.sent_h = 0
        self.binds += 1
        self.say_stanza("<presence/>")

    async def resume(self):
        self.send(f"<resume xmlns='{SM}' previd='{self.id}' h='{self.handled}'/>")
        answer = await self.next("resumed", "failed")
        if name_of(answer) == "failed":
            self.problem = f"not resumed: {ET.tostring(answer, 'unicode')}"
            raise Lost()
        self.resumed += 1
        self.take_ack(int(answer.get("h")))
        for text in self.unacked:
            self.send(text)

    # --- Stanzas ---

    def say_stanza(self, text):
        self.unacked.append(text)
        self.send(text)

    def say(self):
        peer = f"t{self.random.randrange(self.test.options.clients)}"
        if peer == self.name:
            return
        self.said[peer] += 1
        number = self.said[peer]
        self.test.said += 1
        name = f"{self.name}-{peer}-{number}"
        self.say_stanza(f"<message type='chat' to='{peer}@{DOMAIN}' id='{name}'><body>{number}"
                        f"</body><origin-id xmlns='{SID}' id='{name}'/></message>")
        self.send(f"<r xmlns='{SM}'/>")

    async def talk(self):
        pause = self.test.options.clients / self.test.options.rate
        next_at = time.monotonic() + self.random.uniform(0, pause)
        while not self.is_finished():
            while self.queue:
                self.take(self.queue.popleft())
            now = time.monotonic()
            if now >= next_at:
                next_at = now + pause
                if self.test.is_talking:
                    self.say()
                else:
                    self.send(f"<r xmlns='{SM}'/>")
            try:
                await self.more(max(0.01, next_at - now))
            except asyncio.TimeoutError:
                continue

    def take(self, element):
        kind = (ns_of(element), name_of(element))
        if kind == (SM, "a"):
            self.take_ack(int(element.get("h")))
        elif kind == (SM, "r"):
            self.send(f"<a xmlns='{SM}' h='{self.handled}'/>")
        elif kind[0] == CLIENT:
            self.handled += 1
            if kind[1] == "message":
                self.take_message(element)

    def take_message(self, element):
        sender = element.get("from").split("@")[0]
        if element.get("type") == "error":
            self.problem = self.problem or f"an error: {ET.tostring(element, 'unicode')}"
            return
        self.came[sender].append(int(element.findtext(f"{{{CLIENT}}}body")))
        self.test.came += 1

    def take_ack(self, h):
        while self.sent_h < h and self.unacked:
            self.unacked.popleft()
            self.sent_h += 1


# --- The test ---

class Test:
    def __init__(self, options, server):
        self.options, self.server = options, server
        self.is_talking, self.is_done, self.said, self.came = True, False, 0, 0
        self.logins = asyncio.Semaphore(LOGINS)
        self.clients = [Client(self, number) for number in range(options.clients)]

    async def run(self):
        self.proxy = Proxy(self.server.port["plain"], self.options.seed)
        self.port = await self.proxy.listen()
        self.proxy.is_calm = True  # until each has its session: only that can be resumed
        tasks = [asyncio.ensure_future(client.run()) for client in self.clients]
        self.is_talking = False
        await self.until(lambda: all(client.id for client in self.clients), 120)
        self.proxy.is_calm, self.is_talking = False, True
        end = time.monotonic() + self.options.seconds
        while time.monotonic() < end:
            await asyncio.sleep(min(30, max(0.1, end - time.monotonic())))
            print(f"{self.said} said, {self.came} came,"
                  f" {sum(client.resumed for client in self.clients)} resumed", flush=True)
        self.is_talking = False
        self.proxy.is_calm = True
        await self.until(lambda: self.came >= self.said and
                         not any(client.unacked for client in self.clients), LAST_WORDS)
        await asyncio.sleep(2)  # for what would come twice
        self.is_done = True
        await asyncio.wait(tasks, timeout=60)

    async def until(self, condition, seconds):
        end = time.monotonic() + seconds
        while not condition() and time.monotonic() < end:
            await asyncio.sleep(0.2)

    def check(self):
        problems = [f"{client.name}: {client.problem}" for client in self.clients
                    if client.problem]
        for client in self.clients:
            for peer, count in client.said.items():
                came = self.clients[int(peer[1:])].came[client.name]
                if came != list(range(1, count + 1)):
                    problems.append(f"{client.name} to {peer}: {count} said, came: {came}")
        return problems

    def check_archives(self):
        problems = []
        for client in random.sample(self.clients, min(SAMPLE, len(self.clients))):
            wanted = collections.Counter()
            for peer, count in client.said.items():
                wanted.update((client.name, peer, n) for n in range(1, count + 1))
            for sender, numbers in client.came.items():
                wanted.update((sender, client.name, n) for n in set(numbers))
            found = archive_of(self.server, client.name)
            if found != wanted:
                problems.append(f"archive of {client.name}: too few {wanted - found}, too many"
                                f" {found - wanted}")
        return problems


def archive_of(server, name):
    rows, after = collections.Counter(), ""
    with Stream(server, "plain") as stream:
        stream.login(name, PASSWORD)
        while True:
            stream.send(f"<iq type='set' id='q'><query xmlns='{MAM}'><set xmlns='{RSM}'>"
                        f"<max>50</max>{after}</set></query></iq>")
            while name_of(element := stream.next()) != "iq":
                message = element.find(f".//{{{CLIENT}}}message")
                ends = [message.get(end).split("@")[0] for end in ("from", "to")]
                rows[(*ends, int(message.findtext(f"{{{CLIENT}}}body")))] += 1
            fin = element.find(f"{{{MAM}}}fin")
            if fin.get("complete") == "true":
                stream.logout()
                return rows
            after = f"<after>{fin.findtext(f'{{{RSM}}}set/{{{RSM}}}last')}</after>"


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--rate", type=float, default=300, help="messages a second in all")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--storage", default="backend: sqlite", help="YAML of `storage`")
    parser.add_argument("--build")
    options = parser.parse_args()
    if options.build:
        os.environ["RINGTAIL_BUILD"] = options.build
    return options


def main():
    options = read_options()
    print(f"seed {options.seed}")
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Server(storage=options.storage) as server:
        server.import_users((f"t{n}", PASSWORD) for n in range(options.clients))
        test = Test(options, server)
        asyncio.run(test.run())
        problems = test.check() + test.check_archives()
        print(f"{test.said} said, {test.came} came;"
              f" {sum(client.resumed for client in test.clients)} resumptions,"
              f" {sum(client.binds for client in test.clients)} sessions;"
              f" the proxy: {dict(test.proxy.counts)}")
        for problem in problems[:20]:
            print(problem[:500])
        return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
