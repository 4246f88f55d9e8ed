"""X1 and X2: document types, entities, and everything that is too big, too deep or too slow."""
import time

import stage
from rawclient import STREAM, Closed, header, name_of, ns_of
from stage import PASSWORD, PLACES, Attack, before_auth, before_header, in_session, stream_error

MEGABYTE = 1 << 20
CHUNK = 1 << 16
DECLARATION = "<?xml version='1.0'?>"
BARE_HEADER = header().removeprefix(DECLARATION)


def laughs(levels=9):
    entities = "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, levels + 1))
    return f"<!DOCTYPE lolz [<!ENTITY a0 'lol'>{entities}]>"


RESTRICTED = {
    "billion laughs": laughs(),
    "quadratic blowup": f"<!DOCTYPE q [<!ENTITY q '{'x' * 3000}'>]>",
    "external entity": "<!DOCTYPE e [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>",
    "parameter entity": "<!DOCTYPE p [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/p'>%p;]>",
    "external subset": "<!DOCTYPE s PUBLIC '-//x' 'http://127.0.0.1:1/s.dtd'>",
    "attribute defaults": "<!DOCTYPE a [<!ATTLIST message to CDATA 'victim@localhost'>]>",
    "bare document type": "<!DOCTYPE x>",
    "lone entity": "<!ENTITY a 'b'>",
}
# What is no XMPP either, but has no declarations: here the specification leaves a choice.
UNWANTED = {
    "comment": "<!-- comment -->",
    "processing instruction": "<?php echo 1; ?>",
    "style sheet": "<?xml-stylesheet href='x'?>",
}
REFUSALS = [(what, text, ("restricted-xml",)) for what, text in RESTRICTED.items()] + \
           [(what, text, ("restricted-xml", "not-well-formed")) for what, text in UNWANTED.items()]


class X1Restricted(Attack):
    def test_at_header(self):
        for kind in ("plain", "tls"):
            for what, text, conditions in REFUSALS:
                for begin in (DECLARATION, ""):
                    with self.subTest(what, kind=kind, declaration=bool(begin)):
                        stream = before_header(kind)
                        stream.send(begin + text + BARE_HEADER)
                        self.assert_ends(stream, *conditions)

    def test_in_stream(self):
        for place, arrive in PLACES.items():
            for what, text, conditions in REFUSALS:
                for begin in ("", "<message><body>"):
                    with self.subTest(what, place=place, begin=begin):
                        stream = arrive()
                        stream.send(begin + text)
                        self.assert_ends(stream, *conditions)

    def test_entities(self):
        """Five are known; others are not, even when their name looks like a harmless one."""
        for place, arrive in PLACES.items():
            for entity in ("&lol;", "&nbsp;", "&AMP;", "&a9;"):
                for text in (f"<message><body>{entity}</body></message>",
                             f"<message id='{entity}'/>"):
                    with self.subTest(text, place=place):
                        stream = arrive()
                        stream.send(text)
                        self.assert_ends(stream, "restricted-xml", "not-well-formed")

    def test_known_entities(self):
        with in_session() as stream:
            got = self.say_to_self(
                stream, b"<body x='&quot;&#10;&lt;'>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F99D;</body>")
            self.assertEqual(got.findtext(stage.BODY), "<>&'\"A\U0001f99d")
            self.assertEqual(got.find(stage.BODY).get("x"), "\"\n<")

    def test_declaration_again(self):
        for place, arrive in PLACES.items():
            with self.subTest(place=place):
                stream = arrive()
                stream.send(DECLARATION + "<presence/>")
                self.assert_ends(stream, "restricted-xml", "not-well-formed")

    def test_costs_nothing(self):
        """Less than a millisecond of CPU, connection and all."""
        tries, before = 50, stage.server.status()["cpu_us"]
        for _ in range(tries):
            stream = before_header()
            stream.send(DECLARATION + laughs() + BARE_HEADER)
            self.assert_ends(stream, "restricted-xml")
        each = (stage.server.status()["cpu_us"] - before) / tries
        print(f"attack: billion laughs: {each:.0f} us of CPU", flush=True)
        self.assertLess(each, 10000 if stage.server.is_sanitized() else 1000)


def endless(begin, piece, total):
    """Chunks of text: begin, then that many bytes of pieces."""
    yield begin
    block = piece * max(1, CHUNK // len(piece))
    for _ in range(0, total, len(block)):
        yield block


def counted(begin, form, count):
    """Chunks of text: begin, then numbered pieces."""
    yield begin
    for first in range(0, count, 500):
        yield "".join(form.format(number) for number in range(first, min(first + 500, count)))


HUGE = {
    "1,000 deep": lambda: endless("", "<a>", 3000),
    "10,000 attributes": lambda: counted("<message", " a{}='1'", 10000),
    "10,000 attributes of one prefix": lambda: counted("<message xmlns:p='u'", " p:a{}='1'", 10000),
    "100,000 children": lambda: endless("<message>", "<a/>", 400000),
    "10 MB attribute": lambda: endless("<message id='", "x", 10 * MEGABYTE),
    "10 MB text": lambda: endless("<message><body>", "x", 10 * MEGABYTE),
    "10 MB character data": lambda: endless("<message><![CDATA[", "x", 10 * MEGABYTE),
    "10 MB character references": lambda: endless("<message><body>", "&#65;", 10 * MEGABYTE),
    "1 MB element name": lambda: endless("<", "n", MEGABYTE),
    "1 MB attribute name": lambda: endless("<message ", "n", MEGABYTE),
    "1 MB end tag": lambda: endless("<message></", "n", MEGABYTE),
    "1 MB prefix": lambda: endless("<message xmlns:", "n", MEGABYTE),
    "10,000 namespaces": lambda: counted("<message", " xmlns:n{0}='urn:{0}'", 10000),
    "64 MB of spaces in a tag": lambda: endless("<message", " ", 64 * MEGABYTE),
    "64 MB of spaces in an end tag": lambda: endless("<message></message", " ", 64 * MEGABYTE),
    "64 MB of spaces in an element": lambda: endless("<message>", " \n\t\r", 64 * MEGABYTE),
}
HUGE_HEADERS = {
    "attribute": lambda: endless("<stream:stream id='", "x", MEGABYTE),
    "attributes": lambda: counted("<stream:stream", " a{}='1'", 10000),
    "namespaces": lambda: counted("<stream:stream", " xmlns:n{0}='urn:{0}'", 10000),
    "element name": lambda: endless("<", "n", MEGABYTE),
    "spaces": lambda: endless("<stream:stream", " ", 8 * MEGABYTE),
    "spaces in the declaration": lambda: endless("<?xml version='1.0'", " ", 8 * MEGABYTE),
}


class X2Huge(Attack):
    def test_in_stream(self):
        for place, arrive in PLACES.items():
            for what, chunks in HUGE.items():
                with self.subTest(what, place=place):
                    stream = arrive()
                    stream.pour(chunks())
                    self.assert_ends(stream, "policy-violation")

    def test_at_header(self):
        for what, chunks in HUGE_HEADERS.items():
            with self.subTest(what):
                stream = before_header()
                stream.pour(chunks())
                self.assert_ends(stream, "policy-violation")

    def test_white_space(self):
        """Keepalives may be many: nothing of them is kept."""
        with before_header() as stream:
            for chunk in endless("", " \n", 4 * MEGABYTE):
                stream.send(chunk)
            stream.open()
        with in_session() as stream:
            for chunk in endless("", " \r\n\t", 8 * MEGABYTE):
                stream.send(chunk)
            stream.ping()

    def test_names(self):
        """A parser that never frees names must not be fed new ones for ever: 12 MB of them."""
        with in_session() as stream:
            for number in range(4000):
                names = " ".join(f"a{number}x{at}{'n' * 90}='1'" for at in range(30))
                stream.send(f"<iq type='result' id='r' to='{stream.jid}' {names}/>")
                self.assertEqual(stream.next().get("id"), "r")

    def test_largest_stanza(self):
        """What is allowed goes through: RFC 6120 wants 10,000 bytes at least."""
        with in_session() as stream:
            for size in (9000, 40000, 60000):
                text = "y" * size
                got = self.say_to_self(stream, f"<body>{text}</body>".encode())
                self.assertEqual(got.findtext(stage.BODY), text)


class X2HeldBack(Attack):
    """Before authentication a connection costs tens of kilobytes at most."""

    CONNECTIONS, EACH_KB, EACH_SANITIZED_KB = 200, 40, 320
    PEAK_KB, PEAK_SANITIZED_KB = CONNECTIONS * EACH_KB, CONNECTIONS * EACH_SANITIZED_KB

    def test_held(self):
        held = []
        for _ in range(self.CONNECTIONS):
            stream = before_auth()
            stream.send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>" + "x" * 15000)
            held.append(stream)
        time.sleep(0.5)
        grown = stage.server.resident_kb() - self.resident_before
        print(f"attack: {len(held)} half elements: {grown / len(held):.1f} KiB each", flush=True)
        allowed = self.EACH_SANITIZED_KB if stage.server.is_sanitized() else self.EACH_KB
        for stream in held:
            stream.close()
        self.assertLess(grown / len(held), allowed)


class X2Slow(Attack):
    def drip(self, stream, text, pause=0.05, seconds=6):
        """A byte at a time, until the server has had enough; gives the seconds that took."""
        begin = time.monotonic()
        for byte in text:
            try:
                stream.send(byte)
            except Closed:
                break
            if not stream.is_silent(pause):
                break
            if time.monotonic() - begin > seconds:
                self.fail(f"the server still waits after {seconds} s")
        return time.monotonic() - begin

    def test_dripped_header(self):
        stream = before_header("hasty")
        self.assertLess(self.drip(stream, "<stream:stream xmlns='jabber:client' " + " " * 200), 3)
        self.assert_ends(stream, "connection-timeout")

    def test_dripped_element(self):
        stream = before_auth("hasty")
        self.assertLess(self.drip(stream, "<auth mechanism='" + "x" * 200), 3)
        self.assert_ends(stream, "connection-timeout")

    def test_dripped_spaces(self):
        stream = before_auth("hasty")
        self.assertLess(self.drip(stream, " " * 200), 3)
        self.assert_ends(stream, "connection-timeout")

    def test_dripped_hello(self):
        """Direct TLS: nothing can be said before the handshake, so the connection just ends."""
        begin = time.monotonic()
        with stage.before_raw("hasty_tls") as wire:
            wire.send_raw(b"\x16\x03\x01\x02\x00")
            with self.assertRaises(Closed):
                for _ in range(100):
                    wire.send_raw(b"\x01")
                    if wire.readable(0.05) and not wire.receive_raw():
                        raise Closed()
        self.assertLess(time.monotonic() - begin, 3)

    def test_silence(self):
        for place, arrive in {"connect": before_header, "features": before_auth,
                              "bind": stage.before_bind}.items():
            with self.subTest(place):
                self.assert_ends(arrive("hasty"), "connection-timeout")

    def test_single_bytes(self):
        """A whole login and a message, each byte a segment of its own."""
        with before_header("plain") as stream:
            whole = stream.send
            stream.send = lambda data: [whole(bytes([byte])) for byte in
                                        (data.encode() if isinstance(data, str) else data)]
            stream.login("me", PASSWORD)
            got = self.say_to_self(stream, "<body>Grüße \U0001f99d</body>".encode())
            self.assertEqual(got.findtext(stage.BODY), "Grüße \U0001f99d")
            stream.logout()

    def cpu_of(self, stream, size):
        """CPU for a stanza of that size that comes byte by byte, in microseconds."""
        stanza = f"<message to='{stream.jid}'><body>{'z' * size}</body></message>".encode()
        before = stage.server.status()["cpu_us"]
        for byte in stanza:
            stream.send(bytes([byte]))
        self.assert_message(stream, "z" * size)
        return stage.server.status()["cpu_us"] - before

    def test_linear(self):
        """Four times the bytes cost about four times the CPU, not sixteen."""
        with in_session() as stream:
            self.cpu_of(stream, 1000)
            small, large = (min(self.cpu_of(stream, size) for _ in range(2))
                            for size in (15000, 60000))
        print(f"attack: byte by byte: 15 kB {small} us, 60 kB {large} us of CPU", flush=True)
        self.assertLess(large, small * 10)


class Unanswered(Attack):
    """What comes after the stream has ended is not looked at."""

    def test_after_error(self):
        with in_session() as stream:
            stream.send("</wrong><message to='" + stream.jid + "'><body>late</body></message>")
            self.assertEqual(stream_error(stream), "not-well-formed")

    def test_after_close(self):
        with in_session() as stream:
            stream.send(f"</stream:stream><message to='{stream.jid}'><body>late</body></message>")
            self.assertIsNone(stream.next())
            stream.wait_end()

    def test_error_from_client(self):
        """A stream error of the client ends the stream; whatever the answer, nothing else comes."""
        with in_session() as stream:
            stream.send("<stream:error><undefined-condition "
                        "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>")
            answer = stream.next()
            if answer is not None:
                self.assertEqual((ns_of(answer), name_of(answer)), (STREAM, "error"))
            stream.wait_end()
