#!/usr/bin/env python3
"""How long a message takes, to its recipient and until it is acknowledged (XEP-0198), which means
that it is on disk; beside whatever else the server has to do. For archive.sh --acks.

  acks.py PORT USER PEER SECONDS   one message each 20 ms; prints a line for each number, in µs
"""
import re
import select
import sys
import time

from pages import Client

PAUSE = 0.02
ASK_AGAIN = 0.001
PATIENCE = 5e6  # µs
MESSAGE = ("<message to='{peer}@localhost' type='chat' id='{number}'><body>{body}</body></message>"
           "<r xmlns='urn:xmpp:sm:3'/>")


def handled(came):
    """The last count of what was acknowledged, 0: none has come yet."""
    counts = re.findall(rb"<a [^>]*h='(\d+)'", came)
    return int(counts[-1]) if counts else 0


def until_both(sender, peer, count, start):
    """When the acknowledgement came, asked for each millisecond, and when the message came."""
    acked = delivered = None
    came, got = b"", b""
    while acked is None or delivered is None:
        ready = select.select([sender.sock, peer.sock], [], [], ASK_AGAIN)[0]
        now = (time.perf_counter() - start) * 1e6
        if now > PATIENCE:
            raise SystemExit("a message was refused, or has got lost: the rate is too high")
        if sender.sock in ready:
            came += sender.sock.recv(65536)
            if acked is None and handled(came) >= count:
                acked = now
        if peer.sock in ready:
            got += peer.sock.recv(65536)
            if delivered is None and b"</message>" in got:
                delivered = now
        if not ready and acked is None:
            sender.sock.sendall(b"<r xmlns='urn:xmpp:sm:3'/>")
    return acked, delivered


def main(port, user, peer_name, seconds):
    sender, peer = Client(int(port), user), Client(int(port), peer_name)
    peer.say("<presence/><iq type='get' id='there'><ping xmlns='urn:xmpp:ping'/></iq>", b"there")
    sender.say("<enable xmlns='urn:xmpp:sm:3'/>", b"<enabled")
    acks, deliveries, end = [], [], time.monotonic() + float(seconds)
    while time.monotonic() < end:
        start = time.perf_counter()
        text = MESSAGE.format(peer=peer_name, number=len(acks), body="x" * 200)
        sender.sock.sendall(text.encode())
        ack, delivery = until_both(sender, peer, len(acks) + 1, start)
        acks.append(ack)
        deliveries.append(delivery)
        time.sleep(PAUSE)
    for name, values in (("ack", sorted(acks)), ("delivery", sorted(deliveries))):
        print(f"{name}_p50_us {values[len(values) // 2]:.0f}")
        print(f"{name}_p99_us {values[len(values) * 99 // 100]:.0f}")


main(*sys.argv[1:])
