#!/usr/bin/env python3
"""aioxmpp against the server: roster, presence, chat, carbons, blocking, and a stream that goes on
after its cable was cut."""
import asyncio
import logging
import socket
import unittest

import aioxmpp
import aioxmpp.blocking
import aioxmpp.carbons
import aioxmpp.connector
import aioxmpp.dispatcher
import aioxmpp.im
import OpenSSL

from harness import DOMAIN, Server

PASSWORD = "secret"
SECONDS = 20


class TrustTests:
    """Takes the server's certificate, whoever signed it."""

    def __call__(self, *_):
        return self

    def setup_context(self, context, _):
        context.set_verify(OpenSSL.SSL.VERIFY_NONE, lambda *_: True)

    async def pre_handshake(self, *_):
        pass

    async def post_handshake(self, *_):
        pass


class Client:
    """A user with what the tests look at, in queues."""

    def __init__(self, server, name, resource):
        jid = aioxmpp.JID.fromstr(f"{name}@{DOMAIN}/{resource}")
        security = aioxmpp.make_security_layer(PASSWORD)._replace(
            certificate_verifier_factory=TrustTests())
        self.client = aioxmpp.PresenceManagedClient(jid, security, override_peer=[
            ("127.0.0.1", server.port["starttls"], aioxmpp.connector.STARTTLSConnector())])
        self.roster = self.client.summon(aioxmpp.RosterClient)
        self.presence = self.client.summon(aioxmpp.PresenceClient)
        self.carbons = self.client.summon(aioxmpp.CarbonsClient)
        self.blocking = self.client.summon(aioxmpp.BlockingClient)
        self.texts, self.asked, self.seen = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        self.client.summon(aioxmpp.dispatcher.SimpleMessageDispatcher).register_callback(
            aioxmpp.MessageType.CHAT, None, self.on_message)
        self.roster.on_subscribe.connect(self.asked.put_nowait)
        self.presence.on_available.connect(lambda jid, _: self.on_seen(jid, True))
        self.presence.on_unavailable.connect(lambda jid, _: self.on_seen(jid, False))

    def on_message(self, message):
        for carbon in (message.xep0280_received, message.xep0280_sent):
            if carbon:
                message = carbon.stanza
        if message.body:
            self.texts.put_nowait((str(message.from_), message.body.any()))

    def on_seen(self, jid, is_there):
        if jid.bare() != self.client.local_jid.bare():
            self.seen.put_nowait((str(jid), is_there))
        return False  # stay connected to the signal

    async def log_in(self):
        ready = asyncio.get_running_loop().create_future()
        self.client.on_stream_established.connect(lambda: ready.done() or ready.set_result(None))
        self.client.presence = aioxmpp.PresenceState(available=True)
        await asyncio.wait_for(ready, SECONDS)
        return self

    async def log_out(self):
        if not self.client.running:
            return
        gone = asyncio.get_running_loop().create_future()
        self.client.on_stopped.connect(lambda: gone.done() or gone.set_result(None))
        self.client.presence = aioxmpp.PresenceState(available=False)
        await asyncio.wait_for(gone, SECONDS)

    async def say(self, to, text):
        message = aioxmpp.Message(type_=aioxmpp.MessageType.CHAT, to=aioxmpp.JID.fromstr(to))
        message.body[None] = text
        await asyncio.wait_for(self.client.send(message), SECONDS)

    async def next_text(self):
        return await asyncio.wait_for(self.texts.get(), SECONDS)

    async def next_seen(self):
        return await asyncio.wait_for(self.seen.get(), SECONDS)

    @property
    def jid(self):
        return str(self.client.local_jid)

    @property
    def bare(self):
        return str(self.client.local_jid.bare())


class Aioxmpp(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(log="debug"))
        cls.names = cls.server.pair_of_users(PASSWORD)

    async def log_in(self, name, resource):
        client = await Client(self.server, name, resource).log_in()
        self.addAsyncCleanup(client.log_out)
        return client

    async def befriend(self, alice, bob):
        """Roster add, accept, and the same the other way."""
        for asking, asked in ((alice, bob), (bob, alice)):
            asking.roster.subscribe(aioxmpp.JID.fromstr(asked.bare))
            request = await asyncio.wait_for(asked.asked.get(), SECONDS)
            self.assertEqual(str(request.from_.bare()), asking.bare)
            asked.roster.approve(request.from_.bare())
            self.assertEqual(await asking.next_seen(), (asked.jid, True))
        entry = alice.roster.items[aioxmpp.JID.fromstr(bob.bare)]
        for _ in range(100):
            if entry.subscription == "both":
                break
            await asyncio.sleep(0.1)
        self.assertEqual(entry.subscription, "both")

    async def cut(self, client):
        """The cable; the stream goes on by resumption."""
        resumed = asyncio.get_running_loop().create_future()
        client.client.on_stream_resumed.connect(
            lambda: resumed.done() or resumed.set_result(None))
        transport = client.client.stream._xmlstream.transport
        transport.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        await asyncio.wait_for(resumed, SECONDS)

    async def block(self, alice, bob):
        blocked = [aioxmpp.JID.fromstr(bob.bare)]
        await alice.blocking.block_jids(blocked)
        self.assertEqual(await bob.next_seen(), (alice.jid, False))
        await bob.say(alice.jid, "not to be seen")
        await alice.blocking.unblock_jids(blocked)
        self.assertEqual(await bob.next_seen(), (alice.jid, True))
        await bob.say(alice.jid, "seen")
        self.assertEqual(await alice.next_text(), (bob.jid, "seen"))

    async def test_a_day(self):
        alice = await self.log_in(self.names[0], "phone")
        bob = await self.log_in(self.names[1], "phone")
        await self.befriend(alice, bob)
        await alice.say(bob.bare, "hello")
        self.assertEqual(await bob.next_text(), (alice.jid, "hello"))
        desk = await self.log_in(self.names[1], "desk")
        for client in (bob, desk):
            await client.carbons.enable()
        await alice.say(bob.jid, "to the phone")
        for client in (bob, desk):
            self.assertEqual(await client.next_text(), (alice.jid, "to the phone"))
        await desk.say(alice.jid, "from the desk")
        self.assertEqual(await alice.next_text(), (desk.jid, "from the desk"))
        self.assertEqual(await bob.next_text(), (desk.jid, "from the desk"))
        for number in range(3):
            await self.cut(bob)
            await alice.say(bob.jid, f"after cut {number}")
            self.assertEqual(await bob.next_text(), (alice.jid, f"after cut {number}"))
        await desk.log_out()
        while not alice.seen.empty():
            alice.seen.get_nowait()
        await self.block(alice, bob)


if __name__ == "__main__":
    logging.basicConfig(level=logging.CRITICAL)
    unittest.main()
