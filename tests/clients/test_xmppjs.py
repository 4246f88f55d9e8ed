#!/usr/bin/env python3
"""xmpp.js (@xmpp/client of xmppjs/package.json) against the server, with another client as its
peer. The packages are fetched once into the folder that RINGTAIL_CACHE_XMPPJS names."""
import hashlib
import json
import os
import shutil
import subprocess
import time
import unittest

from cable import Cable
from harness import DOMAIN, ROOT, Server
from rawclient import CLIENT, Stream

HERE = os.path.join(ROOT, "tests", "clients", "xmppjs")
CACHE = os.environ.get("RINGTAIL_CACHE_XMPPJS", os.path.join(ROOT, "build", "xmppjs"))
PASSWORD = "a=b, <c> & 'd'"
TEXT = "Grüße <&> \U0001f99d \"quoted\" ]]> 'text'"
SECONDS = 30


def need(program):
    path = shutil.which(program)
    if not path:
        raise AssertionError(f"the program `{program}` is not installed, and this test needs it: "
                             "scripts/deps.sh test installs it")
    return path


def stamp_of(folder):
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        with open(os.path.join(folder, name), "rb") as file:
            digest.update(file.read())
    return digest.hexdigest()


def install():
    """The packages of the lock file, unless they are there already."""
    npm, stamp = need("npm"), os.path.join(CACHE, "installed")
    os.makedirs(CACHE, exist_ok=True)
    for name in ("package.json", "package-lock.json", "client.mjs", "day.mjs"):
        shutil.copy(os.path.join(HERE, name), CACHE)
    wanted = stamp_of(HERE)
    if os.path.exists(stamp):
        with open(stamp, encoding="ascii") as file:
            if file.read() == wanted:
                return
    out = subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=CACHE,
                         text=True, capture_output=True, check=False, timeout=300)
    if out.returncode != 0:
        raise AssertionError(f"npm could not fetch @xmpp/client:\n{out.stdout}{out.stderr}")
    with open(stamp, "w", encoding="ascii") as file:
        file.write(wanted)


class WithNode(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.node = need("node")
        install()
        cls.server = cls.enterClassContext(Server())
        cls.alice, cls.bob = cls.server.pair_of_users(PASSWORD)

    def run_node(self, script, *words):
        env = {**os.environ, "NODE_EXTRA_CA_CERTS": self.server.certificate,
               "NODE_OPTIONS": "--dns-result-order=ipv4first"}
        node = subprocess.Popen(
            [self.node, script, *words], cwd=CACHE, env=env, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        self.addCleanup(node.kill)
        return node


class Day(WithNode):
    def test_day(self):
        """Roster, presence, chat, carbons, and three cuts of everybody's cable."""
        with Cable(self.server.port["tls"]) as cable:
            node = self.run_node("day.mjs", f"xmpps://{DOMAIN}:{cable.port}", DOMAIN, self.alice,
                                 self.bob, PASSWORD)
            told = []
            for line in node.stdout:
                told.append(json.loads(line))
                if told[-1]["event"] == "cut":
                    self.assertEqual(cable.cut(), 3)
            self.assertEqual(node.wait(SECONDS), 0, told)
            for stream in (node.stdout, node.stderr):
                stream.close()
        events = [one["event"] for one in told if one["event"] != "error"]  # of the cuts
        self.assertEqual(events, ["friends", "chatted", "copied", *["cut", "resumed"] * 3, "left"])


class XmppJs(WithNode):
    def end_of(self, node):
        """What it told; it must have ended well."""
        out, errors = node.communicate(timeout=SECONDS)
        self.assertEqual(node.returncode, 0, out + errors)
        return [json.loads(line) for line in out.splitlines()]

    def message_for(self, bob, node):
        """The message that node sends; or what it told when it gave up."""
        deadline = time.monotonic() + SECONDS
        while bob.is_silent(0.1):
            if node.poll() is not None or time.monotonic() > deadline:
                node.kill()
                self.fail("".join(node.communicate()))
        return bob.expect(CLIENT, "message")

    def exchange(self, service, mechanism):
        with Stream(self.server, "tls") as bob:
            peer = bob.login(self.bob, PASSWORD, "SCRAM-SHA-256")
            bob.be_available()
            node = self.run_node("client.mjs", service, DOMAIN, self.alice, PASSWORD, mechanism,
                                 peer, TEXT)
            message = self.message_for(bob, node)
            self.assertEqual(message.findtext(f"{{{CLIENT}}}body"), TEXT)
            self.assertEqual(message.get("from"), f"{self.alice}@{DOMAIN}/xmppjs")
            body = TEXT.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            bob.send(f"<message type='chat' to='{message.get('from')}'><body>{body}</body>"
                     "</message>")
            events = self.end_of(node)
            bob.logout()
        self.assertEqual([one["event"] for one in events], ["online", "ping", "echoed", "left"])
        self.assertEqual((events[0]["secure"], events[1]["type"]), (True, "result"))

    def test_starttls_scram(self):
        self.exchange(f"xmpp://127.0.0.1:{self.server.port['starttls']}", "SCRAM-SHA-1")

    def test_starttls_plain(self):
        self.exchange(f"xmpp://127.0.0.1:{self.server.port['starttls']}", "PLAIN")

    def test_tls_plain(self):
        self.exchange(f"xmpps://{DOMAIN}:{self.server.port['tls']}", "PLAIN")

    def test_tls_scram(self):
        self.exchange(f"xmpps://{DOMAIN}:{self.server.port['tls']}", "SCRAM-SHA-1")


if __name__ == "__main__":
    unittest.main()
