#!/usr/bin/env python3
"""What is much goes little by little, on each database: an archive that is emptied is empty at
once, also for who registers the name of a removed account, and over SIGKILL in the middle."""
import os
import re
import unittest

from harness import DOMAIN, SECOND_DOMAIN, Server
from rawclient import CLIENT, Stream, name_of
from storages import drop_schema, storages

PASSWORD = "secret"
OTHER = "other.example"
MESSAGES = 2500  # more than two parts of a removal
SCHEMA = f"rt_removal_{os.getpid()}"
MAM = "urn:xmpp:mam:2"
RSM = "http://jabber.org/protocol/rsm"
LOOKS = 2000


def counted(server, name):
    return int(re.search(rf'"{name}"[^0-9]*(\d+)', server.ctl("status", "--json")).group(1))


class Removal(unittest.TestCase):
    def size(self, server, user):
        """How many messages the user's archive has."""
        with Stream(server) as stream:
            stream.login(user, PASSWORD)
            stream.send(f"<iq type='set' id='q'><query xmlns='{MAM}'><set xmlns='{RSM}'>"
                        "<max>0</max></set></query></iq>")
            result = stream.expect(CLIENT, "iq")
            self.assertEqual(result.get("type"), "result")
            stream.logout()
            return int(result.find(f".//{{{RSM}}}count").text)

    def say(self, server, sender, peer, count):
        with Stream(server) as stream:
            stream.login(sender, PASSWORD)
            stream.send("".join(f"<message type='chat' to='{peer}@{DOMAIN}'><body>{number}</body>"
                                "</message>"
                                for number in range(count)))
            stream.send("<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>")
            while name_of(stream.next()) != "iq":
                pass  # bounces: nobody is there

    def wait_for_steps(self, server):
        """Until a step finds nothing: the counter rests."""
        before = -1
        for _ in range(LOOKS):
            now = counted(server, "removal_steps_total")
            if now and now == before and self.quiet(server):
                return
            before = now
        self.fail("the removal does not end")

    def quiet(self, server):
        with Stream(server) as stream:
            stream.login("c", PASSWORD)
            return stream.is_silent(1.5)

    def over_a_kill(self, server):
        self.say(server, "a", "b", MESSAGES)
        self.assertEqual(self.size(server, "a"), MESSAGES)
        server.ctl("archive", "remove", f"a@{DOMAIN}")
        self.assertEqual(self.size(server, "a"), 0)
        server.kill()
        server.start()
        server.await_storage()
        self.assertEqual(self.size(server, "a"), 0)
        self.say(server, "a", "b", 3)
        self.assertEqual(self.size(server, "a"), 3)
        self.assertEqual(self.size(server, "b"), MESSAGES + 3)

    def name_again(self, server):
        server.ctl("user", "remove", f"b@{DOMAIN}")
        server.add_user("b", PASSWORD)
        self.assertEqual(self.size(server, "b"), 0)
        self.wait_for_steps(server)
        self.assertEqual(self.size(server, "b"), 0)
        self.assertEqual(self.size(server, "a"), 3)

    def refused(self, server):
        with self.assertRaises(Exception):
            server.ctl("domain", "remove", DOMAIN)
        with self.assertRaises(Exception):
            server.ctl("domain", "remove", OTHER)
        with self.assertRaises(Exception):
            server.ctl("archive", "remove", f"a@{DOMAIN}", "yesterday")

    def domain(self, server):
        """Taken out of the configuration, it goes with its accounts and rooms."""
        server.add_user("a", PASSWORD, domain=SECOND_DOMAIN)
        room = f"tea@muclight.{SECOND_DOMAIN}"
        server.ctl("room", "create", room, f"a@{SECOND_DOMAIN}")
        server.stop()
        server.domains = [DOMAIN]
        server.write_config()
        server.start()
        server.await_storage()
        server.ctl("domain", "remove", SECOND_DOMAIN)
        self.wait_for_steps(server)
        with self.assertRaises(Exception) as refused:
            server.ctl("domain", "remove", SECOND_DOMAIN)
        self.assertIn("nothing is stored", str(refused.exception))
        server.stop()
        server.domains = [DOMAIN, SECOND_DOMAIN]
        server.write_config()
        server.start()
        server.await_storage()
        self.assertEqual(server.ctl("room", "list", f"muclight.{SECOND_DOMAIN}"), "")
        self.assertEqual(server.ctl("user", "list", SECOND_DOMAIN), "")

    def contacts(self, server):
        """Of an account that is removed while its user is away: they are told (RFC 6121 2.5)."""
        roster = "<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>"
        server.add_user("d", PASSWORD)
        with Stream(server) as stays, Stream(server) as leaves:
            for stream, user, peer in ((stays, "c", "d"), (leaves, "d", "c")):
                stream.login(user, PASSWORD)
                stream.send(f"{roster}<presence/>"
                            f"<presence type='subscribed' to='{peer}@{DOMAIN}'/>"
                            f"<presence type='subscribe' to='{peer}@{DOMAIN}'/>")
            self.until_item(stays, "both")
            self.until_item(leaves, "both")
            leaves.logout()
            server.ctl("user", "remove", f"d@{DOMAIN}")
            self.until_item(stays, "none")
            stays.logout()

    def until_item(self, stream, subscription):
        item = None
        while item is None or item.get("subscription") != subscription:
            item = stream.next().find(".//{jabber:iq:roster}item")

    def test_removal(self):
        self.addCleanup(drop_schema, SCHEMA)
        for name, storage in storages(SCHEMA):
            with self.subTest(storage=name), \
                    Server(storage=storage, modules={"muc_light": "{}"}) as server:
                for user in "abc":
                    server.add_user(user, PASSWORD)
                self.refused(server)
                self.over_a_kill(server)
                self.name_again(server)
                self.contacts(server)
                self.domain(server)


if __name__ == "__main__":
    unittest.main()
