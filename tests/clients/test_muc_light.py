#!/usr/bin/env python3
"""Rooms (MUC Light) with real clients over TLS, on each database: created, talked in, left, handed
over, found in archive and inbox after a SIGKILL, destroyed, and changed by an administrator."""
import asyncio
import os
import unittest
import xml.etree.ElementTree as ET

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from harness import DOMAIN, Server, abort
from storages import drop_schema, storages

PASSWORD = "secret"
SECONDS = 20
LIGHT = "urn:xmpp:muclight:0"
INBOX = "urn:xmpp:inbox:1"
MAM = "urn:xmpp:mam:2"
SERVICE = f"muclight.{DOMAIN}"
ROOM = f"tea@{SERVICE}"
SCHEMA = f"rt_muc_light_{os.getpid()}"
NAMES = ("alice", "bob", "carol")


class Client(ClientXMPP):
    def __init__(self, server, name):
        super().__init__(f"{name}@{DOMAIN}/light", PASSWORD)
        self.ca_certs = server.certificate
        self.address_used = ("127.0.0.1", server.port["tls"])
        self.ready = asyncio.get_running_loop().create_future()
        self.gone = asyncio.get_running_loop().create_future()
        self.got = asyncio.Queue()
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0030")
        self.add_event_handler("session_start", lambda _: self.ready.set_result(None))
        self.add_event_handler("disconnected",
                               lambda _: self.gone.done() or self.gone.set_result(None))
        self.add_event_handler("message", self.got.put_nowait)
        for name in (f"{{{MAM}}}result", f"{{{INBOX}}}entry"):
            self.register_handler(Callback(name, MatchXPath(f"{{jabber:client}}message/{name}"),
                                           self.got.put_nowait))

    async def log_in(self):
        self.connect(self.address_used, use_ssl=True)
        await asyncio.wait_for(self.ready, SECONDS)
        self.send_presence()
        await self["xep_0199"].ping(DOMAIN, timeout=SECONDS)
        return self

    async def ask(self, kind, what, *children, to=ROOM):
        """An iq with a <query/> of that namespace; gives the answer's."""
        iq = self.make_iq_set(ito=to) if kind == "set" else self.make_iq_get(ito=to)
        query = ET.Element(f"{{{what}}}query")
        query.extend(children)
        iq.append(query)
        answer = await iq.send(timeout=SECONDS)
        return answer.xml.find(f"{{{what}}}query")

    async def next(self):
        """The next thing that the room has said."""
        return (await asyncio.wait_for(self.got.get(), SECONDS)).xml

    def say(self, text):
        self.make_message(mto=ROOM, mbody=text, mtype="groupchat").send()

    async def affiliations(self):
        query = await self.ask("get", f"{LIGHT}#affiliations")
        return {user.text: user.get("affiliation")
                for user in query.findall(f"{{{LIGHT}#affiliations}}user")}

    async def change(self, **affiliations):
        await self.ask("set", f"{LIGHT}#affiliations",
                       *(user("affiliations", name, what) for name, what in affiliations.items()))

    async def archive(self):
        """Bodies in the room's archive."""
        while not self.got.empty():
            self.got.get_nowait()
        await self.ask("set", MAM)
        bodies = []
        while not self.got.empty():
            body = self.got.get_nowait().xml.find(".//{jabber:client}body")
            if body is not None and body.text:
                bodies.append(body.text)
        return bodies

    async def inbox(self):
        """What is unread in the room; None: the inbox does not have it."""
        iq = self.make_iq_get()
        iq.append(ET.Element(f"{{{INBOX}}}inbox", messages="false"))
        while not self.got.empty():
            self.got.get_nowait()
        await iq.send(timeout=SECONDS)
        while not self.got.empty():
            entry = self.got.get_nowait().xml.find(f"{{{INBOX}}}entry")
            if entry is not None and entry.get("jid") == ROOM:
                return int(entry.get("unread"))
        return None


def user(what, name, affiliation):
    element = ET.Element(f"{{{LIGHT}#{what}}}user", affiliation=affiliation)
    element.text = f"{name}@{DOMAIN}"
    return element


def told(message):
    """Who is what, by a notice."""
    x = message.find(f"{{{LIGHT}#affiliations}}x")
    return {one.text.split("@")[0]: one.get("affiliation")
            for one in x.findall(f"{{{LIGHT}#affiliations}}user")}


class MucLight(unittest.IsolatedAsyncioTestCase):
    async def clients(self, server):
        clients = [await Client(server, name).log_in() for name in NAMES]
        for client in clients:
            self.addCleanup(abort, client)
        return clients

    async def created(self, alice, bob):
        occupants = ET.Element(f"{{{LIGHT}#create}}occupants")
        occupants.append(user("create", "bob", "member"))
        await alice.ask("set", f"{LIGHT}#create", occupants)
        self.assertEqual(told(await alice.next()), {"alice": "owner"})
        self.assertEqual(told(await bob.next()), {"bob": "member"})
        items = await alice["xep_0030"].get_items(SERVICE, timeout=SECONDS)
        self.assertEqual([item[0] for item in items["disco_items"]["items"]], [ROOM])

    async def talked(self, alice, bob, carol):
        alice.say("hello")
        for client in (alice, bob):
            message = await client.next()
            self.assertEqual(message.get("from"), f"{ROOM}/alice@{DOMAIN}")
            self.assertEqual(message.find("{jabber:client}body").text, "hello")
        with self.assertRaises(IqError) as caught:
            await carol.affiliations()
        self.assertEqual(caught.exception.condition, "item-not-found")
        await alice.change(carol="member")
        self.assertEqual(told(await carol.next()), {"carol": "member"})
        self.assertEqual(told(await alice.next()), {"carol": "member"})
        self.assertEqual(told(await bob.next()), {"carol": "member"})

    async def handed_over(self, alice, bob, carol):
        await alice.change(alice="none")
        self.assertEqual(told(await alice.next()), {"alice": "none"})
        self.assertEqual(told(await carol.next()), {"alice": "none", "bob": "owner"})
        self.assertEqual(told(await bob.next()), {"alice": "none", "bob": "owner"})
        bob.say("without alice")
        await bob.next()
        await carol.next()

    async def killed(self, server, clients):
        """What was told is on disk."""
        _, bob, carol = clients
        self.assertEqual(await carol.archive(), ["hello", "without alice"])
        self.assertEqual(await carol.inbox(), 2)
        server.kill()
        await asyncio.wait_for(asyncio.gather(*(client.gone for client in clients)), SECONDS)
        server.start()
        server.await_storage()
        _, bob, carol = clients = await self.clients(server)
        self.assertEqual(await bob.affiliations(),
                         {f"bob@{DOMAIN}": "owner", f"carol@{DOMAIN}": "member"})
        self.assertEqual(await carol.archive(), ["hello", "without alice"])
        self.assertEqual(await carol.inbox(), 2)
        return clients

    async def administered(self, server, alice, bob):
        """An administrator's change is seen at once."""
        server.ctl("room", "add", ROOM, f"alice@{DOMAIN}", "owner")
        self.assertEqual(told(await alice.next()), {"alice": "owner"})
        self.assertEqual((await bob.affiliations())[f"alice@{DOMAIN}"], "owner")
        self.assertIn("owner  alice@", server.ctl("room", "show", ROOM))
        self.assertEqual(server.ctl("room", "list", SERVICE).split(), [ROOM, "3"])
        server.ctl("room", "remove", ROOM, f"bob@{DOMAIN}")
        with self.assertRaises(IqError):
            await bob.affiliations()
        server.ctl("room", "create", f"other@{SERVICE}", f"bob@{DOMAIN}", "Other")
        self.assertEqual(server.ctl("room", "list", f"bob@{DOMAIN}").split(),
                         [f"other@{SERVICE}", "1"])
        self.assertIn("roomname  Other", server.ctl("room", "show", f"other@{SERVICE}"))
        with self.assertRaises(Exception) as caught:
            server.ctl("room", "create", f"other@{SERVICE}", f"bob@{DOMAIN}")
        self.assertIn("Room already exists", str(caught.exception))
        server.ctl("room", "destroy", f"other@{SERVICE}")
        self.assertEqual(server.ctl("room", "list", f"bob@{DOMAIN}"), "")

    async def destroyed(self, alice, carol):
        while not carol.got.empty():
            carol.got.get_nowait()
        await alice.ask("set", f"{LIGHT}#destroy")
        message = await carol.next()
        self.assertEqual(told(message), {"carol": "none"})
        self.assertIsNotNone(message.find(f"{{{LIGHT}#destroy}}x"))
        async with asyncio.timeout(SECONDS): # it goes a moment after the notice
            while await carol.inbox() is not None:
                await asyncio.sleep(0.05)

    async def test_muc_light(self):
        self.addCleanup(drop_schema, SCHEMA)
        for name, storage in storages(SCHEMA):
            with self.subTest(storage=name), \
                    Server(storage=storage, modules={"muc_light": "{}"}) as server:
                server.import_users([(name, PASSWORD) for name in NAMES])
                alice, bob, carol = clients = await self.clients(server)
                await self.created(alice, bob)
                await self.talked(alice, bob, carol)
                await self.handed_over(alice, bob, carol)
                alice, bob, carol = clients = await self.killed(server, clients)
                await self.administered(server, alice, bob)
                await self.destroyed(alice, carol)


if __name__ == "__main__":
    unittest.main()
