#!/usr/bin/env python3
"""ringtailctl import mongooseim, from a scratch database with MongooseIM's tables into each
storage: who had an account logs in with the old password, and finds what was there."""
import hashlib
import os
import re
import subprocess
import sys
import time
import unittest
import xml.etree.ElementTree as ET

import mongooseim
from harness import DOMAIN, SECOND_DOMAIN, Server, environment
from mongooseim import MongooseIM
from rawclient import CLIENT, Stream, Unexpected
from storages import drop_schema, storages

PG = os.environ.get("RINGTAIL_TEST_PG")
SECONDS = 20
SCHEMA = f"rt_mim_{os.getpid()}"
MANY = 1200  # more than two pages
START_US = 1683705600000000  # 2023-05-10
OLD_US = 1483228800000000  # 2017-01-01, before ids begin
ALICE, BOB, CAROL = (f"{name}@{DOMAIN}" for name in ("alice", "bob", "carol"))
EVE, FAR = f"eve@{SECOND_DOMAIN}", "friend@far.example"
PASSWORDS = {"alice": "old pässword", "bob": "bob's", "carol": "carol,s"}
FORMATS = {"sqlite": (mongooseim.as_compressed_term, mongooseim.relative),
           "postgresql": (str.encode, mongooseim.whole)}
VCARD = ("<vCard xmlns='vcard-temp'><FN>Alice &amp; co</FN>"
         "<PHOTO><BINVAL>AAAA</BINVAL></PHOTO></vCard>")
BOOKMARKS = "<storage xmlns='storage:bookmarks'><conference jid='room@muc.example'/></storage>"
PUBSUB = "http://jabber.org/protocol/pubsub"
MAM, RSM, INBOX = "urn:xmpp:mam:2", "http://jabber.org/protocol/rsm", "urn:xmpp:inbox:1"


def message(sender, recipient, name, body, more=""):
    given = f" id='{name}'" if name else ""
    return f"<message from='{sender}' to='{recipient}' type='chat'{given}><body>{body}</body>" \
           f"{more}</message>"


def fill_accounts(mim):
    mim.user(ALICE, details=mongooseim.multi_scram(PASSWORDS["alice"]))
    mim.user(BOB, details=mongooseim.old_scram(PASSWORDS["bob"]))
    mim.user(CAROL, PASSWORDS["carol"])
    mim.user(EVE, details=mongooseim.multi_scram("eve"))
    mim.user("zoe@elsewhere.example", "zoe")
    mim.insert("last", server=DOMAIN, username="carol", seconds=1683700000, state="gone")


def fill_rosters(mim):
    rows = ((BOB, "Bob <B>", "B", "N", ""), (CAROL, "", "N", "O", ""), (EVE, "", "T", "N", ""),
            (FAR, "", "N", "I", "let me & in"))
    for jid, nick, subscription, ask, words in rows:
        mim.insert("rosterusers", server=DOMAIN, username="alice", jid=jid, nick=nick,
                   subscription=subscription, ask=ask, askmessage=words)
    for group in ("Work", "Friends"):
        mim.insert("rostergroups", server=DOMAIN, username="alice", jid=BOB, grp=group)
    mim.insert("rosterusers", server=DOMAIN, username="bob", jid=ALICE, nick="Alice",
               subscription="B", ask="N", askmessage="")


def fill_archive(mim):
    minute = 60000000
    mim.say(f"{ALICE}/a", BOB, START_US, message(f"{ALICE}/a", BOB, "m1", "one &lt; two"))
    mim.say(f"{BOB}/b", f"{ALICE}/a", START_US + minute,
            message(f"{BOB}/b", f"{ALICE}/a", "m2", "two"))
    mim.store(ALICE, BOB, "O", START_US + 2 * minute, message(f"{ALICE}/a", BOB, "m3", "three"))
    mim.store(ALICE, f"{FAR}/f", "I", START_US + 3 * minute,
              message(f"{FAR}/f", ALICE, "m4", "four"))
    mim.say(f"{ALICE}/a", EVE, START_US + 4 * minute, message(f"{ALICE}/a", EVE, "m5", "five"))
    mim.store(ALICE, ALICE, "O", START_US + 5 * minute, message(f"{ALICE}/a", ALICE, "m6", "six"))
    mim.say(f"{ALICE}/a", BOB, OLD_US, message(f"{ALICE}/a", BOB, "m7", "seven"))
    for number in range(2):  # twice the same, without an id
        mim.say(f"{BOB}/b", ALICE, START_US + 6 * minute + number * 500000,
                message(f"{BOB}/b", ALICE, "", "eight", "<x xmlns='urn:x'>&amp;</x>"), 700000)
    for number in range(MANY):
        mim.say(f"{CAROL}/c", EVE, START_US + 60 * minute + number * 10000,
                message(f"{CAROL}/c", EVE, f"p{number}", f"p{number}"))
    mim.insert("mam_config", user_id=mim.archive(BOB), remote_jid="", behaviour="N")
    mim.insert("mam_config", user_id=mim.archive(BOB), remote_jid=mim.address(BOB, ALICE)
               if mim.address is mongooseim.whole else ALICE, behaviour="A")


def fill_inbox(mim):
    def add(user, peer, name, xml, unread, **more):
        mim.insert("inbox", luser=user, lserver=DOMAIN, remote_bare_jid=peer, msg_id=name,
                   content=xml.encode(), timestamp=START_US, unread_count=unread, **more)
    add("alice", BOB, "m2", message(BOB, ALICE, "m2", "two"), 2, muted_until=START_US * 2)
    add("alice", FAR, "m4", message(FAR, ALICE, "m4", "four"), 1, box="archive")
    add("bob", ALICE, "m3", message(ALICE, BOB, "m3", "three"), 0)
    add("alice", f"room@muclight.{DOMAIN}", "g",
        "<message type='groupchat' from='room@x/bob@y'><body>hi</body></message>", 3)


def fill_rooms(mim):
    room, name, server = f"tea@muclight.{DOMAIN}", "tea", f"muclight.{DOMAIN}"
    mim.insert("muc_light_rooms", id=7, luser=name, lserver=server, version="1683-705600-1")
    for user, affiliation in (("bob", 2), ("alice", 1)):
        mim.insert("muc_light_occupants", room_id=7, luser=user, lserver=DOMAIN, aff=affiliation)
    for field, value in (("roomname", "Tea \\ more\nlines"), ("subject", "green")):
        mim.insert("muc_light_config", room_id=7, opt=field, val=value)
    mim.insert("muc_light_blocking", luser="bob", lserver=DOMAIN, what=2, who=FAR)
    for number, (nick, body) in enumerate((("", ""), (f"/{BOB}", "in the room"))):
        mim.insert("mam_muc_message", id=START_US + 5000000 + number * 1000000 << 8 | 1,
                   room_id=mim.archive(room), sender_id=mim.archive(BOB), nick_name=nick[1:],
                   message=f"<message from='{room}{nick}' type='groupchat' id='r{number}'>"
                           f"<body>{body}</body></message>".encode())
    mim.insert("inbox", luser="alice", lserver=DOMAIN, remote_bare_jid=room, msg_id="r1",
               content=f"<message type='groupchat' from='{room}/{BOB}'><body>x</body></message>"
               .encode(), timestamp=START_US, unread_count=1)


def fill_privacy(mim):
    mim.insert("privacy_list", server=DOMAIN, username="alice", name="blocking", id=1)
    mim.insert("privacy_list", server=DOMAIN, username="alice", name="other", id=2)
    mim.insert("privacy_default_list", server=DOMAIN, username="alice", name="blocking")
    kinds = {"match_all": False, "match_iq": False, "match_message": True,
             "match_presence_in": True, "match_presence_out": False}
    mim.insert("privacy_list_data", id=1, t="j", value="Spam@far.example", action="b", ord=1,
               **{**kinds, "match_all": True})
    mim.insert("privacy_list_data", id=2, t="g", value="Work", action="a", ord=3, **kinds)
    mim.insert("privacy_list_data", id=2, t="n", value="", action="d", ord=4, **kinds)


def fill(mim):
    for part in (fill_accounts, fill_rosters, fill_archive, fill_inbox, fill_rooms,
                 fill_privacy):
        part(mim)
    mim.insert("vcard", username="alice", server=DOMAIN, vcard=VCARD)
    mim.insert("private_storage", username="alice", server=DOMAIN, namespace="storage:bookmarks",
               data=BOOKMARKS)
    for place, (key, model) in enumerate(((ALICE, "open"), (ALICE, "authorize"),
                                          ("pubsub.localhost", "open"))):
        mim.insert("pubsub_nodes", nidx=place + 1, p_key=key, name=f"urn:node:{model}", type="pep",
                   owners=f'["{ALICE}"]',
                   options=f'{{"access_model": "{model}", "max_items": 10}}')
        for number in range(2):
            who = {f"{made}_{part}": value for made in ("created", "modified")
                   for part, value in (("luser", "alice"), ("lserver", DOMAIN))}
            mim.insert("pubsub_items", nidx=place + 1, itemid=f"i{number}", created_at=START_US,
                       modified_lresource="r", modified_at=START_US + number, **who,
                       payload=f"<item><n xmlns='urn:n'>{number}</n></item>")
    mim.insert("muc_registered", muc_host="muc.example", jid=ALICE, nick="al")
    for number in range(2):
        mim.insert("offline_message", server=DOMAIN, username="bob", from_jid=f"{FAR}/f",
                   timestamp=START_US + number, expire=None if number else START_US * 2,
                   packet=message(f"{FAR}/f", BOB, f"w{number}", f"waits {number}"))
    mim.commit()


def spoil(mim):
    """Rows that cannot be imported, each of a table."""
    mim.user(f"dave@{DOMAIN}", details="==SCRAM==,x,y,z,4096")
    mim.insert("rosterusers", server=DOMAIN, username="nobody", jid=BOB, nick="",
               subscription="B", ask="N", askmessage="")
    mim.insert("mam_message", id=START_US << 8, user_id=mim.archive(ALICE), from_jid=ALICE,
               remote_bare_jid=BOB, remote_resource="", direction="O",
               message=b"\x83P\xff\xff\xff\xffbomb")
    mim.commit()


def unspoil(mim):
    mim.run("DELETE FROM users WHERE username = 'dave';"
            " DELETE FROM rosterusers WHERE username = 'nobody';"
            f" DELETE FROM mam_message WHERE id = {START_US << 8}")


class Imported:
    """What the program said."""

    def __init__(self, server, mim, *words):
        out = subprocess.run([server.ctl_program, "-c", server.config, "import", "mongooseim",
                              "--conninfo", mim.conninfo, *words], text=True, check=False,
                             capture_output=True, env=environment(), timeout=120)
        self.code, self.text, self.errors = out.returncode, out.stdout, out.stderr
        self.rows = {line.split()[0]: list(map(int, line.split()[1:]))
                     for line in out.stdout.splitlines() if re.fullmatch(r"\w+( +\d+)+", line)}

    def column(self, number):
        return {name: row[number] for name, row in self.rows.items()}


ROWS = {"users": 4, "rosterusers": 5, "mam_message": 15 + 2 * MANY, "inbox": 5,
        "muc_light_rooms": 1, "muc_light_blocking": 1, "mam_muc_message": 2, "mam_config": 2,
        "privacy_list": 2, "last": 1, "offline_message": 2, "vcard": 1, "private_storage": 1,
        "pubsub_items": 4}
NEW = {**ROWS, "mam_message": 9 + MANY, "inbox": 4}


class Import(unittest.TestCase):
    def ask(self, stream, kind, payload, to=""):
        """An iq; what came before the answer, and the answer."""
        stream.send(f"<iq type='{kind}' id='q'{to}>{payload}</iq>")
        before = []
        while True:
            element = stream.next()
            if element.tag == f"{{{CLIENT}}}iq" and element.get("id") == "q":
                self.assertEqual(element.get("type"), "result", ET.tostring(element))
                return before, element
            before.append(element)

    def archive(self, stream):
        """Bodies, and the time that each is said to be of."""
        before, _ = self.ask(stream, "set", f"<query xmlns='{MAM}'/>")
        before = [one for one in before if one.find(f"{{{MAM}}}result") is not None]
        return [(one.find(f".//{{{CLIENT}}}body").text,
                 one.find(f".//{{{CLIENT}}}message").get("from"),
                 one.findall(".//{urn:xmpp:delay}delay")) for one in before]

    def conversations(self, stream):
        before, _ = self.ask(stream, "get", f"<inbox xmlns='{INBOX}'/>")
        entries = [one.find(f"{{{INBOX}}}entry") for one in before]
        return {one.get("jid"): int(one.get("unread")) for one in entries if one is not None}

    def look_at_alice(self, stream):
        _, answer = self.ask(stream, "get", "<query xmlns='jabber:iq:roster'/>")
        items = {item.get("jid"): item for item in answer[0]}
        self.assertEqual(set(items), {BOB, CAROL, EVE})
        bob = items[BOB]
        self.assertEqual((bob.get("name"), bob.get("subscription")), ("Bob <B>", "both"))
        self.assertEqual(sorted(group.text for group in bob), ["Friends", "Work"])
        self.assertEqual(items[CAROL].get("ask"), "subscribe")
        self.assertEqual(items[EVE].get("subscription"), "to")
        stream.send("<presence/>")
        got = [stream.next() for _ in range(2)]
        request = [one for one in got if one.get("type") == "subscribe"]
        self.assertEqual([one.get("from") for one in request], [FAR])
        self.assertEqual(request[0].findtext(f"{{{CLIENT}}}status"), "let me & in")
        found = self.archive(stream)
        self.assertEqual([body for body, _, _ in found],
                         ["seven", "one < two", "two", "three", "four", "five", "six", "eight",
                          "eight"])
        self.assertEqual(found[1][1], f"{ALICE}/a")
        self.assertEqual(found[1][2][0].get("stamp"), "2023-05-10T08:00:00Z")
        self.assertEqual([one.get("stamp") for one in found[0][2]][-1], "2017-01-01T00:00:00Z")
        self.assertEqual(self.conversations(stream),
                         {BOB: 2, FAR: 1, f"tea@muclight.{DOMAIN}": 1})
        self.look_at_room(stream)
        _, answer = self.ask(stream, "get", "<blocklist xmlns='urn:xmpp:blocking'/>")
        self.assertEqual([item.get("jid") for item in answer[0]], ["spam@far.example"])
        _, answer = self.ask(stream, "get", "<query xmlns='jabber:iq:privacy'/>")
        self.assertEqual({one.get("name") for one in answer[0] if one.tag.endswith("}list")}
                         - {"blocking"}, {"other"})

    def look_at_documents(self, stream):
        _, answer = self.ask(stream, "get", "<vCard xmlns='vcard-temp'/>")
        self.assertEqual(answer[0].findtext("{vcard-temp}FN"), "Alice & co")
        _, answer = self.ask(stream, "get", "<query xmlns='jabber:iq:private'>"
                             "<storage xmlns='storage:bookmarks'/></query>")
        self.assertEqual([room.get("jid") for room in answer[0][0]], ["room@muc.example"])
        _, answer = self.ask(stream, "get", f"<pubsub xmlns='{PUBSUB}'>"
                             "<items node='urn:node:open'/></pubsub>")
        self.assertEqual([(item.get("id"), item[0].text) for item in answer[0][0]],
                         [("i1", "1"), ("i0", "0")])
        stream.send("<presence/>")
        presences = [stream.expect(CLIENT, "presence") for _ in range(2)]  # one asks, as before
        own = [one for one in presences if not one.get("type")][0]
        photo = own.find(".//{vcard-temp:x:update}photo")
        self.assertEqual(photo.text, hashlib.sha1(bytes(3)).hexdigest())

    def look_at_room(self, stream):
        """A room, its archive, and who does not want to be brought into one."""
        room, light = f"tea@muclight.{DOMAIN}", "urn:xmpp:muclight:0"
        _, answer = self.ask(stream, "get", f"<query xmlns='{light}#info'/>", f" to='{room}'")
        found = [(one.tag.split("}")[1], one.get("affiliation"), one.text)
                 for part in answer[0] for one in (list(part) or [part])]
        self.assertEqual(found, [("version", None, "1683-705600-1"),
                                 ("roomname", None, "Tea \\ more\nlines"),
                                 ("subject", None, "green"), ("user", "owner", ALICE),
                                 ("user", "member", BOB)])
        got, _ = self.ask(stream, "set", f"<query xmlns='{MAM}'/>", f" to='{room}'")
        self.assertEqual([one.findtext(f".//{{{CLIENT}}}body") for one in got],
                         ["", "in the room"])

    def look_as_a_stranger(self, stream):
        """What is open stays so, and what is not known here is closed."""
        def items(model):
            return (f"<pubsub xmlns='{PUBSUB}'><items node='urn:node:{model}'/></pubsub>")
        _, answer = self.ask(stream, "get", items("open"), f" to='{ALICE}'")
        self.assertEqual(len(answer[0][0]), 2)
        stream.send(f"<iq type='get' id='r' to='{ALICE}'>{items('authorize')}</iq>")
        self.assertEqual(stream.expect(CLIENT, "iq").get("type"), "error")

    def look_at_bob(self, stream):
        stream.send("<presence/>")
        waited = [one.findtext(f"{{{CLIENT}}}body") for one in (stream.next(), stream.next(),
                                                                stream.next())]
        self.assertEqual([body for body in waited if body], ["waits 0", "waits 1"])
        self.assertEqual([body for body, _, _ in self.archive(stream)],
                         ["seven", "one < two", "two", "eight", "eight"])
        self.assertEqual(self.conversations(stream), {ALICE: 0})
        _, answer = self.ask(stream, "get", f"<prefs xmlns='{MAM}'/>")
        self.assertEqual(answer[0].get("default"), "never")
        self.assertEqual([jid.text for jid in answer[0].iter(f"{{{MAM}}}jid")], [ALICE])

    def login(self, server, name, mechanism):
        """A server that has just started may not have reached its database."""
        deadline = time.monotonic() + SECONDS
        while True:
            stream = Stream(server)
            try:
                stream.login(name, PASSWORDS[name], mechanism)
                return stream
            except Unexpected as failure:
                stream.close()
                if "temporary-auth-failure" not in str(failure) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def look(self, server):
        for name, mechanism in (("alice", "SCRAM-SHA-1"), ("alice", "SCRAM-SHA-512"),
                                ("bob", "SCRAM-SHA-1"), ("carol", "PLAIN"), ("alice", "PLAIN")):
            with self.login(server, name, mechanism) as stream:
                if (name, mechanism) == ("alice", "SCRAM-SHA-1"):
                    self.look_at_alice(stream)
                if name == "bob":
                    self.look_at_bob(stream)
                if name == "carol":
                    self.look_as_a_stranger(stream)
                if (name, mechanism) == ("alice", "PLAIN"):
                    self.look_at_documents(stream)
                stream.logout()

    def refuses(self, server, mim):
        """While a server runs, and what cannot be imported."""
        running = Imported(server, mim)
        self.assertEqual(running.code, 1)
        self.assertIn("no server runs", running.errors)
        dry = Imported(server, mim, "--dry-run")  # which needs nothing
        self.assertEqual((dry.code, dry.column(0)), (0, ROWS), dry.text + dry.errors)
        self.assertEqual(server.ctl("user", "list"), "")
        server.stop()
        for words in (("--domain", "nowhere.example"), ("--what",)):
            self.assertNotEqual(Imported(server, mim, *words).code, 0)

    def imports(self, server, mim):
        one = Imported(server, mim, "--domain", SECOND_DOMAIN)
        self.assertEqual((one.code, one.rows["users"][1]), (0, 1), one.text + one.errors)
        self.assertEqual(one.rows["mam_message"][1], 1 + MANY)
        spoil(mim)
        first = Imported(server, mim)
        self.assertEqual(first.code, 1, first.text + first.errors)
        self.assertEqual(first.column(1), {**NEW, "users": 3, "mam_message": 8}, first.text)
        self.assertEqual(first.rows["mam_message"][3], 6 + MANY)
        for said in ("users: dave@localhost: ", "rosterusers: nobody: there is no such account",
                     f"id {START_US << 8}: it is not a message",
                     "muc_registered: 1 rows not imported",
                     "users: 1 accounts of domains",
                     "inbox: 1 conversations of rooms", "localhost has 3 accounts here, 4 there"):
            self.assertIn(said, first.text)
        unspoil(mim)

    def repeats(self, server, mim):
        now_us = int(time.time() * 1000000)
        young = message(f"{ALICE}/a", BOB, "young", "young")
        mim.store(ALICE, BOB, "O", now_us - 45000000, young)  # its other half may yet come
        mim.store(ALICE, BOB, "O", now_us, young)
        mim.commit()
        early = Imported(server, mim)
        self.assertEqual(early.code, 0, early.text + early.errors)
        self.assertEqual((early.column(0), early.column(2)), (ROWS, NEW), early.text)
        self.assertIn("mam_message: 2 rows were left for another run", early.text)
        mim.run(f"DELETE FROM mam_message WHERE id >= {now_us - 60000000 << 8}")
        again = Imported(server, mim)
        self.assertEqual(again.code, 0, again.text + again.errors)
        self.assertEqual(set(again.column(1).values()), {0}, again.text)
        self.assertEqual(again.column(2), NEW, again.text)
        self.assertIn("4 have as many messages here as there, 0 fewer, 0 more", again.text)

    def test_import(self):
        if not PG:
            print("RINGTAIL_TEST_PG has no conninfo: not tested", file=sys.stderr)
            return
        self.addCleanup(drop_schema, SCHEMA)
        for name, storage in storages(SCHEMA):
            mim = MongooseIM(PG, f"{SCHEMA}_{name}", *FORMATS[name])
            self.addCleanup(mim.drop)
            fill(mim)
            with self.subTest(storage=name), \
                    Server(storage=storage, modules={"offline": "{}", "muc_light": "{}"}) as server:
                self.refuses(server, mim)
                self.imports(server, mim)
                self.repeats(server, mim)
                server.start()
                self.look(server)


if __name__ == "__main__":
    unittest.main(verbosity=2)
