#!/usr/bin/env python3
"""The inbox against the archive, on each database: two users on different shards talk both ways at
once, and what the inbox counts is what the archive says; also after a SIGKILL."""
import asyncio
import os
import random
import unittest
import xml.etree.ElementTree as ET

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from harness import DOMAIN, Server, abort
from storages import drop_schema, storages

PASSWORD = "secret"
SECONDS = 20
ROUNDS = 40
BURST = 12
INBOX = "urn:xmpp:inbox:1"
MIM = "erlang-solutions.com:xmpp:inbox:0"
MARKERS = "urn:xmpp:chat-markers:0"
SCHEMA = f"rt_inbox_{os.getpid()}"


class Client(ClientXMPP):
    def __init__(self, server, name):
        super().__init__(f"{name}@{DOMAIN}/inbox", PASSWORD)
        self.ca_certs = server.certificate
        self.address_used = ("127.0.0.1", server.port["tls"])
        self.ready = asyncio.get_running_loop().create_future()
        self.gone = asyncio.get_running_loop().create_future()
        self.entries, self.results, self.got = [], [], []
        self.register_plugin("xep_0313")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", lambda _: self.ready.set_result(None))
        self.add_event_handler("disconnected",
                               lambda _: self.gone.done() or self.gone.set_result(None))
        self.add_event_handler("message", self.got.append)
        for name, into in ((f"{{{INBOX}}}entry", self.entries), (f"{{{MIM}}}result", self.results)):
            self.register_handler(Callback(name, MatchXPath(f"{{jabber:client}}message/{name}"),
                                           lambda message, name=name, into=into:
                                           into.append(message.xml.find(name))))

    async def log_in(self):
        self.connect(self.address_used, use_ssl=True)
        await asyncio.wait_for(self.ready, SECONDS)
        self.send_presence()
        await self.ping()
        return self

    async def log_out(self):
        await self.disconnect()
        await asyncio.wait_for(self.gone, SECONDS)

    async def ping(self):
        await self["xep_0199"].ping(DOMAIN, timeout=SECONDS)

    def say(self, peer, name):
        message = self.make_message(mto=peer.boundjid.bare, mbody=name, mtype="chat")
        message["id"] = name
        message.send()

    def mark(self, peer, name):
        message = self.make_message(mto=peer.boundjid.bare, mtype="chat")
        message.append(ET.Element(f"{{{MARKERS}}}displayed", id=name))
        message.send()

    async def inbox(self):
        """By XEP-0430: unread of each peer, and the <fin/>."""
        self.entries.clear()
        iq = self.make_iq_get()
        iq.append(ET.Element(f"{{{INBOX}}}inbox", messages="false"))
        answer = await iq.send(timeout=SECONDS)
        return ({entry.get("jid"): int(entry.get("unread")) for entry in self.entries},
                answer.xml.find(f"{{{INBOX}}}fin"))

    async def mongoose_inbox(self):
        """MongooseIM's: unread of each peer, by the newest message."""
        self.results.clear()
        iq = self.make_iq_set()
        iq.append(ET.Element(f"{{{MIM}}}inbox"))
        await iq.send(timeout=SECONDS)
        return [int(result.get("unread")) for result in self.results]

    async def conversation(self):
        """The archive, oldest first: who said which name."""
        talk, rsm = [], {"max": 50}
        while True:
            answer = await self["xep_0313"].retrieve(rsm=rsm, timeout=SECONDS)
            for one in answer["mam"]["results"]:
                message = one["mam_result"]["forwarded"]["stanza"]
                talk.append((message["from"].bare, message["id"]))
            fin = answer.xml.find("{urn:xmpp:mam:2}fin")
            if fin.get("complete") == "true":
                return talk
            rsm = {"max": 50, "after": fin.find(".//{http://jabber.org/protocol/rsm}last").text}

    def unread_of(self, talk, marked):
        """What is behind the last of one's own, and behind what was marked."""
        unread = 0
        for sender, name in talk:
            unread += 1
            if sender == self.boundjid.bare or name in marked:
                unread = 0
        return unread


class Inbox(unittest.IsolatedAsyncioTestCase):
    async def clients(self, server, names):
        clients = [await Client(server, name).log_in() for name in names]
        for client in clients:
            self.addCleanup(abort, client)
        return clients

    async def agrees(self, client, peer, marked):
        talk = await client.conversation()
        wanted = client.unread_of(talk, marked)
        unread, fin = await client.inbox()
        self.assertEqual(unread, {peer.boundjid.bare: wanted})
        self.assertEqual(fin.get("all-unread"), str(wanted))
        self.assertEqual(await client.mongoose_inbox(), [wanted])
        return wanted

    async def talk(self, alice, bob):
        """Bursts of one or both, now and then with a marker; looked at when all has come."""
        rng, number = random.Random(7), 0
        marked = {alice: set(), bob: set()}
        for _ in range(ROUNDS):
            for _ in range(rng.randrange(1, BURST)):
                one, other = rng.choice(((alice, bob), (bob, alice)))
                one.say(other, f"m{number}")
                number += 1
                if rng.random() < 0.2:
                    await alice.ping()
            for client in (alice, bob):
                await client.ping()
            one, other = rng.choice(((alice, bob), (bob, alice)))
            if one.got and rng.random() < 0.5:
                name = rng.choice(one.got[-6:])["id"]
                one.mark(other, name)
                marked[one].add(name)
            for client in (alice, bob):
                await client.ping()
                await self.agrees(client, bob if client is alice else alice, marked[client])
        return marked

    async def killed(self, server, names, marked):
        """What the inbox has told is on disk."""
        alice, bob = await self.clients(server, names)
        for number in range(5):
            alice.say(bob, f"last{number}")
        await alice.ping()
        told = await self.agrees(bob, alice, marked)
        self.assertEqual(told >= 5, True)
        server.kill()
        await asyncio.wait_for(asyncio.gather(alice.gone, bob.gone), SECONDS)
        server.start()
        alice, bob = await self.clients(server, names)
        self.assertEqual(await self.agrees(bob, alice, marked), told)
        bob.mark(alice, "last2")
        self.assertEqual(await self.agrees(bob, alice, marked | {"last2"}), 2)
        for client in (alice, bob):
            await client.log_out()

    async def test_inbox(self):
        self.addCleanup(drop_schema, SCHEMA)
        for name, storage in storages(SCHEMA):
            with self.subTest(storage=name), Server(storage=storage) as server:
                names = server.pair_of_users(PASSWORD)
                alice, bob = await self.clients(server, names)
                marked = await self.talk(alice, bob)
                for client in (alice, bob):
                    await client.log_out()
                await self.killed(server, names, marked[bob])


if __name__ == "__main__":
    unittest.main()
