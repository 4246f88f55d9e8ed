#!/usr/bin/env python3
"""The client side of bench/pages.sh.

  pages.py ask PORT USERS PAGES DAYS   asks for pages of 50 as clients do; prints p50 and p99 in ms
  pages.py plans LOG                   the last plan of each page statement in PostgreSQL's log
"""
import base64
import datetime
import random
import re
import socket
import sys
import time

STREAM = "<stream:stream xmlns='jabber:client' to='localhost' version='1.0'" \
         " xmlns:stream='http://etherx.jabber.org/streams'>"


class Client:
    """One session, which asks one thing after the other."""

    def __init__(self, port, user):
        self.user = user
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secret = base64.b64encode(f"\0{user}\0secret".encode()).decode()
        self.say(STREAM, b"</stream:features>")
        self.say("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                 f"{secret}</auth>", b"<success")
        self.say(STREAM, b"</stream:features>")
        self.say("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
                 b"</iq>")

    def say(self, text, until):
        self.sock.sendall(text.encode())
        came = b""
        while until not in came:
            part = self.sock.recv(262144)
            if not part:
                raise SystemExit(f"the server closed the stream after: {came[-300:]}")
            came += part
        return came.decode()

    def page(self, fields, place):
        """The milliseconds that it takes, and how many messages came."""
        form = "".join(f"<field var='{name}'><value>{value}</value></field>"
                       for name, value in fields.items())
        begin = time.perf_counter()
        came = self.say(
            "<iq type='set' id='q'><query xmlns='urn:xmpp:mam:2'><x xmlns='jabber:x:data'"
            " type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
            f"{form}</x><set xmlns='http://jabber.org/protocol/rsm'><max>50</max>{place}</set>"
            "</query></iq>", b"</iq>")
        if "type='error'" in came:
            raise SystemExit(f"refused: {came}")
        return (time.perf_counter() - begin) * 1000, came.count("<result ")

    def close(self):
        self.sock.close()


def random_end(days):
    at = datetime.datetime.now(datetime.timezone.utc) - \
        datetime.timedelta(days=random.uniform(1, days))
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def kinds(users, days):
    """Each gives the fields and the place in the set, for a user's number."""
    def near(number):
        return f"u{(number + 1 + random.randrange(3)) % users}@localhost"

    def rare(number):
        return f"u{(number + 20) % users}@localhost"

    last = "<before/>"
    return {
        "the newest of all": lambda n: ({}, last),
        "the oldest of all": lambda n: ({}, ""),
        "backwards from some day": lambda n: ({"end": random_end(days)}, last),
        "the newest with a dear peer": lambda n: ({"with": near(n)}, last),
        "with a dear peer, some day": lambda n: ({"with": near(n), "end": random_end(days)}, last),
        "the newest with a rare peer": lambda n: ({"with": rare(n)}, last),
        "the newest with a stranger": lambda n: ({"with": "nobody@nowhere.example"}, last),
    }


def measure(clients, make, pages):
    times, messages = [], 0
    for i in range(pages):
        client = clients[i % len(clients)]
        took, count = client.page(*make(int(client.user[1:])))
        times.append(took)
        messages += count
    times.sort()
    return times[len(times) // 2], times[len(times) * 99 // 100], messages / pages


def ask(port, users, pages, days):
    """Busy users (the first of a hundred) and quiet ones apart."""
    busy = max(1, users // 100)
    print(f"{'page of 50, ms':<30} {'busy p50':>9} {'p99':>7} {'quiet p50':>10} {'p99':>7}"
          f" {'messages':>14}")
    groups = [[Client(port, f"u{n}") for n in random.sample(range(low, high), min(20, high - low))]
              for low, high in ((0, busy), (busy + 20, users))]
    for name, make in kinds(users, days).items():
        (p50, p99, full), (q50, q99, quiet_full) = [measure(g, make, pages) for g in groups]
        print(f"{name:<30} {p50:9.2f} {p99:7.2f} {q50:10.2f} {q99:7.2f} {full:7.1f}"
              f"{quiet_full:7.1f}")
    for client in groups[0] + groups[1]:
        client.close()


def plans(log):
    text = open(log, encoding="utf-8", errors="replace").read()
    last = {}
    for plan in re.findall(r"duration: .*? plan:\n((?:\t.*\n)+)", text):
        if re.search(r"FROM message m.*LIMIT \$4", plan):
            kind = "one conversation" if "least(m.sender" in plan else "all"
            way = " backwards" if "DESC LIMIT" in plan else ""
            last[kind + way] = plan
    for name, plan in sorted(last.items()):
        print(f"\n{name}:")
        kept = [line for line in plan.split("\n") if "->" in line or "Sort" in line]
        ran = [line.strip("\t") for line in kept if "never executed" not in line]
        print("\n".join(ran[:40]))


if __name__ == "__main__":
    random.seed(1)
    if sys.argv[1] == "ask":
        ask(*map(int, sys.argv[2:6]))
    else:
        plans(sys.argv[2])
