"""X3: bytes and characters that are no XML, encodings that are not UTF-8, and a comparison with
another parser over random stanzas: what it takes for well-formed is delivered as it was meant, and
nothing else is."""
import os
import random
import socket
import xml.etree.ElementTree as ET

from rawclient import CLIENT, Closed, header, name_of, ns_of
from stage import (BODY, Attack, before_auth, before_header, in_session, same_tree, stream_error,
                   text_of)

RANDOM_STANZAS = 400
BOM = b"\xef\xbb\xbf"

BAD_BYTES = {
    "overlong, two bytes": b"\xc0\x80",
    "overlong slash": b"\xc0\xaf",
    "overlong, C1": b"\xc1\xbf",
    "overlong, three bytes": b"\xe0\x80\xaf",
    "overlong, three bytes, largest": b"\xe0\x9f\xbf",
    "overlong, four bytes": b"\xf0\x80\x80\xbc",
    "overlong, four bytes, largest": b"\xf0\x8f\xbf\xbf",
    "high surrogate": b"\xed\xa0\x80",
    "low surrogate": b"\xed\xbf\xbf",
    "pair of surrogates": b"\xed\xa0\xbd\xed\xb2\xa9",
    "above U+10FFFF": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "lone continuation": b"\x80",
    "two continuations": b"\xbf\xbf",
    "truncated, two bytes": b"\xc3",
    "truncated, three bytes": b"\xe2\x82",
    "truncated, four bytes": b"\xf0\x9f\xa6",
    "truncated, then ASCII": b"\xe2\x82a",
    "FE": b"\xfe",
    "FF": b"\xff",
    "Latin-1": b"Gr\xfc\xdfe",
    "NUL": b"\0",
    "modified UTF-8 NUL in text": b"a\xc0\x80b",
    "U+FFFE": b"\xef\xbf\xbe",
    "U+FFFF": b"\xef\xbf\xbf",
    "U+0001": b"\x01",
    "U+0008": b"\x08",
    "vertical tab": b"\x0b",
    "form feed": b"\x0c",
    "U+000E": b"\x0e",
    "U+001F": b"\x1f",
}
BAD_REFERENCES = (b"&#0;", b"&#x0;", b"&#1;", b"&#xB;", b"&#x1F;", b"&#xD800;", b"&#xDFFF;",
                  b"&#xFFFE;", b"&#xFFFF;", b"&#x110000;", b"&#4294967361;", b"&#99999999999999;",
                  b"&#;", b"&#x;", b"&#xG;", b"&#-1;", b"&#65", b"&;", b"& ", b"&amp", b"&lt",
                  b"&#x41 ;", b"&#X41;", b"&<")
BAD_TEXT = (b"]]>", b"a]]]>b", b"<![CDATA[x]]>]]>", b"<![CDATA[<![CDATA[]]>]]>", b"<![cdata[x]]>",
            b"<![CDATA [x]]>", b"<![INCLUDE[x]]>", b"< a/>", b"<a></b></a>", b"</b>", b"<a></A>",
            b"<a/ >", b"<a></ a>", b"<a></a b='1'>", b"<a b=1/>", b"<a b/>", b"<a b=''c=''/>",
            b"<a b='<'/>", b"<a b='1' b='2'/>", b"<a 'b'='1'/>", b"<a =''/>", b"<1/>", b"<-a/>",
            b"<.a/>", b"<a\xc3\x97/>", b"<\xcc\x80/>", b"<a b\xc3\xb7='1'/>", b"<a&amp;/>",
            b"<a;/>", b"<>", b"</>", b"<a", b"<a></a", b"<a/><", b"<a></a></a>", b"<\xef\xbf\xbe/>")
GOOD_TEXT = {
    b"<![CDATA[<&>]]>": "<&>",
    b"a<![CDATA[]]>b": "ab",
    b"<![CDATA[]]]]><![CDATA[>]]>": "]]>",
    b"]] >": "]] >",
    b"]>": "]>",
    b"&#x9;&#xA;&#xD;&#x20;": "\t\n\r ",
    b"a\r\nb\rc\nd": "a\nb\nc\nd",
    b"\x7f\xc2\x85\xe2\x80\xa8": "\x7f\x85\u2028",
    b"\xee\x80\x80\xef\xbf\xbd": "\ue000\ufffd",
    b"\xf4\x8f\xbf\xbf": "\U0010ffff",
    b"\xef\xbb\xbf": "\ufeff",
    b"&#x10FFFF;&#xFFFD;&#xE000;&#xD7FF;": "\U0010ffff\ufffd\ue000\ud7ff",
    b"&amp;lt;&amp;#60;": "&lt;&#60;",
}
FORMS = {"text": (b"<body>", b"</body>"),
         "attribute": (b"<body x='", b"'/>"),
         "character data": (b"<body><![CDATA[", b"]]></body>"),
         "element name": (b"<a", b"/>"),
         "attribute name": (b"<body a", b"=''/>")}


class X3Bytes(Attack):
    def refuse(self, inside, *conditions):
        stream = in_session()
        stream.send(f"<message to='{stream.jid}'>".encode() + inside + b"</message>")
        self.assert_ends(stream, *(conditions or ("not-well-formed",)))

    def test_bytes(self):
        for form, (begin, end) in FORMS.items():
            for what, data in BAD_BYTES.items():
                with self.subTest(what, form=form):
                    self.refuse(begin + data + end)

    def test_references(self):
        for form in ("text", "attribute"):
            begin, end = FORMS[form]
            for data in BAD_REFERENCES:
                with self.subTest(data, form=form):
                    self.refuse(begin + data + end, "not-well-formed", "restricted-xml")

    def test_syntax(self):
        for data in BAD_TEXT:
            with self.subTest(data):
                self.refuse(b"<body>" + data + b"</body>")

    def test_good(self):
        with in_session() as stream:
            for data, text in GOOD_TEXT.items():
                with self.subTest(data):
                    got = self.say_to_self(stream, b"<body>" + data + b"</body>")
                    self.assertEqual(got.findtext(BODY), text)

    def test_before_authentication(self):
        """The same judgement for those whom nobody knows yet."""
        for what, data in BAD_BYTES.items():
            with self.subTest(what):
                stream = before_auth()
                stream.send(b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>" +
                            data + b"</auth>")
                self.assert_ends(stream, "not-well-formed")

    def test_between_stanzas(self):
        """Only white space may stand there."""
        for data in (b"text", b"\0", b"&amp;", b"\xc2\xa0", b"\x0b", b"]]>", b"<![CDATA[x]]>", BOM,
                     b"\xff\xfe", b"/"):
            with self.subTest(data):
                stream = in_session()
                stream.send(data + b"<presence/>")
                self.assert_ends(stream, "bad-format", "not-well-formed")

    def test_borders(self):
        """A character may be cut by a segment's border anywhere."""
        text = "é€\U0001f99d"
        with in_session() as stream:
            data = f"<message to='{stream.jid}'><body>{text}</body></message>".encode()
            for at in range(data.index(b"<body>"), data.index(b"</body>") + 8):
                stream.send(data[:at])
                stream.is_silent(0.01)
                stream.send(data[at:])
                self.assert_message(stream, text)

    def test_cut_character(self):
        """… but not by the end of the stanza, however the segments lie."""
        for at in range(1, 4):
            with self.subTest(at):
                stream = in_session()
                stream.send(b"<message><body>" + "\U0001f99d".encode()[:at])
                stream.is_silent(0.02)
                stream.send(b"</body></message>")
                self.assert_ends(stream, "not-well-formed")


class X3Encodings(Attack):
    def begin(self, data):
        stream = before_header()
        stream.send(data)
        return stream

    def test_accepted(self):
        bare = header().split("?>", 1)[1].encode()
        for begin in (BOM, BOM + b"<?xml version='1.0'?>",
                      b"<?xml version='1.0' encoding='UTF-8'?>",
                      b"<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes' ?>\r\n", b" \n"):
            with self.subTest(begin), self.begin(begin + bare) as stream:
                self.assertEqual(name_of(stream.next()), "features")

    def test_refused(self):
        cases = {("unsupported-encoding",): ("UTF-16", "ISO-8859-1", "US-ASCII", "UTF-7", "UTF-32",
                                             "windows-1252", "UTF-8X", "UCS-2"),
                 ("unsupported-encoding", "not-well-formed"): ("", " ", "x" * 100, "\u00e9")}
        for conditions, encodings in cases.items():
            for encoding in encodings:
                with self.subTest(encoding):
                    text = f"<?xml version='1.0' encoding='{encoding}'?>" + \
                           header().split("?>", 1)[1]
                    self.assert_ends(self.begin(text), *conditions)

    def test_wide(self):
        """UTF-16 and UTF-32 as they are: with a byte-order mark it is clear what they are."""
        for codec in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"):
            for mark in (b"", b"\xff\xfe", b"\xfe\xff"):
                with self.subTest(codec, mark=mark):
                    stream = self.begin(mark + header().encode(codec))
                    begins = (mark + header().encode(codec))[:2] in (b"\xff\xfe", b"\xfe\xff")
                    allowed = ("unsupported-encoding",) if begins else \
                        ("unsupported-encoding", "not-well-formed", "bad-format")
                    self.assert_ends(stream, *allowed)

    def test_versions(self):
        for declaration in ("<?xml version='1.1'?>", "<?xml version='2.0'?>", "<?xml?>",
                            "<?xml encoding='UTF-8'?>", "<?xml version=1.0?>",
                            "<?xml version='1.0' standalone='maybe'?>", "<?XML version='1.0'?>",
                            "<?xml version='1.0'?><?xml version='1.0'?>",
                            "<?xml version='1.0' encoding='UTF-8' version='1.0'?>"):
            with self.subTest(declaration):
                stream = self.begin(declaration + header().split("?>", 1)[1])
                self.assert_ends(stream, "not-well-formed", "restricted-xml", "bad-format",
                                 "unsupported-version")

    def test_not_xml(self):
        """Other protocols on this port get an error and no more."""
        for data in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00",
                     b"SSH-2.0-x\r\n", b"\0\0\0\0", b"EHLO x\r\n", b"<html><body>", b"<a/>",
                     b"</a>",
                     b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n"):
            with self.subTest(data):
                self.assert_ends(self.begin(data), "not-well-formed", "bad-format",
                                 "invalid-namespace", "unsupported-encoding")


PIECES = ("<a>", "</a>", "<b x='1'>", "</b>", "<a/>", "<p:a xmlns:p='u'>", "</p:a>", "<p:b/>",
          "<b xmlns='v'>", "<a xmlns=''/>", "<c xmlns:q='u' q:x='1' x='2'/>", "<stream:x/>", "text",
          " ", "\n", "&amp;", "&lt;", "&#65;", "&#x1F99D;", "&#0;", "&x;", "]]>", "]]", ">", "é",
          "<![CDATA[", "<!--", "-->", "<?x?>", "<a x='&quot;&#9;'/>", "<a x=\"'\"/>", "<a x='>'/>",
          "<a b='1' b='1'/>", "<b xml:lang='de'/>", "<xml:a/>", "<db:a/>", "<a xmlns:xml='u'/>",
          "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''/>", "<", "'", "\"", "/>", "\0", "\ufffe")


class X3Differential(Attack):
    """Random stanzas, judged by Python's parser as well."""

    def reference(self, stanza):
        """The stanza's tree; None when it is not well-formed, or has what XMPP forbids."""
        parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True, insert_pis=True))
        try:
            root = ET.fromstring(header() + stanza + "</stream:stream>", parser)
        except (ET.ParseError, ValueError):
            return None
        if any(callable(element.tag) for element in root.iter()):
            return None
        whole = len(root) == 1 and not (root[0].tail or "").strip()
        return root[0] if whole else None

    def make(self, dice):
        pieces = dice.choices(PIECES, k=dice.randrange(1, 9))
        if dice.random() < 0.6:  # give well-formedness a chance
            pieces = [piece for piece in pieces if not piece.startswith("</")]
            opened = [piece for piece in pieces if piece[0] == "<" and piece[1:2] in "abp" and
                      not piece.endswith("/>")]
            pieces += [f"</{piece[1:].split('>')[0].split(' ')[0]}>" for piece in reversed(opened)]
        return "".join(pieces)

    def check_refused(self, stream):
        """An error, or the server waits for an end that has not come; never a message."""
        try:
            if stream.is_silent(0.05):
                stream.sock.shutdown(socket.SHUT_WR)
            answer = stream.next()
        except Closed:
            answer = None
        if answer is not None:
            stream.queue.insert(0, answer)
            self.assertIn(stream_error(stream), ("not-well-formed", "restricted-xml", "bad-format"))
        stream.close()

    def compare(self, stream, inside):
        """True when the stream still lives."""
        stanza = f"<message to='{stream.jid}' type='chat'>{inside}</message>"
        expected = self.reference(stanza)
        stream.send(stanza)
        if expected is None:
            self.check_refused(stream)
            return False
        got = stream.next()
        self.assertEqual((ns_of(got), name_of(got)), (CLIENT, "message"), text_of(got))
        self.assertEqual(got.attrib.pop("from", None), stream.jid)
        self.assertTrue(same_tree(got, expected), text_of(got) + "\n" + text_of(expected))
        return True

    def test_random(self):
        seed = int(os.environ.get("RINGTAIL_SEED", random.randrange(1 << 30)))
        dice, good, stream = random.Random(seed), 0, None
        for number in range(RANDOM_STANZAS):
            stream = stream or in_session()
            inside = self.make(dice)
            with self.subTest(inside, seed=seed, number=number):
                lives = False
                lives = self.compare(stream, inside)
            good += lives
            stream = stream if lives else None
        print(f"attack: {RANDOM_STANZAS} random stanzas of seed {seed}: {good} well-formed",
              flush=True)
        self.assertGreater(good, RANDOM_STANZAS // 10)
