#!/usr/bin/env python3
"""Rooms (MUC Light) on each database, of what only a real one shows: one user who creates rooms on
two shards at once, words that are searched for in the archive of a room (XEP-0431), and an owner
whose account is removed while the server does not run."""
import os
import time
import unittest
import xml.etree.ElementTree as ET

from harness import DOMAIN, Server
from rawclient import STANZA_ERROR, Stream, name_of
from storages import drop_schema, storages

PASSWORD = "secret"
LIGHT = "urn:xmpp:muclight:0"
MAM = "urn:xmpp:mam:2"
SERVICE = f"muclight.{DOMAIN}"
MOST = 5
TRIES = 40
LEAVE_SECONDS = 60
NAMES = ("alice", "bob", "carol", "dave", "erin")


def create(room, *members):
    users = "".join(f"<user affiliation='member'>{name}@{DOMAIN}</user>" for name in members)
    return f"<iq type='set' id='{room}' to='{room}@{SERVICE}'><query xmlns='{LIGHT}#create'>" \
           f"<occupants>{users}</occupants></query></iq>"


def search(room, words):
    fields = {"FORM_TYPE": MAM, "{urn:xmpp:fulltext:0}fulltext": words}
    xml = "".join(f"<field var='{name}'><value>{value}</value></field>"
                  for name, value in fields.items())
    return f"<iq type='set' id='search' to='{room}@{SERVICE}'><query xmlns='{MAM}'>" \
           f"<x xmlns='jabber:x:data' type='submit'>{xml}</x></query></iq>"


class Rooms(unittest.TestCase):
    def log_in(self, server, name):
        stream = Stream(server, "tls")
        self.addCleanup(stream.close)
        stream.login(name, PASSWORD)
        stream.be_available()
        return stream

    def answers(self, stream, count):
        """The next answers to iqs; what else comes is passed over."""
        found = []
        while len(found) < count:
            element = stream.next()
            if name_of(element) == "iq":
                found.append(element)
        return found

    def limited(self, server):
        """All requests are under way at once, and the rooms on both shards."""
        stream = self.log_in(server, "alice")
        stream.send("".join(create(f"many{i}", "bob") for i in range(TRIES)))
        answers = self.answers(stream, TRIES)
        self.assertEqual(sum(answer.get("type") == "result" for answer in answers), MOST)
        refused = [answer.find(f".//{{{STANZA_ERROR}}}text").text for answer in answers
                   if answer.get("type") == "error"]
        self.assertEqual(refused, ["room_limit_reached"] * (TRIES - MOST))
        self.assertEqual(len(server.ctl("room", "list", f"alice@{DOMAIN}").splitlines()), MOST)

    def bodies(self, stream, room, words):
        stream.send(search(room, words))
        found = []
        while name_of(element := stream.next()) != "iq":
            found += [body.text for result in element.findall(f"{{{MAM}}}result")
                      for body in result.iter("{jabber:client}body")]
        self.assertEqual(element.get("type"), "result", ET.tostring(element))
        return found

    def searched(self, server):
        carol, dave = self.log_in(server, "carol"), self.log_in(server, "dave")
        carol.send(create("words", "dave") + create("others", "dave"))
        self.answers(carol, 2)
        for room, body in (("words", "Hello, big world"), ("words", "Nothing of the kind"),
                           ("others", "hello over there")):
            carol.send(f"<message to='{room}@{SERVICE}' type='groupchat'><body>{body}</body>"
                       "</message>")
            wait_for_own(carol)
        dave.send(f"<message to='words@{SERVICE}' type='groupchat'><body>hello yourself</body>"
                  "</message>")
        wait_for_own(dave)
        self.assertCountEqual(self.bodies(dave, "words", "HELLO"),
                              ["Hello, big world", "hello yourself"])
        self.assertEqual(self.bodies(dave, "words", "world hello"), ["Hello, big world"])
        self.assertEqual(self.bodies(dave, "words", "there"), [])
        stranger = self.log_in(server, "bob")
        stranger.send(search("words", "hello"))
        self.assertEqual(self.answers(stranger, 1)[0].get("type"), "error")

    def left(self, server):
        """The owner is gone; whoever comes is told within half a minute."""
        erin = self.log_in(server, "erin")
        erin.send(create("left", "carol"))
        self.answers(erin, 1)
        server.stop()
        server.ctl("user", "remove", f"erin@{DOMAIN}")
        server.start()
        server.await_storage()
        carol = self.log_in(server, "carol")
        query = f"<iq type='get' id='who' to='left@{SERVICE}'><query " \
                f"xmlns='{LIGHT}#affiliations'/></iq>"
        deadline = time.monotonic() + LEAVE_SECONDS
        users = {}
        while users != {"carol": "owner"} and time.monotonic() < deadline:
            carol.is_silent(1)
            carol.send(query)
            users = {user.text.split("@")[0]: user.get("affiliation")
                     for user in self.answers(carol, 1)[0].iter(f"{{{LIGHT}#affiliations}}user")}
        self.assertEqual(users, {"carol": "owner"})

    def test_rooms(self):
        schema = f"rt_rooms_{os.getpid()}"
        self.addCleanup(drop_schema, schema)
        modules = {"muc_light": f"{{ rooms_per_user: {MOST} }}"}
        for name, storage in storages(schema):
            with self.subTest(storage=name), \
                    Server(storage=f"{storage}, full_text: true", modules=modules) as server:
                server.import_users([(name, PASSWORD) for name in NAMES])
                self.limited(server)
                self.searched(server)
                self.left(server)


def wait_for_own(stream):
    """Until the room has sent one's own message, the last of all."""
    own = f"/{stream.jid.split('/')[0]}"
    while not stream.next().get("from", "").endswith(own):
        pass


if __name__ == "__main__":
    unittest.main()
