"""A3: STARTTLS cut off or filled up, old versions, weak ciphers, names and protocols of others."""
import hashlib
import shutil
import socket
import ssl
import subprocess
import time

import stage
from harness import make_certificate
from rawclient import (SASL, TLS, Closed, Killed, Stream, Wire, header, name_of, new_tls_context,
                       ns_of, to_base64)
from stage import (DOMAIN, PASSWORD, SECOND_DOMAIN, Attack, before_auth, before_header, before_raw,
                   in_session, stream_error)

STARTTLS = f"<starttls xmlns='{TLS}'/>"
PLAIN_TEXT = to_base64(b"\0me\0" + PASSWORD.encode())
PLAIN = f"<auth xmlns='{SASL}' mechanism='PLAIN'>{PLAIN_TEXT}</auth>"
BARE_HEADER = header().split("?>", 1)[1]


def context_with(**attributes):
    """A client that trusts everybody, with other settings."""
    context = new_tls_context()
    ciphers = attributes.pop("ciphers", None)
    if ciphers:
        context.set_ciphers(ciphers)
    for name, value in attributes.items():
        setattr(context, name, value)
    return context


def fingerprint(path):
    with open(path, encoding="ascii") as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def shake_hands(context, sni=DOMAIN, kind="tls"):
    """The wire after the handshake; raises ssl.SSLError or Closed when it is refused."""
    wire = Wire(stage.server.port[kind])
    try:
        wire.begin_tls(context, sni)
    except BaseException:
        wire.close()
        raise
    return wire


class A3Starttls(Attack):
    def inject(self, *texts, pause=0):
        """STARTTLS with something behind it in the clear; gives the stream inside TLS."""
        stream = before_header("starttls")
        stream.open()
        stream.send(STARTTLS + texts[0])
        for text in texts[1:]:
            time.sleep(pause)
            stream.send(text)
        stream.expect(TLS, "proceed")
        stream.begin_tls(stream.context, stream.sni)
        return stream

    def test_injection(self):
        """What stood behind <starttls/> in the clear is dropped: inside TLS nothing of it is
        answered, and the client begins from the beginning."""
        for what in (BARE_HEADER, header(), BARE_HEADER + PLAIN, PLAIN, " ", "\n" * 100, "<",
                     "<message><body>x</body></message>", "</stream:stream>", "\0", "x" * 3000,
                     STARTTLS, BARE_HEADER + STARTTLS, header(to=SECOND_DOMAIN)):
            with self.subTest(what), self.inject(what) as stream:
                self.assertTrue(stream.is_silent(0.1))
                features = stream.open()
                self.assertIn("mechanisms", {name_of(one) for one in features})
                self.assertTrue(stream.is_silent(0.05))
                stream.authenticate("PLAIN", "me", PASSWORD)
                stream.open()
                stream.bind()

    def test_injection_in_pieces(self):
        """When it comes later it is no TLS: the handshake fails, and nothing is executed."""
        with before_header("starttls") as stream:
            stream.open()
            before = stage.server.status()["metrics"]["auth_successes_total"]["total"]
            stream.send(STARTTLS)
            stream.expect(TLS, "proceed")
            stream.send(BARE_HEADER + PLAIN)
            with self.assertRaises(Closed):
                while stream.receive_raw():
                    pass
                raise Closed()
            after = stage.server.status()["metrics"]["auth_successes_total"]["total"]
            self.assertEqual(after, before)

    def test_twice(self):
        """STARTTLS inside TLS is refused, and the stream ends (RFC 6120 5.4.2.2)."""
        for kind in ("tls", "starttls"):
            with self.subTest(kind), before_auth(kind) as stream:
                stream.send(STARTTLS)
                stream.expect(TLS, "failure")
                self.assertIsNone(stream.next())
                stream.wait_end()

    def test_where_there_is_none(self):
        with before_auth("plain") as stream:
            names = {name_of(one) for one in stream.features}
            self.assertNotIn("starttls", names)
            stream.send(STARTTLS)
            stream.expect(TLS, "failure")
            self.assertIsNone(stream.next())

    def test_after_authentication(self):
        for arrive in (stage.before_bind, in_session):
            stream = arrive()
            stream.send(STARTTLS)
            self.assert_ends(stream, "unsupported-stanza-type", "not-authorized",
                             "policy-violation", "invalid-namespace")

    def test_not_offered_inside(self):
        for kind in ("tls", "starttls"):
            with before_auth(kind) as stream:
                names = {name_of(one) for one in stream.features}
                self.assertNotIn("starttls", names)
                self.assertIn("mechanisms", names)

    def test_required(self):
        """Required means: it is the only feature, and says so."""
        with before_header("required") as stream:
            features = stream.open()
            self.assertEqual([name_of(one) for one in features], ["starttls"])
            self.assertEqual([name_of(one) for one in features[0]], ["required"])

    def test_cut_handshake(self):
        """Cut at many places: all that is left goes, and the next client is served."""
        with before_auth("tls") as whole:
            total = whole.sent_len
        for limit in range(0, total, 37):
            try:
                stage.Stream(stage.server, "tls", byte_limit=limit).close()
            except (Killed, ssl.SSLError):
                pass
        with before_auth("tls") as stream:
            stream.authenticate("PLAIN", "me", PASSWORD)


class A3Versions(Attack):
    def refused(self, context, **more):
        with self.assertRaises((ssl.SSLError, Closed)):
            shake_hands(context, **more).close()

    def test_accepted(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = context_with(minimum_version=version, maximum_version=version)
            with shake_hands(context) as wire:
                self.assertEqual(wire.tls.version(), version.name.replace("_", "."))

    def test_old_versions(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version.name):
                context = context_with(ciphers="ALL:@SECLEVEL=0", maximum_version=version,
                                       minimum_version=version)
                self.refused(context)

    def test_old_versions_after_starttls(self):
        with before_header("starttls") as stream:
            stream.context = context_with(ciphers="ALL:@SECLEVEL=0",
                                          minimum_version=ssl.TLSVersion.TLSv1,
                                          maximum_version=ssl.TLSVersion.TLSv1_1)
            stream.open()
            with self.assertRaises((ssl.SSLError, Closed)):
                stream.start_tls()

    def test_weak_ciphers(self):
        for ciphers in ("NULL", "eNULL", "RC4", "3DES", "aNULL", "EXPORT", "kRSA", "SEED", "IDEA",
                        "PSK", "SRP"):
            context = context_with(maximum_version=ssl.TLSVersion.TLSv1_2)
            try:
                context.set_ciphers(f"{ciphers}:@SECLEVEL=0")
            except ssl.SSLError:  # this library has none of that kind: nothing to try
                continue
            with self.subTest(ciphers):
                self.refused(context)

    def openssl(self, *words, stdin=None):
        program = shutil.which("openssl")
        self.assertIsNotNone(program, "the program `openssl` is not installed")
        return subprocess.run(
            [program, "s_client", "-connect", f"127.0.0.1:{stage.server.port['tls']}", *words],
            input=stdin, text=True, capture_output=True, timeout=30, check=False, errors="replace")

    def test_renegotiation(self):
        """A client that asks for a new handshake in TLS 1.2 gets none."""
        process = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{stage.server.port['tls']}", "-tls1_2"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        process.stdin.write(header() + "\n")
        process.stdin.flush()
        time.sleep(0.5)
        process.stdin.write("R\n")
        process.stdin.flush()
        time.sleep(0.5)
        text = process.communicate("Q\n", timeout=20)[0]
        self.assertIn("RENEGOTIATING", text)
        after = text.split("RENEGOTIATING", 1)[1]
        self.assertNotIn("verify return", after)
        self.assertRegex(after, "no renegotiation|alert|error|closed|errno")

    def test_no_early_data(self):
        """Session tickets, if there are any, allow no 0-RTT: what can be replayed is not taken."""
        out = self.openssl("-tls1_3", stdin="Q\n")
        self.assertNotRegex(out.stdout, r"Max Early Data: [1-9]")
        self.assertNotIn("Early data was accepted", out.stdout)

    def test_client_certificate(self):
        """One that nobody asked for does no harm and gives no rights."""
        certificate, key = make_certificate(stage.server.folder, "client", "victim")
        context = context_with()
        context.load_cert_chain(certificate, key)
        with Stream(stage.server, "tls", context=context) as stream:
            mechanisms = {one.text for one in stream.open().iter(f"{{{SASL}}}mechanism")}
            self.assertNotIn("EXTERNAL", mechanisms)


class A3Names(Attack):
    def certificate_for(self, sni):
        with shake_hands(context_with(), sni) as wire:
            return hashlib.sha256(wire.tls.getpeercert(binary_form=True)).hexdigest()

    def test_certificates(self):
        """By name; any other name, and none at all, get the default one."""
        default = fingerprint(stage.server.certificate)
        second = fingerprint(stage.server.second[0])
        self.assertNotEqual(default, second)
        self.assertEqual(self.certificate_for(SECOND_DOMAIN), second)
        self.assertEqual(self.certificate_for(SECOND_DOMAIN.upper()), second)
        for sni in (DOMAIN, "unknown.example", "x." + SECOND_DOMAIN, "xn--nxasmq6b.example",
                    "a" * 60 + ".example", ".".join(["a" * 60] * 4), None):
            with self.subTest(sni):
                self.assertEqual(self.certificate_for(sni), default)

    def test_certificate_after_starttls(self):
        with before_header("starttls") as stream:
            stream.context, stream.sni = context_with(), SECOND_DOMAIN
            stream.open(to=SECOND_DOMAIN)
            stream.start_tls()
            got = hashlib.sha256(stream.tls.getpeercert(binary_form=True)).hexdigest()
            self.assertEqual(got, fingerprint(stage.server.second[0]))

    def test_name_and_domain_differ(self):
        """SNI chooses a certificate, no more: the stream's `to` says where."""
        with Stream(stage.server, "tls", context=context_with(), sni=SECOND_DOMAIN) as stream:
            stream.open(to=DOMAIN)
            stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
            stream.open()
            self.assertTrue(stream.bind().startswith(f"me@{DOMAIN}/"))


class A3Protocols(Attack):
    def context(self, protocols):
        context = context_with()
        context.set_alpn_protocols(protocols)
        return context

    def test_accepted(self):
        for protocols in (["xmpp-client"], ["h2", "xmpp-client"], ["xmpp-client", "http/1.1"]):
            with self.subTest(protocols), shake_hands(self.context(protocols)) as wire:
                self.assertEqual(wire.tls.selected_alpn_protocol(), "xmpp-client")
        with shake_hands(context_with()) as wire:
            self.assertIsNone(wire.tls.selected_alpn_protocol())

    def test_refused(self):
        """A browser, or a server, that was led here by somebody else gets no connection."""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for protocols in (["h2"], ["http/1.1"], ["xmpp-server"], ["xmpp-clien"],
                              ["xmpp-clientx"], ["XMPP-CLIENT"], ["h2", "http/1.1", "acme-tls/1"],
                              ["x" * 255]):
                with self.subTest(protocols, version=version.name):
                    context = self.context(protocols)
                    context.minimum_version = context.maximum_version = version
                    with self.assertRaises((ssl.SSLError, Closed)):
                        wire = shake_hands(context)
                        self.use(wire)

    def use(self, wire):
        """With TLS 1.3 the client may see the refusal only after its own Finished."""
        with wire:
            wire.send(header())
            if not wire.receive():
                raise Closed()


class A3NotTls(Attack):
    ENDLESS = 1 << 24

    def answers(self, data):
        """What comes back on the direct TLS port until the connection ends."""
        with before_raw("tls") as wire:
            got = b""
            try:
                wire.send_raw(data)
                wire.sock.shutdown(socket.SHUT_WR)
                while True:
                    piece = wire.receive_raw()
                    if not piece:
                        return got
                    got += piece
            except (Closed, OSError):
                return got

    def test_in_the_clear(self):
        """No XMPP in the clear on that port, to whatever begins it."""
        for data in (header().encode(), b"<", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\x16",
                     b"\x16\x03\x01", b"\x16\x03\x01\xff\xff" + b"\1" * 70000,
                     b"\x16\x03\x01\0\0" * 1000, b"\x17\x03\x03\0\5hello", b"\x15\x03\x01\0\2\1\0",
                     b"\x80\x2e\1\0\2\0\x15\0\0\0\x10", b"\x14\x03\x03\0\1\1",
                     b"\x16\x03\x01\0\4\1\xff\xff\xff" + b"\x16\x03\x01\x40\0" + b"\0" * 16384):
            with self.subTest(data[:20]):
                got = self.answers(data)
                self.assertNotIn(b"<", got[:1])
                self.assertNotIn(b"stream", got)

    def test_endless_hello(self):
        """A ClientHello that never becomes whole is not kept for ever, nor all of it."""
        with before_raw("tls") as wire:
            wire.send_raw(b"\x16\x03\x01\x40\0\x01\xff\xff\xff")
            with self.assertRaises(Closed):
                for _ in range(self.ENDLESS // 4096):
                    wire.send_raw(b"\0" * 4096)
                    if wire.poll(0) == b"":
                        raise Closed()

    def test_broken_records(self):
        """Rubbish inside an established channel ends it, without an answer in the clear."""
        for data in (b"rubbish", b"\x17\x03\x03\0\x20" + b"x" * 32, b"\x17\x03\x03\xff\xff",
                     b"\x15\x03\x03\0\2\2\x28", b"\x16\x03\x03\0\4\1\0\0\0", header().encode()):
            with self.subTest(data), in_session("tls") as stream:
                stream.send_raw(data)
                stream.sock.shutdown(socket.SHUT_WR)
                with self.assertRaises(Closed):
                    while stream.receive():
                        pass
                    raise Closed()

    def test_farewell(self):
        """The end of a stream inside TLS comes with close_notify: nothing was cut off."""
        with in_session("tls") as stream:
            stream.send("</stream:stream>")
            self.assertIsNone(stream.next())
            self.assertEqual(stream.receive(), b"")  # not Closed: that was in order

    def test_farewell_with_error(self):
        with in_session("tls") as stream:
            stream.send("</x>")
            self.assertEqual(stream_error(stream), "not-well-formed")
            self.assertEqual(ns_of(stream.root), "http://etherx.jabber.org/streams")
