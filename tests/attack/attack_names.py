"""X4, and what streams say about themselves: namespaces, prefixes, headers, ends, addresses."""
import xml.etree.ElementTree as ET

from rawclient import BIND, CLIENT, STREAM, header, name_of, ns_of
from stage import (BODY, DOMAIN, PASSWORD, PLACES, SECOND_DOMAIN, Attack, before_auth, before_bind,
                   before_header, in_session, same_tree, stanza_error, text_of)

XML = "http://www.w3.org/XML/1998/namespace"
XMLNS = "http://www.w3.org/2000/xmlns/"
WELL_FORMED_ONLY = ("not-well-formed", "bad-namespace-prefix", "invalid-xml", "invalid-namespace")

BAD_BINDINGS = (
    "<x:message to='{me}' type='chat'/>",
    "<message to='{me}'><x:a/></message>",
    "<message to='{me}' x:a='1'/>",
    "<message to='{me}'><a xmlns:p='u'/><p:b/></message>",
    "<message xmlns:p='' to='{me}'/>",
    "<message xmlns:xml='urn:evil' to='{me}'/>",
    f"<message xmlns:p='{XML}' to='{{me}}'/>",
    f"<message xmlns='{XML}' to='{{me}}'/>",
    "<message xmlns:xmlns='urn:evil' to='{me}'/>",
    f"<message xmlns:xmlns='{XMLNS}' to='{{me}}'/>",
    f"<message xmlns:p='{XMLNS}' to='{{me}}'/>",
    f"<message xmlns='{XMLNS}' to='{{me}}'/>",
    "<xmlns:message to='{me}'/>",
    "<message xmlns:a='u' xmlns:b='u' a:x='1' b:x='2' to='{me}'/>",
    "<message xmlns:a='u' xmlns:b='&#117;' a:x='1' b:x='2' to='{me}'/>",
    "<message xmlns:a='u' xmlns:a='v' to='{me}'/>",
    "<message xmlns='jabber:client' xmlns='jabber:server' to='{me}'/>",
    "<message to='{me}' to='victim@localhost'/>",
    "<message to='{me}'><a:b:c xmlns:a='u'/></message>",
    "<message to='{me}'><:a/></message>",
    "<message to='{me}'><a:/></message>",
    "<message xmlns:p='u' to='{me}'><p:1/></message>",
    "<message xmlns:p='u' to='{me}' p:='1'/>",
    "<message xmlns:='u' to='{me}'/>",
    "<message xmlns:p='u' to='{me}'></p:message>",
    "<message xmlns:p='u' to='{me}'><p:a></q:a></message>",
)
KEPT = (
    "<body>x</body><a xmlns=''><b/></a>",
    "<a xmlns='urn:a'><message xmlns='jabber:client' to='victim@localhost'><body>b</body>"
    "</message></a>",
    "<a xmlns='urn:a'><message to='victim@localhost'/></a>",
    "<a xmlns='jabber:server'><message/></a>",
    "<stream:a xmlns:stream='urn:evil'/><stream:b/>",
    "<xml:a/><a xml:lang='de' xml:space='preserve'/>",
    f"<a xmlns:xml='{XML}'/>",
    "<p:a xmlns:p='u' p:x='1' x='2'><a xmlns='u' x='3'/></p:a>",
    "<p:a xmlns:p='jabber:client' xmlns='urn:x'><body/></p:a>",
    "<a xmlns='u&amp;v&lt;&quot;&apos;'/>",
    "<a xmlns=\"it's\" b=\"it's\"/>",
    "<a b='&#10;&#13;&#9;&quot;&apos;&lt;&gt;&amp;'>&#13;&gt;]]&gt;</a>",
    "<p:a xmlns:p='u'><p:a xmlns:p='v'><p:a/></p:a><p:a/></p:a>",
    "<a xmlns:a='jabber:client' a:to='victim@localhost' a:from='victim@localhost'/>",
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='victim@localhost' "
    "to='me@localhost'><body xmlns='jabber:client'>&lt;</body></message></forwarded>",
)


class X4Namespaces(Attack):
    def test_bad_bindings(self):
        for form in BAD_BINDINGS:
            with self.subTest(form):
                stream = in_session()
                stream.send(form.format(me=stream.jid))
                self.assert_ends(stream, *WELL_FORMED_ONLY)

    def test_kept(self):
        """What is forwarded means what it meant, whatever the prefixes."""
        with in_session() as stream:
            for inside in KEPT:
                with self.subTest(inside):
                    got = self.say_to_self(stream, inside.encode())
                    text = f"{header()}<message to='{stream.jid}' from='{stream.jid}'>{inside}" \
                           "</message></stream:stream>"
                    for stanza_id in got.findall("{urn:xmpp:sid:0}stanza-id"):
                        got.remove(stanza_id)  # ours: the archive has it
                    self.assertTrue(same_tree(got, ET.fromstring(text)[0]), text_of(got))

    def test_prefixed_stanza(self):
        """A prefix bound to jabber:client makes a stanza; it is forwarded as one."""
        with in_session() as stream:
            stream.send(f"<c:message xmlns:c='jabber:client' c:type='error' to='{stream.jid}' "
                        "type='chat'><c:body>prefixed</c:body></c:message>")
            got = stream.next()
            self.assertEqual((ns_of(got), got.get("type"), got.findtext(BODY)),
                             (CLIENT, "chat", "prefixed"))

    def test_foreign_stanza(self):
        """Stanzas of another namespace are none, in whatever way it is said."""
        for form in ("<message xmlns='jabber:server' to='{me}'><body>x</body></message>",
                     "<s:message xmlns:s='jabber:server' to='{me}'/>",
                     "<iq xmlns='jabber:server' type='get' id='1'><a/></iq>",
                     "<message xmlns='' to='{me}'/>", "<message xmlns='urn:x' to='{me}'/>",
                     "<stream:message to='{me}'/>", "<message xmlns='jabber:client ' to='{me}'/>",
                     "<message xmlns='JABBER:CLIENT' to='{me}'/>", "<Message to='{me}'/>",
                     "<unknown to='{me}'/>"):
            with self.subTest(form):
                stream = in_session()
                stream.send(form.format(me=stream.jid))
                self.assert_ends(stream, "unsupported-stanza-type", "invalid-namespace",
                                 "bad-namespace-prefix")

    def test_other_prefix_for_stream(self):
        """Allowed by XML; the specification lets a server insist on `stream`."""
        stream = before_header()
        stream.send(f"<s:stream xmlns:s='{STREAM}' xmlns='{CLIENT}' to='{DOMAIN}' version='1.0'>")
        got = stream.next()
        if name_of(got) == "features":
            stream.send("</s:stream>")
            self.assertIsNone(stream.next())
            stream.close()
        else:
            stream.queue.insert(0, got)
            self.assert_ends(stream, "bad-namespace-prefix", "invalid-namespace")


class X4Headers(Attack):
    def begin(self, text):
        stream = before_header()
        stream.send(text)
        return stream

    def test_namespaces(self):
        cases = {
            header(**{"xmlns:stream": "urn:evil"}): ("invalid-namespace", "bad-namespace-prefix"),
            header(**{"xmlns:stream": STREAM + "/"}): ("invalid-namespace",
                                                       "bad-namespace-prefix"),
            header(**{"xmlns:stream": None}): WELL_FORMED_ONLY,
            header(xmlns="urn:evil"): ("invalid-namespace",),
            header(xmlns="jabber:server"): ("invalid-namespace",),
            header(xmlns="jabber:component:accept"): ("invalid-namespace",),
            header(xmlns=""): ("invalid-namespace",),
            header(xmlns=None): ("invalid-namespace",),
            header(xmlns=STREAM): ("invalid-namespace",),
            f"<stream xmlns='{CLIENT}' to='{DOMAIN}' version='1.0'>":
                ("invalid-namespace", "bad-namespace-prefix", "bad-format"),
            f"<stream:features xmlns:stream='{STREAM}' xmlns='{CLIENT}' to='{DOMAIN}'>":
                ("bad-format", "invalid-xml", "invalid-namespace"),
            header(**{"xmlns:xml": "urn:evil"}): WELL_FORMED_ONLY,
            header(**{"xmlns:xmlns": "urn:evil"}): WELL_FORMED_ONLY,
            header(**{"x:y": "1"}): WELL_FORMED_ONLY,
        }
        for text, conditions in cases.items():
            with self.subTest(text):
                self.assert_ends(self.begin(text), *conditions)

    def test_declared_prefixes(self):
        """Prefixes of the header hold in all of the stream, and may be bound anew inside it."""
        with before_header() as stream:
            stream.open_to_auth()
            stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
            stream.open(**{"xmlns:q": "urn:q", "xmlns:db": "jabber:server:dialback"})
            stream.bind()
            got = self.say_to_self(stream, b"<q:a q:b='1'/><q:a xmlns:q='urn:other'/><db:c/>")
            self.assertEqual([child.tag for child in got],
                             ["{urn:q}a", "{urn:other}a", "{jabber:server:dialback}c"])
            self.assertEqual(got[0].attrib, {"{urn:q}b": "1"})

    def test_addresses(self):
        cases = {
            header(to="nowhere.example"): ("host-unknown",),
            header(to="x" * 2000): ("host-unknown", "improper-addressing", "policy-violation"),
            header(to=None): ("improper-addressing", "host-unknown"),
            header(to=""): ("improper-addressing", "host-unknown"),
            header(to="me@localhost"): ("host-unknown", "improper-addressing"),
            header(to="localhost/x"): ("host-unknown", "improper-addressing"),
            header(to="&#x20;localhost"): ("host-unknown", "improper-addressing"),
            header(to="localhost.localhost"): ("host-unknown",),
            header(version=None): ("unsupported-version",),
            header(version="0.9"): ("unsupported-version",),
            header(version="x"): ("unsupported-version",),
            header(version=""): ("unsupported-version",),
        }
        for text, conditions in cases.items():
            with self.subTest(text):
                self.assert_ends(self.begin(text), *conditions)

    def test_error_for_unknown_host(self):
        """The header comes first, also with an error; it names a domain of ours, not the asked."""
        stream = self.begin(header(to="&lt;&apos;evil&apos;>.example"))
        self.assert_ends(stream, "host-unknown", "improper-addressing")
        self.assertEqual(stream.root.get("from"), DOMAIN)
        self.assertEqual(stream.root.get("version"), "1.0")
        self.assertTrue(stream.root.get("id"))

    def test_accepted(self):
        for more in ({"to": "LOCALHOST"}, {"to": DOMAIN + "."}, {"version": "1.1"},
                     {"version": "2.0"}, {"from": "me@localhost"}, {"xml:lang": "de"},
                     {"id": "chosen-by-client"}):
            with self.subTest(more), before_header() as stream:
                stream.send(header(**more))
                self.assertEqual(name_of(stream.next()), "features")
                self.assertEqual(stream.root.get("from"), DOMAIN)
                self.assertNotEqual(stream.root.get("id"), "chosen-by-client")

    def test_language(self):
        """The client's language is echoed only when it is one."""
        for lang in ("&apos;/>&lt;evil/>", "&quot;", "x" * 1000, "&#10;", "<"):
            with self.subTest(lang):
                stream = before_header()
                stream.send(header(**{"xml:lang": lang}))
                got = stream.next()
                self.assertIn((ns_of(got), name_of(got)), ((STREAM, "features"), (STREAM, "error")))
                self.assertLess(len(stream.root.get(f"{{{XML}}}lang")), 40)
                stream.close()

    def test_ids(self):
        """Unique and hard to guess."""
        ids = set()
        for _ in range(50):
            with before_auth() as stream:
                ids.add(stream.root.get("id"))
        self.assertEqual(len(ids), 50)
        self.assertGreaterEqual(min(len(one) for one in ids), 16)

    def test_second_header(self):
        for place, arrive in PLACES.items():
            with self.subTest(place):
                stream = arrive()
                stream.send(header().split("?>", 1)[1])
                self.assertEqual(name_of(stream.next()), "error")
                stream.close()


class Places(Attack):
    """What is said where it does not belong."""

    STANZAS = ("<message to='victim@localhost'><body>x</body></message>", "<presence/>",
               "<iq type='get' id='1' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>",
               f"<iq type='set' id='1'><bind xmlns='{BIND}'/></iq>")

    def test_before_authentication(self):
        for text in self.STANZAS:
            with self.subTest(text):
                stream = before_auth()
                stream.send(text)
                self.assert_ends(stream, "not-authorized")

    def test_before_tls(self):
        for text in self.STANZAS:
            with self.subTest(text):
                stream = before_header("required")
                stream.open()
                stream.send(text)
                self.assert_ends(stream, "not-authorized", "policy-violation")

    def test_before_bind(self):
        for text in self.STANZAS[:3]:
            with self.subTest(text):
                stream = before_bind()
                stream.send(text)
                self.assert_ends(stream, "not-authorized")

    def test_unknown_elements(self):
        for arrive in (before_auth, before_bind, in_session):
            for text in ("<a xmlns='urn:x'/>", "<starttls xmlns='urn:x'/>", "<compress "
                         "xmlns='http://jabber.org/protocol/compress'><method>zlib</method>"
                         "</compress>", "<handshake>abc</handshake>",
                         "<db:result xmlns:db='jabber:server:dialback' from='a' to='b'>x"
                         "</db:result>"):
                with self.subTest(text, place=arrive.__name__):
                    stream = arrive()
                    stream.send(text)
                    self.assert_ends(stream, "unsupported-stanza-type", "not-authorized",
                                     "invalid-namespace", "bad-namespace-prefix")

    def test_compression_is_not_offered(self):
        with before_header("tls") as stream:
            names = {name_of(child) for child in stream.open()}
            self.assertNotIn("compression", names)

    def test_stanza_errors(self):
        """Appendix B: mistakes inside a stanza cost the stanza, not the stream."""
        iq = "<iq type='{0}' id='1' to='{1}'>{2}</iq>"
        ping = "<ping xmlns='urn:xmpp:ping'/>"
        cases = {
            "<message to='@'><body>x</body></message>": ("jid-malformed", "modify"),
            "<message to='a@b@c'/>": ("jid-malformed", "modify"),
            "<message to='localhost/'/>": ("jid-malformed", "modify"),
            f"<message to='{'x' * 1024}@localhost'/>": ("jid-malformed", "modify"),
            "<message to='&#x2028;@localhost'/>": ("jid-malformed", "modify"),
            iq.format("get", DOMAIN, "<a xmlns='urn:x'/>"): ("service-unavailable", "cancel"),
            iq.format("get", DOMAIN, ""): ("bad-request", "modify"),
            iq.format("get", DOMAIN, ping * 2): ("bad-request", "modify"),
            iq.format("subscribe", DOMAIN, ping): ("bad-request", "modify"),
            f"<iq type='get' to='{DOMAIN}'>{ping}</iq>": ("bad-request", "modify"),
            iq.format("get", "nobody@localhost", ping): ("service-unavailable", "cancel"),
            iq.format("get", "nobody@localhost/x", ping): ("service-unavailable", "cancel"),
            iq.format("get", "victim@localhost/x", ping): ("service-unavailable", "cancel"),
            "<message to='x@nowhere.example'/>": ("remote-server-not-found", "cancel"),
            "<presence><priority>128</priority></presence>": ("bad-request", "modify"),
        }
        with in_session() as stream:
            for text, error in cases.items():
                with self.subTest(text):
                    stream.send(text)
                    self.assertEqual(stanza_error(stream.next()), error)
            stream.ping()

    def test_no_answers_to_answers(self):
        """Errors and results are never answered, so nothing can loop."""
        with in_session() as stream:
            for text in ("<message type='error' to='nobody@localhost'/>",
                         "<message type='error' to='@'/>",
                         "<iq type='error' id='1' to='nobody@localhost'/>",
                         "<iq type='result' id='1' to='nobody@localhost/x'/>",
                         "<iq type='result' id='1' to='localhost'/>",
                         "<iq type='error' id='1' to='nowhere.example'><a/><b/></iq>",
                         "<presence type='error' to='nobody@localhost'/>"):
                with self.subTest(text):
                    stream.send(text)
                    stream.ping()  # its answer is the next thing that comes

    def test_same_answer_for_unknown(self):
        """Who asks an account learns nothing of whether it exists (victim does)."""
        with in_session() as stream:
            for payload in ("<ping xmlns='urn:xmpp:ping'/>", "<query xmlns='jabber:iq:last'/>",
                            "<query xmlns='http://jabber.org/protocol/disco#info'/>",
                            "<query xmlns='http://jabber.org/protocol/disco#items'/>",
                            "<query xmlns='jabber:iq:version'/>", "<vCard xmlns='vcard-temp'/>"):
                answers = []
                for name in ("victim", "nobody"):
                    stream.send(f"<iq type='get' id='1' to='{name}@localhost'>{payload}</iq>")
                    answers.append(text_of(stream.next()).replace(name, "NAME"))
                with self.subTest(payload):
                    self.assertEqual(*answers)
            for body in ("<message to='{}@localhost' type='chat'><body>x</body></message>",
                         "<message to='{}@localhost/x' type='headline'><body>x</body></message>"):
                answers = []
                for name in ("victim", "nobody"):
                    stream.send(body.format(name))
                    silent = stream.is_silent(0.2)
                    answers.append("" if silent else text_of(stream.next()).replace(name, "NAME"))
                with self.subTest(body):
                    self.assertEqual(*answers)

    def test_domains_are_apart(self):
        """The same name at another domain is somebody else."""
        with before_header() as stream:
            stream.send(header(to=SECOND_DOMAIN))
            stream.next()
            self.assertEqual(name_of(stream.say_auth("PLAIN", f"\0me\0{PASSWORD}".encode())),
                             "failure")
