#!/usr/bin/env python3
"""What clients keep on the server, by slixmpp's and aioxmpp's plug-ins on each database: avatars,
bookmarks, vCards, private data, bundles as OMEMO has them; and that it outlives a SIGKILL."""
import asyncio
import hashlib
import os
import unittest
import xml.etree.ElementTree as ET

import aioxmpp
import aioxmpp.avatar
import aioxmpp.bookmarks
import aioxmpp.pep
import aioxmpp.private_xml
import aioxmpp.pubsub
import aioxmpp.vcard
import aioxmpp.xso
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.plugins.xep_0048 import Bookmarks

from harness import DOMAIN, Server, abort
from storages import drop_schema, storages
from test_aioxmpp import Client as AioClient

PASSWORD = "secret"
SECONDS = 20
SCHEMA = f"rt_pep_{os.getpid()}"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
ROOM = "room@muc.example"
DEVICES = "eu.siacs.conversations.axolotl.devicelist"
BUNDLES = "eu.siacs.conversations.axolotl.bundles:"
AXOLOTL = "eu.siacs.conversations.axolotl"
PLUGINS = ("xep_0030", "xep_0048", "xep_0049", "xep_0054", "xep_0060", "xep_0084", "xep_0115",
           "xep_0153", "xep_0163", "xep_0199", "xep_0222", "xep_0223")


def sha1(data):
    return hashlib.sha1(data).hexdigest()


class Client(ClientXMPP):
    """Everything that a test waits for comes by a future or a queue."""

    def __init__(self, server, name, resource):
        super().__init__(f"{name}@{DOMAIN}/{resource}", PASSWORD, sasl_mech="SCRAM-SHA-1")
        self.ca_certs = server.certificate
        self.address_used = ("127.0.0.1", server.port["starttls"])
        self.ready = asyncio.get_running_loop().create_future()
        self.gone = asyncio.get_running_loop().create_future()
        self.avatars, self.hashes, self.events = asyncio.Queue(), asyncio.Queue(), asyncio.Queue()
        for plugin in PLUGINS:
            self.register_plugin(plugin)
        self["xep_0163"].add_interest(DEVICES)
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("avatar_metadata_publish", self.avatars.put_nowait)
        self.add_event_handler("vcard_avatar_update", self.hashes.put_nowait)
        self.add_event_handler("pubsub_publish", self.on_event)
        self.add_event_handler("disconnected", self.on_gone)

    def on_start(self, _):
        if not self.ready.done():
            self.ready.set_result(None)

    def on_event(self, message):
        items = message["pubsub_event"]["items"]
        if items["node"] == DEVICES:
            self.events.put_nowait(message)

    def on_gone(self, _):
        if not self.gone.done():
            self.gone.set_result(None)

    async def log_in(self):
        self.connect(self.address_used, force_starttls=True)
        await asyncio.wait_for(self.ready, SECONDS)
        await self.get_roster(timeout=SECONDS)
        await self["xep_0115"].update_caps()
        self.send_presence()
        await self["xep_0199"].ping(DOMAIN, timeout=SECONDS)
        return self

    async def log_out(self):
        await self.disconnect()
        await asyncio.wait_for(self.gone, SECONDS)


async def next_of(queue):
    return await asyncio.wait_for(queue.get(), SECONDS)


async def until(check, what):
    for _ in range(SECONDS * 20):
        if check():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(what)


class Mood(aioxmpp.xso.XSO):
    """A payload for aioxmpp."""
    TAG = ("urn:example:mood", "mood")
    text = aioxmpp.xso.Text()


aioxmpp.pubsub.xso.as_payload_class(Mood)


class Pep(unittest.IsolatedAsyncioTestCase):
    async def on_each(self, test):
        self.addCleanup(drop_schema, SCHEMA)
        for storage_name, storage in storages(SCHEMA):
            with self.subTest(storage=storage_name), Server(storage=storage) as server:
                await test(server, *server.pair_of_users(PASSWORD))

    # --- slixmpp ---

    async def make_friends(self, alice, bob):
        alice.send_presence_subscription(pto=bob.boundjid.bare)
        for one, other in ((alice, bob), (bob, alice)):
            await until(lambda one=one, other=other:
                        one.client_roster[other.boundjid.bare]["subscription"] == "both",
                        "a subscription")

    async def avatar(self, alice, bob):
        """XEP-0084, and that the vCard has the same picture; contacts are told twice over."""
        plugin = alice["xep_0084"]
        await plugin.publish_avatar(PNG, timeout=SECONDS)
        await plugin.publish_avatar_metadata([{"id": sha1(PNG), "type": "image/png",
                                               "bytes": str(len(PNG))}], timeout=SECONDS)
        event = await next_of(bob.avatars)
        item = event["pubsub_event"]["items"]["item"]
        self.assertEqual((event["from"].full, item["id"]), (alice.boundjid.bare, sha1(PNG)))
        got = await bob["xep_0084"].retrieve_avatar(alice.boundjid.bare, sha1(PNG),
                                                    timeout=SECONDS)
        data = got["pubsub"]["items"]["item"]["avatar_data"]["value"]
        self.assertEqual(data, PNG)

    async def vcard(self, alice, bob):
        """XEP-0054 and XEP-0153: a card with a photo, whose hash comes with presence."""
        card = alice["xep_0054"].make_vcard()
        card["FN"], card["NICKNAME"] = "Älice & co", "al"
        await alice["xep_0054"].publish_vcard(card, timeout=SECONDS)
        await alice["xep_0153"].set_avatar(avatar=PNG[:500], mtype="image/png", timeout=SECONDS)
        while (await next_of(bob.hashes))["vcard_temp_update"]["photo"] != sha1(PNG[:500]):
            pass
        got = await bob["xep_0054"].get_vcard(alice.boundjid.bare, cached=False, timeout=SECONDS)
        self.assertEqual(got["vcard_temp"]["FN"], "Älice & co")
        self.assertEqual(got["vcard_temp"]["PHOTO"]["BINVAL"], PNG[:500])

    async def bookmarks(self, alice):
        """XEP-0048, stored by XEP-0223 and by XEP-0049, is one and the same."""
        plugin = alice["xep_0048"]
        marks = Bookmarks()
        marks.add_conference(ROOM, "me", autojoin=True, name="A room")
        await plugin.set_bookmarks(marks, method="xep_0223", timeout=SECONDS)
        got = await plugin.get_bookmarks(method="xep_0049", timeout=SECONDS)
        rooms = list(got["private"]["bookmarks"]["conferences"])
        self.assertEqual([(str(room["jid"]), room["nick"]) for room in rooms], [(ROOM, "me")])

    async def publish_bundle(self, client, number):
        """As OMEMO's clients do: the device's bundle, then the list of devices, both open."""
        options = client["xep_0004"].make_form(ftype="submit")
        options.add_field("FORM_TYPE", ftype="hidden",
                          value="http://jabber.org/protocol/pubsub#publish-options")
        options.add_field("pubsub#persist_items", value="true")
        options.add_field("pubsub#access_model", value="open")
        bundle = ET.fromstring(f"<bundle xmlns='{AXOLOTL}'><identityKey>key of {number}"
                               "</identityKey><prekeys>" +
                               "".join(f"<preKeyPublic preKeyId='{n}'>{'QUJD' * 11}</preKeyPublic>"
                                       for n in range(100)) + "</prekeys></bundle>")
        devices = ET.fromstring(f"<list xmlns='{AXOLOTL}'><device id='{number}'/></list>")
        for node, payload in ((f"{BUNDLES}{number}", bundle), (DEVICES, devices)):
            await client["xep_0060"].publish(client.boundjid.bare, node, id="current",
                                             payload=payload, options=options, timeout=SECONDS)

    async def fetch_bundle(self, client, owner, number):
        got = await client["xep_0060"].get_items(owner, f"{BUNDLES}{number}", timeout=SECONDS)
        payload = got["pubsub"]["items"]["item"]["payload"]
        self.assertEqual(payload.find(f"{{{AXOLOTL}}}identityKey").text, f"key of {number}")
        self.assertEqual(len(payload.findall(f".//{{{AXOLOTL}}}preKeyPublic")), 100)

    async def omemo(self, alice, bob, stranger):
        for client, number in ((alice, 1), (bob, 2)):
            await self.publish_bundle(client, number)
        for client, owner in ((alice, bob), (bob, alice)):
            event = await next_of(client.events)
            while event["from"].bare != owner.boundjid.bare:
                event = await next_of(client.events)
        await self.fetch_bundle(alice, bob.boundjid.bare, 2)
        await self.fetch_bundle(bob, alice.boundjid.bare, 1)
        await self.fetch_bundle(stranger, alice.boundjid.bare, 1)

    async def strangers(self, alice, stranger):
        with self.assertRaises(IqError) as refused:
            await stranger["xep_0060"].get_items(alice.boundjid.bare, "urn:xmpp:bookmarks:1",
                                                 timeout=SECONDS)
        self.assertEqual(refused.exception.condition, "not-allowed")

    async def after_a_kill(self, server, name, peer):
        """Acknowledged is on disk; and who comes again gets last items."""
        server.kill()
        server.start()
        server.await_storage()
        alice = await Client(server, name, "again").log_in()
        bob = await Client(server, peer, "again").log_in()
        for client in (alice, bob):
            self.addCleanup(abort, client)
        await self.fetch_bundle(bob, alice.boundjid.bare, 1)
        event = await next_of(bob.avatars)
        self.assertEqual(event["from"].bare, alice.boundjid.bare)
        self.assertTrue(event.xml.find("{urn:xmpp:delay}delay") is not None)
        got = await alice["xep_0048"].get_bookmarks(method="xep_0049", timeout=SECONDS)
        self.assertEqual(len(list(got["private"]["bookmarks"]["conferences"])), 1)
        await alice.log_out()
        await bob.log_out()

    async def slixmpp(self, server, name, peer):
        server.add_user("stranger", PASSWORD)
        alice = await Client(server, name, "a").log_in()
        bob = await Client(server, peer, "b").log_in()
        stranger = await Client(server, "stranger", "s").log_in()
        for client in (alice, bob, stranger):
            self.addCleanup(abort, client)
        await self.make_friends(alice, bob)
        await self.avatar(alice, bob)
        await self.vcard(alice, bob)
        await self.bookmarks(alice)
        await self.omemo(alice, bob, stranger)
        await self.strangers(alice, stranger)
        for client in (alice, bob, stranger):
            await client.log_out()
        await self.after_a_kill(server, name, peer)

    async def test_slixmpp(self):
        await self.on_each(self.slixmpp)

    # --- aioxmpp ---

    async def pep_client(self, server, name, resource):
        """The nodes it wants news of are claimed before it comes."""
        client = AioClient(server, name, resource)
        client.pep = client.client.summon(aioxmpp.PEPClient)
        client.pubsub = client.client.summon(aioxmpp.PubSubClient)
        client.vcard = client.client.summon(aioxmpp.vcard.VCardService)
        client.avatar = client.client.summon(aioxmpp.avatar.AvatarService)
        client.marks = client.client.summon(aioxmpp.BookmarkClient)
        client.moods, client.pictures = asyncio.Queue(), asyncio.Queue()
        client.claim = client.pep.claim_pep_node("urn:example:mood", notify=True)
        client.claim.on_item_publish.connect(
            lambda jid, node, item, message=None: client.moods.put_nowait((jid, item)))
        client.avatar.on_metadata_changed.connect(
            lambda jid, metadata: client.pictures.put_nowait((jid, metadata)))
        self.addAsyncCleanup(client.log_out)
        return await client.log_in()

    async def befriend(self, alice, bob):
        await alice.roster.set_entry(bob.client.local_jid.bare())
        alice.roster.subscribe(bob.client.local_jid.bare())
        await next_of(bob.asked)
        bob.roster.approve(alice.client.local_jid.bare())
        await until(lambda: alice.roster.items.get(bob.client.local_jid.bare()) and
                    alice.roster.items[bob.client.local_jid.bare()].subscription == "to",
                    "a subscription")

    async def moods(self, alice, bob):
        """aioxmpp's PEP client: published by one, told to the other who sees his presence."""
        mood = Mood()
        mood.text = "<fine> & well"
        await bob.pep.publish("urn:example:mood", mood, id_="now")
        while True:
            jid, item = await next_of(alice.moods)
            if jid.bare() == bob.client.local_jid.bare():
                break
        self.assertEqual((item.id_, item.registered_payload.text), ("now", "<fine> & well"))

    async def pictures(self, alice, bob):
        avatars = aioxmpp.avatar.AvatarSet()
        avatars.add_avatar_image("image/png", image_bytes=PNG)
        await asyncio.wait_for(bob.avatar.publish_avatar_set(avatars), SECONDS)
        while True:
            jid, metadata = await next_of(alice.pictures)
            if jid.bare() == bob.client.local_jid.bare() and metadata:
                break
        picture = [one for one in metadata if one.can_get_image_bytes_via_xmpp][0]
        self.assertEqual(await picture.get_image_bytes(), PNG)

    async def cards(self, alice, bob):
        card = await bob.vcard.get_vcard(None)
        tree = card.elements
        name = tree.makeelement("{vcard-temp}FN")
        name.text = "Bob"
        tree.append(name)
        await bob.vcard.set_vcard(card)
        got = await alice.vcard.get_vcard(bob.client.local_jid.bare())
        self.assertEqual(got.elements.findtext("{vcard-temp}FN"), "Bob")

    async def rooms(self, alice):
        await alice.marks.add_bookmark(aioxmpp.bookmarks.Conference(
            "A room", aioxmpp.JID.fromstr(ROOM), autojoin=True, nick="me"))
        got = await alice.marks.get_bookmarks()
        self.assertEqual([(str(one.jid), one.nick) for one in got], [(ROOM, "me")])
        nodes = await alice.pubsub.get_items(alice.client.local_jid.bare(), "urn:xmpp:bookmarks:1")
        self.assertEqual([item.id_ for item in nodes.payload.items], [ROOM])

    async def aioxmpp(self, server, name, peer):
        alice = await self.pep_client(server, name, "a")
        bob = await self.pep_client(server, peer, "b")
        await self.befriend(alice, bob)
        await self.moods(alice, bob)
        await self.pictures(alice, bob)
        await self.cards(alice, bob)
        await self.rooms(alice)
        await alice.log_out()
        await bob.log_out()

    async def test_aioxmpp(self):
        await self.on_each(self.aioxmpp)


if __name__ == "__main__":
    unittest.main()
