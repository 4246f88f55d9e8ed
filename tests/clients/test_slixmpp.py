#!/usr/bin/env python3
"""slixmpp against the server: two clients on different shards, with each mechanism, over STARTTLS
and direct TLS; and accounts that survive a SIGKILL."""
import asyncio
import unittest

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError

from harness import DOMAIN, Server, abort

PASSWORD = "pässword & <co> \U0001f512"
SECONDS = 20
TEXTS = ("hello", "Grüße, 你好, \U0001f99d", "<&> \"quoted\" 'text' ]]> &amp; end",
         "line one\nline two\ttab", "x" * 9000)
MECHANISMS = ("SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN")


class Client(ClientXMPP):
    """Everything that a test waits for comes by a future or a queue."""

    def __init__(self, server, kind, name, password, mechanism):
        super().__init__(f"{name}@{DOMAIN}/{kind}", password, sasl_mech=mechanism)
        self.ca_certs = server.certificate
        self.address_used = ("127.0.0.1", server.port[kind])
        self.direct = kind == "tls"
        self.texts, self.presences = asyncio.Queue(), asyncio.Queue()
        self.ready = asyncio.get_running_loop().create_future()
        self.gone = asyncio.get_running_loop().create_future()
        for plugin in ("xep_0012", "xep_0030", "xep_0092", "xep_0199", "xep_0202"):
            self.register_plugin(plugin)
        self.add_event_handler("session_start", self.on_start)
        self.add_event_handler("message", lambda stanza: self.texts.put_nowait(stanza))
        self.add_event_handler("presence", self.on_presence)
        self.add_event_handler("failed_all_auth", self.on_denied)
        self.add_event_handler("disconnected", self.on_gone)

    def on_start(self, _):
        if not self.ready.done():
            self.ready.set_result(None)

    def on_presence(self, stanza):
        if stanza["from"].bare != self.boundjid.bare:  # the server tells us of ourselves, too
            self.presences.put_nowait(stanza)

    def on_denied(self, _):
        if not self.ready.done():
            self.ready.set_exception(PermissionError("authentication failed"))

    def on_gone(self, _):
        if not self.gone.done():
            self.gone.set_result(None)

    async def log_in(self):
        self.connect(self.address_used, use_ssl=self.direct, force_starttls=not self.direct)
        await asyncio.wait_for(self.ready, SECONDS)
        self.send_presence(pstatus="here")
        await self["xep_0199"].ping(DOMAIN, timeout=SECONDS)  # the presence is through as well
        return self

    async def log_out(self):
        await self.disconnect()
        await asyncio.wait_for(self.gone, SECONDS)

    async def next_text(self):
        return await asyncio.wait_for(self.texts.get(), SECONDS)

    async def next_presence(self):
        return await asyncio.wait_for(self.presences.get(), SECONDS)


class Slixmpp(unittest.IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(log="debug"))
        cls.names = cls.server.pair_of_users(PASSWORD)

    async def client(self, kind, name, mechanism, password=PASSWORD):
        client = Client(self.server, kind, name, password, mechanism)
        self.addCleanup(abort, client)
        return await client.log_in()

    async def say(self, sender, receiver, to, text, kind="chat"):
        sender.send_message(mto=to, mbody=text, mtype=kind)
        got = await receiver.next_text()
        self.assertEqual((got["body"], got["type"], got["from"].full),
                         (text, kind, sender.boundjid.full))

    async def chat(self, alice, bob):
        for text in TEXTS:
            await self.say(alice, bob, bob.boundjid.full, text)
            await self.say(bob, alice, alice.boundjid.bare, text)
        await self.say(alice, bob, bob.boundjid.bare, "normal", kind="normal")

    async def see(self, alice, bob):
        """Directed presence arrives, and so does its end when its sender leaves."""
        alice.send_presence(pto=bob.boundjid.full, pshow="away", pstatus="lunch")
        got = await bob.next_presence()
        self.assertEqual((got["from"].full, got["type"], got["status"]),
                         (alice.boundjid.full, "away", "lunch"))
        await alice.log_out()
        got = await bob.next_presence()
        self.assertEqual((got["from"].full, got["type"]), (alice.boundjid.full, "unavailable"))

    async def ask(self, client):
        """The services of the host."""
        info = await client["xep_0030"].get_info(DOMAIN, timeout=SECONDS)
        identities = {(one[0], one[1]) for one in info["disco_info"]["identities"]}
        self.assertIn(("server", "im"), identities)
        for feature in ("urn:xmpp:ping", "urn:xmpp:time", "jabber:iq:version"):
            self.assertIn(feature, info["disco_info"]["features"])
        version = await client["xep_0092"].get_version(DOMAIN, timeout=SECONDS)
        self.assertEqual(version["software_version"]["name"].lower(), "ringtail")
        time = await client["xep_0202"].get_entity_time(DOMAIN, timeout=SECONDS)
        utc = time["entity_time"].xml.find("{urn:xmpp:time}utc").text  # slixmpp adds a second Z
        self.assertRegex(utc, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        last = await client["xep_0012"].get_last_activity(DOMAIN, timeout=SECONDS)
        self.assertGreaterEqual(last["last_activity"]["seconds"], 0)
        with self.assertRaises(IqError) as refused:
            await client["xep_0092"].get_version(f"nobody@{DOMAIN}/x", timeout=SECONDS)
        self.assertEqual(refused.exception.iq["error"]["condition"], "service-unavailable")

    def check_mechanism(self, mechanism):
        """The server's word on what the last login used."""
        logins = [line for line in self.server.log_text().splitlines()
                  if "event=authenticated" in line]
        self.assertIn(f"mechanism={mechanism}", logins[-1].split())

    async def scenario(self, kind, mechanism):
        alice = await self.client(kind, self.names[0], mechanism)
        self.check_mechanism(mechanism)
        bob = await self.client(kind, self.names[1], mechanism)
        shards = {self.server.shard_of(client.boundjid.bare) for client in (alice, bob)}
        self.assertEqual(len(shards), 2)
        await self.chat(alice, bob)
        await self.ask(alice)
        await self.see(alice, bob)
        await bob.log_out()

    async def test_wrong_password(self):
        for mechanism in MECHANISMS:
            with self.subTest(mechanism=mechanism), self.assertRaises(PermissionError):
                await self.client("tls", self.names[0], mechanism, password="wrong")


class Survival(unittest.IsolatedAsyncioTestCase):
    async def flood(self, server, names):
        """A chat that is under way when the server is killed; both clients notice."""
        alice, bob = [await Client(server, "starttls", name, PASSWORD, None).log_in()
                      for name in names]
        for number in range(2000):
            alice.send_message(mto=bob.boundjid.bare, mbody=str(number), mtype="chat")
        for number in range(20):
            self.assertEqual((await bob.next_text())["body"], str(number))
        server.kill()
        await asyncio.wait_for(asyncio.gather(alice.gone, bob.gone), SECONDS)

    async def test_kill(self):
        with Server() as server:
            names = server.pair_of_users(PASSWORD)
            await self.flood(server, names)
            server.start()
            alice, bob = [await Client(server, "tls", name, PASSWORD, "SCRAM-SHA-256").log_in()
                          for name in names]
            alice.send_message(mto=bob.boundjid.bare, mbody="still here", mtype="chat")
            self.assertEqual((await bob.next_text())["body"], "still here")
            for client in (alice, bob):
                await client.log_out()


class Contacts(unittest.IsolatedAsyncioTestCase):
    async def until(self, what):
        for _ in range(SECONDS * 50):
            if what():
                return
            await asyncio.sleep(0.02)
        self.fail("it did not come")

    async def next_show(self, client, kind):
        while (got := await client.next_presence())["type"] != kind:
            pass
        return got

    async def test_contacts(self):
        """Asked, approved, asked back and approved (slixmpp does that by itself); then each sees
        the other, and the roster is still there after a new login."""
        with Server() as server:
            names = server.pair_of_users(PASSWORD)
            alice, bob = [await Client(server, "tls", name, PASSWORD, None).log_in()
                          for name in names]
            for client in (alice, bob):
                await client.get_roster(timeout=SECONDS)
            to = bob.boundjid.bare
            await alice.update_roster(to, name="Bob", groups=["Friends"], timeout=SECONDS)
            alice.send_presence_subscription(pto=to)
            await self.until(lambda: alice.client_roster[to]["subscription"] == "both")
            bob.send_presence(pshow="away", pstatus="lunch")
            self.assertEqual((await self.next_show(alice, "away"))["status"], "lunch")
            await alice.log_out()
            await self.next_show(bob, "unavailable")
            alice = await Client(server, "tls", names[0], PASSWORD, None).log_in()
            await self.next_show(alice, "away")  # the answer to its probe
            roster = await alice.get_roster(timeout=SECONDS)
            item = roster["roster"]["items"][to]
            self.assertEqual((item["name"], item["groups"], item["subscription"]),
                             ("Bob", ["Friends"], "both"))
            del alice.client_roster[to]
            alice.del_roster_item(to)
            await self.next_show(bob, "unavailable")
            for client in (alice, bob):
                await client.log_out()


def add_scenarios():
    for kind in ("starttls", "tls"):
        for mechanism in MECHANISMS:
            async def test(self, kind=kind, mechanism=mechanism):
                await self.scenario(kind, mechanism)
            setattr(Slixmpp, f"test_{kind}_{mechanism.lower().replace('-', '_')}", test)


add_scenarios()

if __name__ == "__main__":
    unittest.main()
