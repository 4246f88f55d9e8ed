#!/usr/bin/env python3
"""Stream management (XEP-0198) and carbons with slixmpp, and by hand over sockets that are cut at
random places: what is sent arrives once, in its order, whatever the network does."""
import asyncio
import random
import time
import unittest

from harness import DOMAIN, Server, abort
from rawclient import CLIENT, STREAM, STREAM_ERROR, Closed, Stream, Unexpected, ns_of
from test_slixmpp import Client, SECONDS

PASSWORD = "secret"
SM = "urn:xmpp:sm:3"
ROUNDS = 30


class Resuming(Client):
    """A slixmpp client that resumes."""

    def __init__(self, *args):
        super().__init__(*args)
        self.register_plugin("xep_0198")
        self.register_plugin("xep_0280")
        self.resumed = asyncio.Queue()
        self.add_event_handler("session_resumed", lambda _: self.resumed.put_nowait(None))
        self.add_event_handler("carbon_received",
                               lambda carbon: self.texts.put_nowait(carbon["carbon_received"]))


class Slixmpp(unittest.IsolatedAsyncioTestCase):
    async def log_in(self, server, kind, name):
        client = Resuming(server, kind, name, PASSWORD, "SCRAM-SHA-1")
        self.addCleanup(abort, client)
        await client.log_in()
        return client

    async def test_resume(self):
        with Server(log="debug") as server:
            names = server.pair_of_users(PASSWORD)
            alice = await self.log_in(server, "tls", names[0])
            bob = await self.log_in(server, "starttls", names[1])
            desk = await self.log_in(server, "starttls", names[0])
            await desk["xep_0280"].enable(timeout=SECONDS)
            for cut in range(3):
                alice.transport.abort()  # the cable
                bob.send_message(mto=alice.boundjid.full, mbody=f"cut {cut}", mtype="chat")
                alice.connect(alice.address_used, use_ssl=True, force_starttls=False)
                await asyncio.wait_for(alice.resumed.get(), SECONDS)
                self.assertEqual((await alice.next_text())["body"], f"cut {cut}")
                self.assertEqual((await desk.next_text())["body"], f"cut {cut}")
            self.assertEqual((alice.texts.qsize(), desk.texts.qsize()), (0, 0))
            for client in (alice, bob, desk):
                await client.log_out()


class Cut:
    """A receiver by hand whose connection is cut again and again."""

    def __init__(self, server, user, kind, seed):
        self.server, self.user, self.kind = server, user, kind
        self.random = random.Random(seed)
        self.handled, self.numbers, self.id, self.stream, self.stale = 0, [], None, None, []

    def begin(self):
        self.stream = Stream(self.server, self.kind)
        self.stream.login(self.user, PASSWORD, resource="r")
        self.stream.send(f"<enable xmlns='{SM}' resume='true'/><presence/>")
        self.id = self.stream.expect(SM, "enabled").get("id")

    def resume(self):
        self.stream = Stream(self.server, self.kind)
        self.stream.open_to_auth()
        self.stream.authenticate("SCRAM-SHA-1", self.user, PASSWORD)
        self.stream.open()
        self.stream.send(f"<resume xmlns='{SM}' previd='{self.id}' h='{self.handled}'/>")
        self.stream.expect(SM, "resumed")

    def take(self, most):
        """At most so many messages; answers questions, sometimes."""
        while most:
            element = self.stream.next()
            if element is None:
                raise Closed()
            if ns_of(element) == CLIENT:
                self.handled += 1
                if element.tag == f"{{{CLIENT}}}message":
                    self.numbers.append(int(element.find(f"{{{CLIENT}}}body").text))
                    most -= 1
            elif element.tag == f"{{{SM}}}r" and self.random.random() < 0.7:
                self.stream.send(f"<a xmlns='{SM}' h='{self.handled}'/>")

    def take_rest(self):
        """Nothing but the answer to a ping and questions may come now."""
        self.stream.send(f"<iq type='get' id='last' to='{DOMAIN}'>"
                         "<ping xmlns='urn:xmpp:ping'/></iq>")
        element = self.stream.next()
        while element.get("id") != "last":
            if ns_of(element) == CLIENT:
                raise Unexpected(element.tag)
            element = self.stream.next()

    def cut(self):
        """With a reset, or without a word while the server still thinks that we are there."""
        if self.random.random() < 0.5:
            self.stream.abort()
        else:
            self.stale.append(self.stream)  # stays open, unread

    def close(self):
        for stream in (*self.stale, self.stream):
            stream.close()


class ByHand(unittest.TestCase):
    def play(self, server, kind, seed):
        names = server.pair_of_users(PASSWORD)
        receiver = Cut(server, names[0], kind, seed)
        receiver.begin()
        sent = 0
        with Stream(server) as sender:
            sender.login(names[1], PASSWORD)
            for _ in range(ROUNDS):
                burst = receiver.random.randrange(1, 12)
                for _ in range(burst):
                    sender.send(f"<message to='{names[0]}@{DOMAIN}/r' type='chat'>"
                                f"<body>{sent}</body></message>")
                    sent += 1
                receiver.take(receiver.random.randrange(0, burst))
                receiver.cut()
                receiver.resume()
            receiver.take(sent - len(receiver.numbers))
            receiver.take_rest()
            self.assertEqual(receiver.numbers, list(range(sent)))
            self.assertTrue(sender.is_silent(0.1))  # nothing came back
        receiver.close()

    def test_shutdown(self):
        """A server that stops says so, and closes each stream in order (RFC 6120 4.9.3.20)."""
        for kind in ("plain", "tls"):
            with self.subTest(kind=kind), Server() as server:
                names = server.pair_of_users(PASSWORD)
                streams = [Stream(server, kind) for _ in names]
                for stream, name in zip(streams, names):
                    stream.login(name, PASSWORD)
                    stream.send(f"<enable xmlns='{SM}' resume='true'/>")
                    stream.expect(SM, "enabled")
                server.stop()
                for stream in streams:
                    error = stream.expect(STREAM, "error")
                    self.assertIsNotNone(error.find(f"{{{STREAM_ERROR}}}system-shutdown"))
                    self.assertIsNone(stream.next())
                    stream.wait_end()
                    stream.close()

    def test_cuts(self):
        seed = int(time.time())
        print(f"seed {seed}")
        for kind in ("plain", "tls"):
            with self.subTest(kind=kind, seed=seed), Server() as server:
                self.play(server, kind, seed)


if __name__ == "__main__":
    unittest.main()
