#!/usr/bin/env python3
"""What was acknowledged is on disk, once: users talk with stream management while the server (or
PostgreSQL) is killed at random moments, or PostgreSQL stands still. Who has no acknowledgement
sends again, with the same origin-id. In the end each acknowledged message is once in both archives,
in its order, nothing else is there, each inbox agrees with the archive, and pings were answered all
the time that the server was there.

  tests/soak/kill.py [--backend sqlite|postgresql] [--kill server|postgresql] [--moments N]
                     [--stop SECONDS] [--users N] [--rate N] [--seed N] [--build DIR]
"""
import argparse
import collections
import os
import random
import signal
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(HERE, "..", "clients"))

from harness import DOMAIN, Server  # noqa: E402
from rawclient import CLIENT, STANZA_ERROR, Closed, Stream, Unexpected, name_of, ns_of  # noqa: E402

PASSWORD = "kill"
SM, SID, MAM = "urn:xmpp:sm:3", "urn:xmpp:sid:0", "urn:xmpp:mam:2"
RSM, INBOX = "http://jabber.org/protocol/rsm", "erlang-solutions.com:xmpp:inbox:0"
PING_SECONDS = 0.2
LONGEST_PING = 3.0   # seconds, on a busy machine; a server that waits for a database takes minutes
LAST_WORDS = 120     # seconds for all acknowledgements to come in the end
RESIDENT_KB = 400000  # with the batch's cap of 32 MB a shard and little else


class Postgresql:
    """A scratch server that can be killed and comes back on its data."""

    def __init__(self, folder):
        self.folder = folder
        self.script = os.path.join(ROOT, "scripts", "scratch_pg.sh")
        self.conninfo = self.run("start").strip()
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self.sql(f"ALTER SYSTEM SET {setting} = on")
        self.sql("SELECT pg_reload_conf()")

    def run(self, command):
        return subprocess.run([self.script, command, self.folder], check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def sql(self, text):
        subprocess.run(["psql", "-qAt", self.conninfo, "-c", text], check=True,
                       stdout=subprocess.DEVNULL)

    def pids(self):
        with open(os.path.join(self.folder, "data", "postmaster.pid"), encoding="ascii") as file:
            master = int(file.readline())
        children = subprocess.run(["pgrep", "-P", str(master)], text=True, check=False,
                                  stdout=subprocess.PIPE).stdout.split()
        return [master, *map(int, children)]

    def signal_all(self, number):
        for pid in self.pids():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def kill(self):
        self.signal_all(signal.SIGKILL)
        time.sleep(random.uniform(0, 0.5))
        self.run("again")

    def stand_still(self, seconds):
        self.signal_all(signal.SIGSTOP)
        time.sleep(seconds)
        self.signal_all(signal.SIGCONT)


class Talker(threading.Thread):
    """One user, who says numbered texts to the others, and again what was not acknowledged."""

    def __init__(self, test, number):
        super().__init__(daemon=True)
        self.test, self.number, self.name = test, number, f"u{number}"
        self.random = random.Random(f"{test.options.seed}/{number}")
        self.counts = collections.Counter()     # messages said, by peer
        self.pending = collections.deque()      # not acknowledged: (peer, text)
        self.acknowledged, self.refused = set(), set()
        self.stream, self.sent_h, self.told_h, self.handled = None, 0, 0, 0
        self.pinged_at, self.longest_ping, self.pings, self.resent = None, 0.0, 0, 0
        self.said, self.problem = 0, None

    # --- The life of a stream ---

    def run(self):
        while not self.is_finished():
            try:
                self.connect()
                self.talk()
            except (Closed, OSError, Unexpected) as error:
                self.note(error)
            except Exception as error:  # pylint: disable=broad-except
                self.problem = repr(error)
                return
            finally:
                if self.stream:
                    self.stream.close()
            time.sleep(self.random.uniform(0.02, 0.2))

    def note(self, error):
        if isinstance(error, Unexpected) and self.test.is_up.is_set() and \
                "no answer" not in str(error) and "end of the stream" not in str(error) and \
                "failure" not in str(error):
            self.problem = str(error)

    def is_finished(self):
        return self.problem or (self.test.is_over.is_set() and not self.pending)

    def connect(self):
        self.stream, self.pinged_at = None, None
        self.stream = Stream(self.test.server, "plain")
        self.stream.login(self.name, PASSWORD, mechanism="SCRAM-SHA-1", resource="r")
        self.stream.send(f"<enable xmlns='{SM}'/><presence/>")
        self.sent_h, self.told_h, self.handled = 0, 0, 0
        self.stream.expect(SM, "enabled")
        self.sent_h += 1  # the presence
        self.in_flight = collections.deque([None])  # what each counted stanza was
        again, self.pending = list(self.pending), collections.deque()
        for peer, text in again:
            self.resent += 1
            self.say(peer, text)

    def say(self, peer, text):
        self.pending.append((peer, text))
        self.in_flight.append((peer, text))
        self.sent_h += 1
        self.stream.send(f"<message type='chat' to='{peer}@{DOMAIN}' id='{self.name}-{text}'>"
                         f"<body>{text}</body><origin-id xmlns='{SID}' id='{self.name}-{text}'/>"
                         f"</message><r xmlns='{SM}'/>")

    def say_new(self):
        other = self.random.randrange(self.test.options.users - 1)
        peer = f"u{other if other < self.number else other + 1}"
        self.counts[peer] += 1
        self.said += 1
        self.say(peer, f"{peer}-{self.counts[peer]}")

    def ping(self):
        self.pinged_at = time.monotonic()
        self.sent_h += 1
        self.in_flight.append(None)
        self.stream.send(f"<iq type='get' id='ping' to='{DOMAIN}'>"
                         "<ping xmlns='urn:xmpp:ping'/></iq>")

    def talk(self):
        pause = self.test.options.users / self.test.options.rate
        next_at, next_ping = time.monotonic(), time.monotonic()
        while not self.is_finished():
            now = time.monotonic()
            if now >= next_at and not self.test.is_over.is_set() and len(self.pending) < 2000:
                self.say_new()
                next_at = max(next_at + pause, now - 1)
            if now >= next_ping and self.pinged_at is None:
                self.ping()
                next_ping = now + PING_SECONDS
            self.listen(min(next_at, next_ping) - time.monotonic())
            self.look_at_ping()

    def look_at_ping(self):
        if self.pinged_at and self.test.is_up.is_set():
            waits = time.monotonic() - max(self.pinged_at, self.test.up_since)
            self.longest_ping = max(self.longest_ping, waits)

    # --- What comes ---

    def listen(self, seconds):
        data = self.stream.poll(max(0.001, seconds))
        if data is None:
            return
        if data == b"":
            raise Closed()
        self.stream._feed(data)  # pylint: disable=protected-access
        while self.stream.queue:
            self.take(self.stream.queue.pop(0))

    def take(self, element):
        kind = (ns_of(element), name_of(element))
        if kind == (SM, "a"):
            self.take_ack(int(element.get("h")))
        elif kind == (SM, "r"):
            self.stream.send(f"<a xmlns='{SM}' h='{self.handled}'/>")
        elif kind[0] == CLIENT:
            self.handled += 1
            self.take_stanza(element)

    def take_stanza(self, element):
        if name_of(element) == "iq" and element.get("id") == "ping":
            self.pinged_at = None
            self.pings += 1
        elif element.find(f"*/{{{STANZA_ERROR}}}resource-constraint") is not None:
            text = element.get("id")[len(self.name) + 1:]
            self.refuse((text.split("-")[0], text))

    def refuse(self, stanza):
        """It is not sent again: another one may be in the archive since, and would be overtaken."""
        self.refused.add(stanza)
        if stanza in self.pending:
            self.pending.remove(stanza)

    def take_ack(self, h):
        while self.told_h < h:
            self.told_h += 1
            stanza = self.in_flight.popleft()
            if stanza and stanza not in self.refused:
                self.pending.remove(stanza)
                self.acknowledged.add(stanza)


class Test:
    def __init__(self, options, server, postgresql):
        self.options, self.server, self.postgresql = options, server, postgresql
        self.is_over, self.is_up = threading.Event(), threading.Event()
        self.up_since = time.monotonic()
        self.is_up.set()
        self.talkers = [Talker(self, number) for number in range(options.users)]
        self.peak_kb = 0

    # --- The troubles ---

    def kill_server(self):
        self.is_up.clear()
        self.peak_kb = max(self.peak_kb, self.server.peak_kb())
        self.server.kill()
        time.sleep(random.uniform(0, 0.1))
        self.server.start()
        self.up_since = time.monotonic()
        self.is_up.set()

    def trouble(self):
        for moment in range(self.options.moments):
            time.sleep(random.uniform(0.2, 1.0))
            if self.options.kill == "server":
                self.kill_server()
            else:
                self.postgresql.kill()
            if moment % 10 == 9:
                self.tell(f"{moment + 1} moments")
        if self.options.stop:
            self.postgresql.stand_still(self.options.stop)
            self.tell("PostgreSQL goes on")

    def tell(self, what):
        said = sum(talker.said for talker in self.talkers)
        known = sum(len(talker.acknowledged) for talker in self.talkers)
        print(f"{what}: {said} said, {known} acknowledged", flush=True)

    def run(self):
        for talker in self.talkers:
            talker.start()
        time.sleep(1)
        self.trouble()
        time.sleep(1)
        self.is_over.set()
        deadline = time.monotonic() + LAST_WORDS
        for talker in self.talkers:
            talker.join(max(0.1, deadline - time.monotonic()))
        self.peak_kb = max(self.peak_kb, self.server.peak_kb())

    # --- The end ---

    def archive_of(self, name):
        """(sender, recipient, text) in order."""
        rows, after = [], ""
        with Stream(self.server, "plain") as stream:
            stream.login(name, PASSWORD, mechanism="SCRAM-SHA-1")
            while True:
                stream.send(f"<iq type='set' id='q'><query xmlns='{MAM}'><set xmlns='{RSM}'>"
                            f"<max>50</max>{after}</set></query></iq>")
                while True:
                    element = stream.next()
                    if name_of(element) == "iq":
                        break
                    message = element.find(f".//{{{CLIENT}}}message")
                    sender, peer = (message.get(end).split("@")[0] for end in ("from", "to"))
                    rows.append((sender, peer, message.findtext(f"{{{CLIENT}}}body")))
                fin = element.find(f"{{{MAM}}}fin")
                if fin is None:
                    raise AssertionError(f"a page failed: {ET.tostring(element, 'unicode')}")
                if fin.get("complete") == "true":
                    stream.logout()
                    return rows
                after = f"<after>{fin.findtext(f'{{{RSM}}}set/{{{RSM}}}last')}</after>"

    def inbox_of(self, name):
        """Unread messages and the newest text, by peer."""
        found = {}
        with Stream(self.server, "plain") as stream:
            stream.login(name, PASSWORD, mechanism="SCRAM-SHA-1")
            stream.send(f"<iq type='set' id='q'><inbox xmlns='{INBOX}'><x xmlns='jabber:x:data' "
                        f"type='submit'/></inbox></iq>")
            while name_of(element := stream.next()) != "iq":
                result = element.find(f"{{{INBOX}}}result")
                message = result.find(f".//{{{CLIENT}}}message")
                ends = [message.get(end).split("@")[0] for end in ("from", "to")]
                peer = ends[1] if ends[0] == name else ends[0]
                found[peer] = (int(result.get("unread")), message.findtext(f"{{{CLIENT}}}body"))
            if element.get("type") != "result":
                raise AssertionError(f"no inbox: {ET.tostring(element, 'unicode')}")
            stream.logout()
        return found

    def check(self):
        problems = [f"{talker.name}: {talker.problem}" for talker in self.talkers
                    if talker.problem]
        problems += [f"{talker.name}: {len(talker.pending)} never acknowledged"
                     for talker in self.talkers if talker.pending]
        archives = {talker.name: self.archive_of(talker.name) for talker in self.talkers}
        said = {(talker.name, f"u{n}"): talker.counts[f"u{n}"] for talker in self.talkers
                for n in range(self.options.users)}
        counts = {name: collections.Counter(archive) for name, archive in archives.items()}
        for talker in self.talkers:
            problems += self.check_archive(talker, archives, counts, said)
            problems += self.check_inbox(talker.name, archives[talker.name])
        longest = max(talker.longest_ping for talker in self.talkers)
        if longest > LONGEST_PING:
            problems.append(f"a ping took {longest:.1f} s")
        if self.peak_kb > RESIDENT_KB and not self.server.is_sanitized():
            problems.append(f"{self.peak_kb} KiB resident")
        return problems, sum(map(len, archives.values())), longest

    def check_archive(self, talker, archives, counts, said):
        problems = []
        for peer, text in talker.acknowledged:
            for owner in (talker.name, peer):
                times = counts[owner][(talker.name, peer, text)]
                if times != 1:
                    problems.append(f"{talker.name} to {peer}: {text} is {times} times in the"
                                    f" archive of {owner}")
        last = collections.Counter()
        for sender, peer, text in archives[talker.name]:
            number = int(text.rsplit("-", 1)[1])
            if number > said[(sender, peer)]:
                problems.append(f"{sender} never said {text}")
            if number <= last[(sender, peer)]:
                problems.append(f"{sender} to {peer}: {text} behind {last[(sender, peer)]}")
            last[(sender, peer)] = number
        return problems[:5]

    def check_inbox(self, name, archive):
        wanted = {}
        for sender, peer, text in archive:
            other = peer if sender == name else sender
            unread = 0 if sender == name else wanted.get(other, (0, ""))[0] + 1
            wanted[other] = (unread, text)
        found = self.inbox_of(name)
        return [f"inbox of {name} with {peer}: {found.get(peer)}, wanted {wanted.get(peer)}"
                for peer in wanted.keys() | found.keys()
                if found.get(peer) != wanted.get(peer)][:5]


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--backend", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--kill", choices=("server", "postgresql"), default="server")
    parser.add_argument("--moments", type=int, default=100)
    parser.add_argument("--stop", type=float, default=0, help="PostgreSQL stands still so long")
    parser.add_argument("--users", type=int, default=12)
    parser.add_argument("--rate", type=float, default=300, help="messages a second in all")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--build")
    options = parser.parse_args()
    if options.build:
        os.environ["RINGTAIL_BUILD"] = options.build
    if options.backend == "sqlite" and (options.kill != "server" or options.stop):
        parser.error("there is no PostgreSQL to trouble: --backend postgresql")
    return options


def run(options, postgresql, storage):
    with Server(storage=storage) as server:
        server.import_users((f"u{n}", PASSWORD) for n in range(options.users))
        test = Test(options, server, postgresql)
        test.run()
        problems, rows, longest = test.check()
        resent = sum(talker.resent for talker in test.talkers)
        refused = sum(len(talker.refused) for talker in test.talkers)
        pings = sum(talker.pings for talker in test.talkers)
        test.tell("in the end")
        print(f"{rows} in archives, {resent} sent again, {refused} refused, {pings} pings, the"
              f" longest {longest:.2f} s, {test.peak_kb} KiB resident at most")
        for problem in problems[:30]:
            print(problem)
        return len(problems)


def main():
    options = read_options()
    random.seed(options.seed)
    print(f"seed {options.seed}")
    if options.backend == "sqlite":
        return run(options, None, "backend: sqlite")
    folder = subprocess.run(["mktemp", "-d"], check=True, text=True,
                            stdout=subprocess.PIPE).stdout.strip()
    os.chmod(folder, 0o755)
    postgresql = Postgresql(os.path.join(folder, "pg"))
    try:
        conninfo = postgresql.conninfo
        return run(options, postgresql, f"backend: postgresql, conninfo: \"{conninfo}\"")
    finally:
        postgresql.run("stop")
        subprocess.run(["rm", "-rf", folder], check=True)


if __name__ == "__main__":
    sys.exit(1 if main() else 0)
