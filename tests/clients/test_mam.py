#!/usr/bin/env python3
"""The message archive with slixmpp's own plug-in: an archive of many messages paged both ways
without a gap or a double, on each database; and what a page has told survives a SIGKILL, once."""
import asyncio
import os
import unittest

from slixmpp import ClientXMPP

from harness import DOMAIN, Server, abort
from rawclient import CLIENT, Stream, name_of
from storages import drop_schema, storages

PASSWORD = "secret"
SECONDS = 40
MESSAGES = 10000
PAGE = 50
MAM = "{urn:xmpp:mam:2}"
RSM = "{http://jabber.org/protocol/rsm}"
SCHEMA = f"rt_mam_{os.getpid()}"


class Client(ClientXMPP):
    def __init__(self, server, name):
        super().__init__(f"{name}@{DOMAIN}/mam", PASSWORD)
        self.ca_certs = server.certificate
        self.address_used = ("127.0.0.1", server.port["tls"])
        self.ready = asyncio.get_running_loop().create_future()
        self.gone = asyncio.get_running_loop().create_future()
        self.register_plugin("xep_0313")
        self.register_plugin("xep_0199")
        self.add_event_handler("session_start", lambda _: self.ready.set_result(None))
        self.add_event_handler("disconnected",
                               lambda _: self.gone.done() or self.gone.set_result(None))

    async def log_in(self):
        self.connect(self.address_used, use_ssl=True)
        await asyncio.wait_for(self.ready, SECONDS)
        self.send_presence()
        await self["xep_0199"].ping(DOMAIN, timeout=SECONDS)
        return self

    async def log_out(self):
        await self.disconnect()
        await asyncio.wait_for(self.gone, SECONDS)

    async def say(self, peer, texts):
        """Both have caught up now and then: a reader that is far behind would be dropped."""
        for number, text in enumerate(texts):
            self.send_message(mto=peer.boundjid.bare, mbody=text, mtype="chat")
            if number % 250 == 249 or number == len(texts) - 1:
                for client in (self, peer):
                    await client["xep_0199"].ping(DOMAIN, timeout=SECONDS)

    async def page(self, **rsm):
        """Texts of one page, and its <fin/>."""
        answer = await self["xep_0313"].retrieve(rsm={"max": PAGE, **rsm}, timeout=SECONDS)
        texts = [one["mam_result"]["forwarded"]["stanza"]["body"]
                 for one in answer["mam"]["results"]]
        return texts, answer.xml.find(f"{MAM}fin")

    async def last_id(self):
        metadata = await self["xep_0313"].get_archive_metadata(timeout=SECONDS)
        return metadata["mam_metadata"]["end"]["id"]

    async def all_texts(self):
        """The whole archive, page by page."""
        texts, rsm = [], {}
        while True:
            page, fin = await self.page(**rsm)
            texts += page
            if fin.get("complete") == "true":
                return texts
            rsm = {"after": fin.find(f"{RSM}set/{RSM}last").text}

    async def all_before_last(self):
        """All but the last, from there on backwards."""
        texts, rsm = [], {"before": await self.last_id()}
        while True:
            page, fin = await self.page(**rsm)
            texts = page + texts
            if fin.get("complete") == "true":
                return texts
            rsm = {"before": fin.find(f"{RSM}set/{RSM}first").text}


class Archive(unittest.IsolatedAsyncioTestCase):
    async def clients(self, server, names):
        clients = [await Client(server, name).log_in() for name in names]
        for client in clients:
            self.addCleanup(abort, client)
        return clients

    async def pages(self, alice, bob, texts):
        for client in (alice, bob):
            self.assertTrue(await client.all_texts() == texts)
            self.assertTrue(await client.all_before_last() == texts[:-1])

    async def many(self, server, names):
        alice, bob = await self.clients(server, names)
        texts = [f"message {number}" for number in range(MESSAGES)]
        await alice.say(bob, texts)
        await self.pages(alice, bob, texts)
        for client in (alice, bob):
            await client.log_out()
        return texts

    async def killed(self, server, names, texts):
        """A page has told of them: they are on disk."""
        alice, bob = await self.clients(server, names)
        await alice.say(bob, ["one more"])
        before = await bob.last_id()
        await alice.say(bob, ["the last"])
        page, _ = await bob.page(after=before)
        self.assertEqual(page, ["the last"])
        server.kill()
        await asyncio.wait_for(asyncio.gather(alice.gone, bob.gone), SECONDS)
        server.start()
        alice, bob = await self.clients(server, names)
        await self.pages(alice, bob, texts + ["one more", "the last"])
        for client in (alice, bob):
            await client.log_out()

    def searched(self, server, user):
        """XEP-0431: what has all the words."""
        with Stream(server) as stream:
            stream.login(user, PASSWORD)
            stream.send("<iq type='set' id='s'><query xmlns='urn:xmpp:mam:2'>"
                        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
                        "<value>urn:xmpp:mam:2</value></field>"
                        "<field var='{urn:xmpp:fulltext:0}fulltext'><value>77 MESSAGE</value>"
                        "</field></x></query></iq>")
            texts = [node.text for node in stream.expect(CLIENT, "message").iter()
                     if name_of(node) == "body"]
            self.assertEqual(texts, ["message 77"])
            self.assertEqual(stream.expect(CLIENT, "iq").get("type"), "result")
            stream.logout()

    async def test_archive(self):
        self.addCleanup(drop_schema, SCHEMA)
        for name, storage in storages(SCHEMA):
            with self.subTest(storage=name), \
                    Server(storage=f"{storage}, full_text: true") as server:
                names = server.pair_of_users(PASSWORD)
                texts = await self.many(server, names)
                await self.killed(server, names, texts)
                self.searched(server, names[0])


if __name__ == "__main__":
    unittest.main()
