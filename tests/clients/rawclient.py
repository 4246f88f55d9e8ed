"""A client that says exactly what it is told to, byte by byte, over TCP or TLS: for tests of what
no client library would send. TLS runs over memory, so that a connection can be cut anywhere."""
import base64
import hashlib
import hmac
import os
import select
import socket
import ssl
import struct
import time
import xml.etree.ElementTree as ET

from harness import DOMAIN

CLIENT = "jabber:client"
STREAM = "http://etherx.jabber.org/streams"
STREAM_ERROR = "urn:ietf:params:xml:ns:xmpp-streams"
STANZA_ERROR = "urn:ietf:params:xml:ns:xmpp-stanzas"
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"
SESSION = "urn:ietf:params:xml:ns:xmpp-session"
TIMEOUT = 20  # seconds for any answer, on a busy machine with sanitizers


class Closed(Exception):
    """The connection has ended; `reset`: not by FIN."""

    def __init__(self, reset=False):
        super().__init__("connection reset" if reset else "connection closed")
        self.reset = reset


class Killed(Exception):
    """As many bytes were sent as allowed: the test cuts the connection here."""


class Unexpected(AssertionError):
    """Another answer than the conversation needs."""


def header(to=DOMAIN, **more):
    """A stream header."""
    attrs = {"xmlns": CLIENT, "xmlns:stream": STREAM, "version": "1.0", "to": to, **more}
    text = "".join(f" {name}='{value}'" for name, value in attrs.items() if value is not None)
    return f"<?xml version='1.0'?><stream:stream{text}>"


def name_of(element):
    return element.tag.rsplit("}", 1)[-1]


def ns_of(element):
    return element.tag[1:].split("}", 1)[0] if element.tag[0] == "{" else ""


def to_base64(data):
    return base64.b64encode(data).decode() or "="


def new_tls_context(certificate=None):
    """Trusts that certificate; without one, any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = certificate is not None
    if certificate:
        context.load_verify_locations(certificate)
    else:
        context.verify_mode = ssl.CERT_NONE
    return context


# --- SCRAM (RFC 5802) ---

class Scram:
    """One exchange, in pieces that a test may change. Salted passwords are kept for next time."""

    salted = {}

    def __init__(self, digest, user, password, gs2="n,,"):
        self.digest, self.password, self.gs2 = digest.replace("-", "").lower(), password, gs2
        self.nonce = to_base64(os.urandom(18))
        self.first_bare = f"n={user},r={self.nonce}"
        self.challenge = self.auth_message = None

    def first(self):
        return (self.gs2 + self.first_bare).encode()

    def take_challenge(self, challenge):
        """Gives its fields."""
        self.challenge = challenge.decode()
        fields = dict(part.split("=", 1) for part in self.challenge.split(","))
        if not fields["r"].startswith(self.nonce) or len(fields["r"]) < len(self.nonce) + 18:
            raise Unexpected(f"the nonce of {self.challenge}")
        return fields

    def _salted(self, fields):
        key = (self.digest, self.password, fields["s"], fields["i"])
        if key not in Scram.salted:
            Scram.salted[key] = hashlib.pbkdf2_hmac(
                self.digest, self.password.encode(), base64.b64decode(fields["s"]),
                int(fields["i"]))
        return Scram.salted[key]

    def _hmac(self, key, data):
        return hmac.new(key, data, self.digest).digest()

    def final(self, challenge, cbind=None, nonce=None, extension=""):
        """`cbind`: what is sent as channel binding instead of the GS2 header alone."""
        cbind = self.gs2.encode() if cbind is None else cbind
        fields = self.take_challenge(challenge)
        client_key = self._hmac(self._salted(fields), b"Client Key")
        bare = f"c={to_base64(cbind)}," \
               f"r={fields['r'] if nonce is None else nonce}{extension}"
        self.auth_message = f"{self.first_bare},{self.challenge},{bare}".encode()
        signature = self._hmac(hashlib.new(self.digest, client_key).digest(), self.auth_message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        return f"{bare},p={to_base64(proof)}".encode()

    def verifier(self):
        """What the server must say at the end."""
        fields = dict(part.split("=", 1) for part in self.challenge.split(","))
        key = self._hmac(self._salted(fields), b"Server Key")
        return ("v=" + to_base64(self._hmac(key, self.auth_message))).encode()


# --- The connection ---

class Wire:
    """Bytes over a socket, in the clear or through TLS."""

    def __init__(self, port, byte_limit=None):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.byte_limit, self.sent_len = byte_limit, 0
        self.tls = self.incoming = self.outgoing = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_raw(self, data):
        """Past TLS."""
        left = len(data) if self.byte_limit is None else self.byte_limit - self.sent_len
        try:
            self.sock.sendall(data[:left])
        except ConnectionError:
            raise Closed(reset=True) from None
        self.sent_len += min(left, len(data))
        if left < len(data):
            raise Killed()

    def receive_raw(self):
        try:
            return self.sock.recv(65536)
        except ConnectionError:
            raise Closed(reset=True) from None
        except socket.timeout:
            raise Unexpected(f"no answer within {TIMEOUT} s") from None

    def _flush(self):
        data = self.outgoing.read()
        if data:
            self.send_raw(data)

    def _fill(self):
        data = self.receive_raw()
        if data:
            self.incoming.write(data)
        else:
            self.incoming.write_eof()

    def begin_tls(self, context, domain):
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=domain)
        try:
            while True:
                try:
                    self.tls.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    self._flush()
                    self._fill()
        finally:
            self._flush()

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        if self.tls:
            self.tls.write(data)
            self._flush()
        else:
            self.send_raw(data)

    def receive(self):
        """Some bytes; b"" at a proper end (FIN, and close_notify inside TLS)."""
        data = self.poll(TIMEOUT)
        if data is None:
            raise Unexpected(f"no answer within {TIMEOUT} s")
        return data

    def readable(self, seconds):
        """Whether bytes lie there; inside TLS they need not be for the application."""
        return bool(select.select([self.sock], [], [], max(0, seconds))[0])

    def poll(self, seconds):
        """As receive(), but None when nothing comes for that long."""
        deadline = time.monotonic() + seconds
        while True:
            if self.tls:
                try:
                    return self.tls.read(65536)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLZeroReturnError:
                    return b""
                except ssl.SSLError:
                    raise Closed(reset=True) from None
            if not self.readable(deadline - time.monotonic()):
                return None
            if not self.tls:
                return self.receive_raw()
            self._fill()

    def abort(self):
        """A reset instead of a farewell."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


class Stream(Wire):
    """XMPP on it: elements in, text out. `kind` is the name of a listener of the harness."""

    def __init__(self, server, kind="plain", byte_limit=None, context=None, sni=DOMAIN):
        super().__init__(server.port[kind], byte_limit)
        self.kind, self.jid = kind, None
        self.context = context or new_tls_context(server.certificate)
        self.sni = sni
        self.raw = bytearray()  # all that came
        self.new_parser()
        if server.listeners[kind]["tls"] == "tls":
            self.begin_tls(self.context, sni)

    # --- In ---

    def new_parser(self):
        self.parser = ET.XMLPullParser(events=("start", "end"))
        self.root, self.depth, self.queue, self.ended = None, 0, [], False

    def _take_events(self):
        for event, element in self.parser.read_events():
            if event == "start":
                self.depth += 1
                if self.depth == 1:
                    self.root = element
                continue
            self.depth -= 1
            if self.depth == 1:
                self.root.remove(element)
                self.queue.append(element)
            elif self.depth == 0:
                self.ended = True

    def _feed(self, data):
        self.raw += data
        self.parser.feed(data)
        self._take_events()

    def next(self):
        """The next top-level element; None after the server's end tag."""
        while not self.queue and not self.ended:
            data = self.receive()
            if not data:
                raise Closed()
            self._feed(data)
        return self.queue.pop(0) if self.queue else None

    def is_silent(self, seconds):
        """True when neither an element nor the end comes for that long."""
        deadline = time.monotonic() + seconds
        while not self.queue and not self.ended:
            data = self.poll(deadline - time.monotonic())
            if data is None:
                return True
            if not data:
                raise Closed()
            self._feed(data)
        return False

    def wait_end(self):
        """Reads until the connection ends in order; raises Closed when it is reset."""
        while True:
            data = self.receive()
            if not data:
                return
            self._feed(data)

    def pour(self, chunks):
        """Sends as long as the server reads, and takes what it says meanwhile."""
        try:
            for chunk in chunks:
                self.send(chunk)
                data = self.poll(0)
                if data == b"":
                    return
                self._feed(data or b"")
                if self.ended:
                    return
        except Closed:
            pass

    # --- The conversation ---

    def expect(self, ns, name):
        element = self.next()
        if element is None or (ns_of(element), name_of(element)) != (ns, name):
            text = "the end of the stream" if element is None else ET.tostring(element, "unicode")
            raise Unexpected(f"wanted {name} of {ns}, got {text}")
        return element

    def open(self, **more):
        """Sends a header; gives the features."""
        self.new_parser()
        self.send(header(**more))
        return self.expect(STREAM, "features")

    def start_tls(self):
        self.send(f"<starttls xmlns='{TLS}'/>")
        self.expect(TLS, "proceed")
        self.begin_tls(self.context, self.sni)

    def say_auth(self, mechanism, initial=None):
        """Sends <auth/>; gives the answer."""
        text = "" if initial is None else to_base64(initial)
        self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{text}</auth>")
        return self.next()

    def say_response(self, data):
        self.send(f"<response xmlns='{SASL}'>{to_base64(data)}</response>")
        return self.next()

    def authenticate(self, mechanism, user, password):
        """Must succeed."""
        if mechanism == "PLAIN":
            answer = self.say_auth(mechanism, f"\0{user}\0{password}".encode())
        else:
            scram = Scram(mechanism[6:], user, password)
            answer = self.say_auth(mechanism, scram.first())
            if name_of(answer) == "challenge":
                answer = self.say_response(scram.final(base64.b64decode(answer.text)))
        if name_of(answer) != "success":
            raise Unexpected(f"{mechanism}: {ET.tostring(answer, 'unicode')}")
        if mechanism != "PLAIN" and base64.b64decode(answer.text) != scram.verifier():
            raise Unexpected(f"{mechanism}: the server's signature is wrong")

    def bind(self, resource=None):
        wish = f"<resource>{resource}</resource>" if resource else ""
        self.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'>{wish}</bind></iq>")
        answer = self.expect(CLIENT, "iq")
        jid = answer.find(f"{{{BIND}}}bind/{{{BIND}}}jid")
        if answer.get("type") != "result" or jid is None:
            raise Unexpected(ET.tostring(answer, "unicode"))
        self.jid = jid.text
        self.send(f"<iq type='set' id='session'><session xmlns='{SESSION}'/></iq>")
        self.expect(CLIENT, "iq")
        return self.jid

    def open_to_auth(self):
        """As far as authentication can begin."""
        features = self.open()
        if self.kind == "starttls":
            self.start_tls()
            features = self.open()
        return features

    def login(self, user, password, mechanism="SCRAM-SHA-1", resource=None):
        self.open_to_auth()
        self.authenticate(mechanism, user, password)
        self.open()
        return self.bind(resource)

    def be_available(self):
        """Initial presence, and sure that it was taken."""
        self.send("<presence/>")
        self.expect(CLIENT, "presence")  # one's own (RFC 6121 4.2.2)
        self.ping()

    def ping(self):
        self.send(f"<iq type='get' id='ping' to='{DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>")
        answer = self.expect(CLIENT, "iq")
        if (answer.get("type"), answer.get("id")) != ("result", "ping"):
            raise Unexpected(ET.tostring(answer, "unicode"))

    def logout(self):
        """Closes the stream in order, both ways."""
        self.send("</stream:stream>")
        while self.next() is not None:
            pass
        self.wait_end()
        self.close()
