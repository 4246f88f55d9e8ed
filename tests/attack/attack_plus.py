"""A2 with channel binding (RFC 5802 section 6, RFC 5929): a server of its own that offers the
-PLUS mechanisms, and clients that bind wrongly, to another channel, or were told not to."""
import base64
import hashlib
import ssl
import unittest

from harness import Server
from rawclient import SASL, Scram, Stream, name_of, new_tls_context, to_base64
from stage import DOMAIN, PASSWORD, failure, text_of

CHANNEL_BINDING = "urn:xmpp:sasl-cb:0"
DIGESTS = ("SHA-512", "SHA-256", "SHA-1")
PLUS = [f"SCRAM-{digest}-PLUS" for digest in DIGESTS]
ALL = PLUS + [f"SCRAM-{digest}" for digest in DIGESTS] + ["PLAIN"]
REFUSED = ("malformed-request", "not-authorized")
END_POINT = "p=tls-server-end-point,,"


def end_point(path):
    """The data of tls-server-end-point for a certificate that was signed with SHA-256."""
    with open(path, encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).digest()


class A2Binding(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(Server(mechanisms=ALL))
        cls.server.add_user("me", PASSWORD)
        cls.data = end_point(cls.server.certificate)

    def arrive(self, kind="tls", context=None):
        stream = Stream(self.server, kind, context=context)
        self.addCleanup(stream.close)
        stream.features = stream.open_to_auth()
        return stream

    def offered(self, stream):
        return [one.text for one in stream.features.iter(f"{{{SASL}}}mechanism")]

    def types(self, stream):
        return {one.get("type") for one in stream.features.iter(
            f"{{{CHANNEL_BINDING}}}channel-binding")}

    def attempt(self, mechanism, gs2, cbind=None, kind="tls"):
        """The server's last word; `cbind` is what stands in c=, the right thing when None."""
        stream = self.arrive(kind)
        scram = Scram(mechanism.removesuffix("-PLUS")[6:], "me", PASSWORD, gs2)
        answer = stream.say_auth(mechanism, scram.first())
        if name_of(answer) != "challenge":
            return answer
        right = gs2.encode() + self.data if gs2 == END_POINT else gs2.encode()
        return stream.say_response(scram.final(base64.b64decode(answer.text),
                                               cbind=right if cbind is None else cbind))

    def refuse(self, *arguments, **more):
        answer = self.attempt(*arguments, **more)
        self.assertIn(failure(answer), REFUSED, text_of(answer))

    def test_offer(self):
        """Strongest first, binding before not; only where there is a channel."""
        for kind in ("tls", "starttls"):
            stream = self.arrive(kind)
            self.assertEqual(self.offered(stream), ALL)
            self.assertEqual(self.types(stream), {"tls-exporter", "tls-server-end-point"})
        stream = self.arrive("plain")
        self.assertEqual(self.offered(stream), ALL[len(PLUS):])
        self.assertEqual(self.types(stream), set())

    def test_offer_of_old_tls(self):
        """In TLS 1.2 the exporter is safe with extended master secret only: not offered."""
        context = new_tls_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.assertIn("tls-server-end-point", self.types(self.arrive(context=context)))

    def test_right(self):
        for mechanism in PLUS:
            for kind in ("tls", "starttls"):
                with self.subTest(mechanism, kind=kind):
                    answer = self.attempt(mechanism, END_POINT, kind=kind)
                    self.assertEqual(name_of(answer), "success", text_of(answer))

    def test_without(self):
        """A client that knows no channel binding is let in, by a mechanism without it."""
        for digest in DIGESTS:
            answer = self.attempt(f"SCRAM-{digest}", "n,,")
            self.assertEqual(name_of(answer), "success", text_of(answer))
        stream = self.arrive()
        answer = stream.say_auth("PLAIN", f"\0me\0{PASSWORD}".encode())
        self.assertEqual(name_of(answer), "success")

    def test_stripped_offer(self):
        """`y` says: you did not offer it. The server did, so somebody took it out."""
        for digest in DIGESTS:
            self.refuse(f"SCRAM-{digest}", "y,,")
            self.refuse(f"SCRAM-{digest}", f"y,a=me@{DOMAIN},")

    def test_flags(self):
        for mechanism in PLUS:
            for gs2 in ("n,,", "y,,", "p=,,", "p=tls-unique,,", "p=x,,", "p,,", "P=tls-exporter,,",
                        "p=TLS-EXPORTER,,", "p=tls-exporter ,,", "p=tls-server-end-poin,,"):
                with self.subTest(mechanism, gs2=gs2):
                    self.refuse(mechanism, gs2)

    def test_flag_without_plus(self):
        for digest in DIGESTS:
            self.refuse(f"SCRAM-{digest}", END_POINT)
            self.refuse(f"SCRAM-{digest}", "p=tls-exporter,,")

    def test_data(self):
        """Of another certificate, of another type, cut, longer, none."""
        other = end_point(self.server.second[0])
        for data in (other, b"", self.data[:-1], self.data + b"\0", b"\0" * 32, self.data[::-1],
                     hashlib.sha1(self.data).digest()):
            with self.subTest(data):
                self.refuse(PLUS[1], END_POINT, END_POINT.encode() + data)
                self.refuse(PLUS[1], "p=tls-exporter,,", b"p=tls-exporter,," + data)

    def test_header_in_data(self):
        """The flag in c= must be the one of the first message."""
        for gs2 in (b"n,,", b"y,,", b"p=tls-exporter,,", b""):
            with self.subTest(gs2):
                self.refuse(PLUS[1], END_POINT, gs2 + self.data)

    def test_in_the_clear(self):
        stream = self.arrive("plain")
        first = f"{END_POINT}n=me,r=abcdefgh".encode()
        self.assertEqual(failure(stream.say_auth(PLUS[0], first)), "invalid-mechanism")

    def test_unchanged_by_noise(self):
        """base64 of c= is compared as it stands: other spellings of the same bytes are none."""
        stream = self.arrive()
        scram = Scram("SHA-256", "me", PASSWORD, END_POINT)
        answer = stream.say_auth(PLUS[1], scram.first())
        cbind = END_POINT.encode() + self.data
        final = scram.final(base64.b64decode(answer.text), cbind=cbind)
        text = to_base64(cbind).encode()
        answer = stream.say_response(final.replace(text, text.rstrip(b"="), 1) if b"=" in text
                                     else final.replace(text, text + b"=", 1))
        self.assertIn(failure(answer), REFUSED)
