"""What all attacks share: one running server, streams that have come to a certain place, and what
the end of a stream must look like. The ids (X1 … A3) are those of the attack checklist."""
import os
import sys
import unittest
import xml.etree.ElementTree as ET

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

from harness import DOMAIN, SECOND_DOMAIN, Server  # noqa: E402
from rawclient import (CLIENT, SASL, STANZA_ERROR, STREAM, STREAM_ERROR, Stream,  # noqa: E402
                       Unexpected, Wire, name_of, ns_of)

PASSWORD, OTHER_PASSWORD = "right", "another"
LISTENERS = {"required": {"tls": "starttls_required"},
             "hasty": {"tls": "none", "plaintext_auth": "true", "state_timeout": "1s"},
             "hasty_tls": {"tls": "tls", "state_timeout": "1s"}}
USERS = (("me", DOMAIN, PASSWORD), ("victim", DOMAIN, OTHER_PASSWORD),
         ("me", SECOND_DOMAIN, OTHER_PASSWORD))
BODY = f"{{{CLIENT}}}body"

server = None


def start():
    """The server, as a context manager; `server` must be set to what it gives."""
    return Server(listeners=LISTENERS)


def add_users():
    for name, domain, password in USERS:
        server.add_user(name, password, domain)


def text_of(element):
    return "the end of the stream" if element is None else ET.tostring(element, "unicode")


# --- Places: where an attack begins ---

def before_header(kind="plain"):
    return Stream(server, kind)


def before_raw(kind):
    """Bytes only; TLS has not begun."""
    return Wire(server.port[kind])


def before_auth(kind="plain"):
    stream = Stream(server, kind)
    stream.features = stream.open_to_auth()
    return stream


def before_bind(kind="plain"):
    stream = before_auth(kind)
    stream.authenticate("SCRAM-SHA-1", "me", PASSWORD)
    stream.open()
    return stream


def in_session(kind="plain", name="me", password=PASSWORD, resource=None):
    stream = Stream(server, kind)
    stream.login(name, password, resource=resource)
    return stream


PLACES = {"before authentication": before_auth,
          "before authentication, in TLS": lambda: before_auth("tls"),
          "in a session": in_session}


# --- What must come of it ---

def stream_error(stream):
    """The condition of the stream error that ends the stream: header, error, end tag, FIN."""
    element = stream.next()
    if element is None or (ns_of(element), name_of(element)) != (STREAM, "error"):
        raise Unexpected(f"wanted a stream error, got {text_of(element)}")
    conditions = [name_of(child) for child in element
                  if ns_of(child) == STREAM_ERROR and name_of(child) != "text"]
    if len(conditions) != 1:
        raise Unexpected(f"wanted one condition: {text_of(element)}")
    after = stream.next()
    if after is not None:
        raise Unexpected(f"after the stream error came {text_of(after)}")
    stream.wait_end()
    return conditions[0]


def failure(element):
    """The condition of a SASL failure."""
    if element is None or (ns_of(element), name_of(element)) != (SASL, "failure"):
        raise Unexpected(f"wanted a SASL failure, got {text_of(element)}")
    return name_of(element[0])


def stanza_error(element):
    """Type and condition of an error stanza."""
    error = element.find(f"{{{CLIENT}}}error")
    if element.get("type") != "error" or error is None:
        raise Unexpected(f"wanted an error stanza, got {text_of(element)}")
    conditions = [name_of(child) for child in error if ns_of(child) == STANZA_ERROR]
    return conditions[0], error.get("type")


def same_tree(a, b):
    """Namespaces, names, attributes and text are the same, whatever the prefixes."""
    return ((a.tag, a.attrib, a.text or "", len(a)) == (b.tag, b.attrib, b.text or "", len(b)) and
            all(same_tree(x, y) and (x.tail or "") == (y.tail or "") for x, y in zip(a, b)))


class Attack(unittest.TestCase):
    """A group of attacks. Its memory is bounded: what was resident at most while it ran, over what
    was before. A sanitizer's shadow and quarantine want more."""

    PEAK_KB, PEAK_SANITIZED_KB = 10240, 65536
    longMessage = True

    @classmethod
    def setUpClass(cls):
        cls.server = server
        server.forget_peak()
        cls.resident_before, cls.cpu_before = server.resident_kb(), server.cpu_seconds()

    @classmethod
    def tearDownClass(cls):
        peak = server.peak_kb() - cls.resident_before
        print(f"attack: {cls.__name__}: peak {peak:+} KiB, afterwards "
              f"{server.resident_kb() - cls.resident_before:+} KiB, "
              f"{server.cpu_seconds() - cls.cpu_before:.2f} s of CPU", flush=True)
        allowed = cls.PEAK_SANITIZED_KB if server.is_sanitized() else cls.PEAK_KB
        if peak > allowed:
            raise AssertionError(f"the server's memory grew by {peak} KiB (allowed: {allowed})")

    def assert_ends(self, stream, *conditions):
        """The stream ends with one of these errors."""
        with stream:
            self.assertIn(stream_error(stream), conditions)

    def assert_fails(self, element, *conditions):
        """A SASL failure with one of these conditions."""
        self.assertIn(failure(element), conditions, text_of(element))

    def assert_message(self, stream, text):
        """The next thing is a message with this body."""
        got = stream.next()
        self.assertEqual((ns_of(got), name_of(got), got.findtext(BODY)), (CLIENT, "message", text),
                         text_of(got))

    def say_to_self(self, stream, inside):
        """Sends a message with that content to the stream's own address; gives what comes."""
        stream.send(f"<message to='{stream.jid}'>".encode() + inside + b"</message>")
        return stream.next()
