#!/usr/bin/env python3
"""Offline messages on each database, with and without the archive, over SIGKILL: what was kept is
given after it, in order, with its time, once; without the archive, what was acknowledged is kept;
a server that is killed while it gives, or before it has dropped what it gave, gives it again rather
than never. And what a room says."""
import os
import re
import unittest

from harness import DOMAIN, Server
from rawclient import CLIENT, Stream, Unexpected
from storages import drop_schema, storages

PASSWORD = "secret"
MESSAGES = 90
DELAY = "{urn:xmpp:delay}delay"
SID = "{urn:xmpp:sid:0}stanza-id"
SM = "urn:xmpp:sm:3"
SCHEMA = f"rt_offline_{os.getpid()}"
WITHOUT_ARCHIVE = {"mam": None, "inbox": None}
ROOM = f"inn@muclight.{DOMAIN}"
WITH_ROOMS = {"muc_light": "{}",
              "offline": "{ max_user_messages: 300, store_groupchat_messages: true }"}
# Who says what the id of a room's message is: those in whose archives it is.
ROOM_ARCHIVES = [({}, [ROOM]),
                 ({"mam": "{ archive_groupchats: true }"}, [ROOM, f"guest@{DOMAIN}"]),
                 (WITHOUT_ARCHIVE, [])]
LOOKS = 400
SILENCE = 2.5  # seconds; a database that is not there yet is asked again after one


def counted(server, name):
    """A counter, over all shards."""
    return int(re.search(rf'"{name}"[^0-9]*(\d+)', server.ctl("status", "--json")).group(1))


def logged_in(server, user):
    """A stream, once a server that was just started has its connections to the database."""
    for _ in range(LOOKS):
        stream = Stream(server)
        try:
            stream.login(user, PASSWORD)
            return stream
        except Unexpected as answer:
            stream.close()
            if "temporary-auth-failure" not in str(answer):
                raise
    raise Unexpected("the database does not come")


class Offline(unittest.TestCase):
    def wait_for(self, server, name, wanted):
        for _ in range(LOOKS):
            if counted(server, name) == wanted:
                return
        self.fail(f"{name} is {counted(server, name)}, not {wanted}")

    def say(self, server, sender, peer, names):
        """Until all are on disk."""
        before = counted(server, "offline_stored_total")
        with logged_in(server, sender) as stream:
            for name in names:
                stream.send(f"<message type='chat' to='{peer}@{DOMAIN}' id='{name}'>"
                            f"<body>{name}</body></message>")
            stream.ping()
            self.wait_for(server, "offline_stored_total", before + len(names))
            stream.logout()

    def come(self, server, user, most=None):
        """What is given; `most`: the server is killed when so many have come."""
        got = []
        with logged_in(server, user) as stream:
            stream.send("<presence/>")
            stream.expect(CLIENT, "presence")
            while not stream.is_silent(SILENCE) and len(got) != most:
                got.append(stream.expect(CLIENT, "message"))
            if most is not None:
                server.kill()
                server.start()
            else:
                stream.logout()
        return got

    def assert_given(self, messages, names, archived):
        self.assertEqual([message.get("id") for message in messages], names)
        for message in messages:
            self.assertEqual(message.find(DELAY).get("from"), DOMAIN)
            self.assertEqual(message.find(SID) is not None, archived)

    def over_a_kill(self, server, sender, peer, archived):
        names = [f"a{number}" for number in range(MESSAGES)]
        self.say(server, sender, peer, names)
        server.kill()
        server.start()
        self.assert_given(self.come(server, peer), names, archived)
        self.assertEqual(self.come(server, peer), [])
        server.kill()
        server.start()
        self.assertEqual(self.come(server, peer), [])

    def in_the_middle(self, server, sender, peer):
        """Killed as soon as some have come: each comes at least once, in order each time."""
        names = [f"b{number}" for number in range(MESSAGES)]
        self.say(server, sender, peer, names)
        first = [message.get("id") for message in self.come(server, peer, most=5)]
        second = [message.get("id") for message in self.come(server, peer)]
        self.assertEqual(first, names[:5])
        self.assertEqual(second, names[len(names) - len(second):])
        self.assertEqual(self.come(server, peer), [])

    def acknowledged(self, server, sender, peer):
        """Without an archive an acknowledgement (XEP-0198) says that the message is kept: a server
        that is killed the moment it comes has all that it counts."""
        names = [f"c{number}" for number in range(MESSAGES)]
        with logged_in(server, sender) as stream:
            stream.send(f"<enable xmlns='{SM}'/>")
            stream.expect(SM, "enabled")
            stream.send("".join(f"<message type='chat' to='{peer}@{DOMAIN}' id='{name}'>"
                                f"<body>{name}</body></message>" for name in names))
            handled = 0
            while handled < MESSAGES // 2:
                stream.send(f"<r xmlns='{SM}'/>")
                handled = int(stream.expect(SM, "a").get("h"))
            server.kill()
        server.start()
        got = [message.get("id") for message in self.come(server, peer)]
        self.assertGreaterEqual(len(got), handled)
        self.assertEqual(got, names[:len(got)])

    def said_in_a_room(self, server, names):
        """To the host, who is there, and the guest, who is not; until all are on disk."""
        with logged_in(server, "host") as stream:
            stream.send("<presence/>")
            stream.send(f"<iq type='set' id='c' to='{ROOM}'>"
                        "<query xmlns='urn:xmpp:muclight:0#create'><occupants>"
                        f"<user affiliation='member'>guest@{DOMAIN}</user>"
                        "</occupants></query></iq>")
            for name in names:
                stream.send(f"<message type='groupchat' to='{ROOM}' id='{name}'>"
                            f"<body>{name}</body></message>")
            self.wait_for(server, "offline_stored_total", 1 + len(names))
        server.kill()  # and nothing was said to the archive that could still be under way
        server.start()

    def in_a_room(self, server, by):
        names = [f"d{number}" for number in range(MESSAGES)]
        for user in ("host", "guest"):
            server.add_user(user, PASSWORD)
        self.said_in_a_room(server, names)
        got = self.come(server, "guest")
        self.assertEqual([message.get("id") for message in got], ["c", *names])
        for message in got[1:]:
            self.assertEqual(message.get("from"), f"{ROOM}/host@{DOMAIN}")
            self.assertEqual(message.get("to"), f"guest@{DOMAIN}")
            self.assertIsNotNone(message.find(DELAY))
            self.assertEqual(sorted(one.get("by") for one in message.findall(SID)), sorted(by))
        self.assertEqual(self.come(server, "guest"), [])

    def test_rooms(self):
        for number, (modules, by) in enumerate(ROOM_ARCHIVES):
            schema = f"{SCHEMA}_{number}"
            self.addCleanup(drop_schema, schema)
            for storage_name, storage in storages(schema):
                with self.subTest(storage=storage_name, by=by), \
                        Server(storage=storage, modules={**WITH_ROOMS, **modules}) as server:
                    self.in_a_room(server, by)

    def test_offline(self):
        self.addCleanup(drop_schema, SCHEMA)
        for storage_name, storage in storages(SCHEMA):
            for archived in (True, False):
                modules = {"offline": "{}", **({} if archived else WITHOUT_ARCHIVE)}
                with self.subTest(storage=storage_name, archived=archived), \
                        Server(storage=storage, modules=modules) as server:
                    sender, peer = server.pair_of_users(PASSWORD) if archived else ("s", "p")
                    for user in () if archived else (sender, peer):
                        server.add_user(user, PASSWORD)
                    self.over_a_kill(server, sender, peer, archived)
                    self.in_the_middle(server, sender, peer)
                    if not archived:
                        self.acknowledged(server, sender, peer)


if __name__ == "__main__":
    unittest.main()
