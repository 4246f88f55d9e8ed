#!/usr/bin/env python3
"""Many logins and logouts, some of them cut at a random byte of the handshake. Afterwards the
server's descriptors, connections, sessions, timers and storage operations are what they were, and
its resident memory has not grown, in the first round nor in those that follow.

  tests/soak/logins.py [--count N] [--killed N] [--parallel N] [--rounds N] [--seed N] [--build DIR]
"""
import argparse
import collections
import concurrent.futures
import os
import random
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))

from harness import DOMAIN, Server  # noqa: E402
from rawclient import Closed, Killed, Stream  # noqa: E402

KINDS = ("plain", "plain", "starttls", "tls")
MECHANISMS = ("SCRAM-SHA-1", "SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN")
CUTS = ("reset", "close", "half-close")
USERS = 50
WARM_UP = 500  # logins before the first look: afterwards all pools have been touched
PASSWORD = "soak"
SETTLE_SECONDS = 20
# Resident memory that a round may add: allocators keep pages, sanitizers a quarantine.
GROWTH_KB, GROWTH_SANITIZED_KB = 2048, 24576


def snapshot(server):
    """What must come back to where it was."""
    status = server.status()
    numbers = {name: sum(shard[name] for shard in status["shards"])
               for name in ("streams", "users", "timers", "store_pending")}
    for name in ("connections", "sessions", "sessions_registered"):
        numbers[name] = status["metrics"][name]["total"]
    numbers["descriptors"] = server.descriptors()
    return numbers


def is_back(now, wanted):
    """Nothing more than before; a timer that was about to ring then may be gone."""
    return all(now[name] <= wanted[name] for name in wanted)


def settle(server, wanted):
    """Waits until there is nothing more than in the wanted snapshot; gives the last one and the
    seconds that it took."""
    begin = time.monotonic()
    while True:
        now = snapshot(server)
        took = time.monotonic() - begin
        if is_back(now, wanted) or took > SETTLE_SECONDS:
            return now, took
        time.sleep(0.2)


def byte_counts(server):
    """About how much a client sends for a whole login, by kind of listener and mechanism."""
    counts = {}
    for kind in set(KINDS):
        for mechanism in set(MECHANISMS):
            with Stream(server, kind) as stream:
                stream.login("user0", PASSWORD, mechanism)
                counts[kind, mechanism] = stream.sent_len
                stream.logout()
    return counts


def plan_of(count, killed, counts, seed):
    """One entry a login: user, kind, mechanism, bytes before the cut (None: no cut), how."""
    dice = random.Random(seed)
    cuts = set(dice.sample(range(count), killed))
    plan = []
    for number in range(count):
        kind, mechanism = dice.choice(KINDS), dice.choice(MECHANISMS)
        limit = dice.randrange(counts[kind, mechanism]) if number in cuts else None
        plan.append((f"user{dice.randrange(USERS)}", kind, mechanism, limit, dice.choice(CUTS)))
    return plan


def cut(stream, how):
    if how == "reset":
        stream.abort()
        return
    if how == "half-close":
        stream.sock.shutdown(socket.SHUT_WR)
        try:
            while stream.receive_raw():
                pass
        except Closed:
            pass
    stream.close()


def one_login(server, entry):
    """Gives "done" or how it was cut."""
    user, kind, mechanism, limit, how = entry
    stream = None
    try:
        stream = open_stream(server, kind, limit, how)
        if stream is None:
            return how
        stream.login(user, PASSWORD, mechanism)
        if limit is None:
            stream.logout()
            return "done"
    except Killed:
        pass
    cut(stream, how)
    return how


class TlsCut(Stream):
    """A direct TLS connection that can be cut inside its handshake, before there is a stream."""

    def __init__(self, server, kind, limit, how):
        self.was_cut = False
        try:
            super().__init__(server, kind, byte_limit=limit)
        except Killed:
            cut(self, how)
            self.was_cut = True


def open_stream(server, kind, limit, how):
    """None: it was cut already."""
    stream = TlsCut(server, kind, limit, how)
    return None if stream.was_cut else stream


class Round:
    def __init__(self, server, plan, parallel):
        self.server, self.plan, self.parallel = server, plan, parallel
        self.outcomes, self.failures = collections.Counter(), []
        self.lock = threading.Lock()

    def _job(self, entry):
        try:
            outcome = one_login(self.server, entry)
        except Exception as error:  # whatever it is, the round goes on and fails at its end
            with self.lock:
                self.failures.append(f"{entry}: {type(error).__name__}: {error}")
            outcome = "failed"
        with self.lock:
            self.outcomes[outcome] += 1

    def run(self):
        """Gives seconds and the server's CPU seconds."""
        begin, cpu = time.monotonic(), self.server.cpu_seconds()
        with concurrent.futures.ThreadPoolExecutor(self.parallel) as pool:
            for _ in pool.map(self._job, self.plan):
                pass
        return time.monotonic() - begin, self.server.cpu_seconds() - cpu


def run_round(server, number, options, counts, before):
    """Gives the resident memory afterwards; says what was found and raises on a leak."""
    plan = plan_of(options.count, options.killed, counts, options.seed + number)
    resident = server.resident_kb()
    one = Round(server, plan, options.parallel)
    seconds, cpu = one.run()
    after, settled = settle(server, before)
    now = server.resident_kb()
    cuts = ", ".join(f"{one.outcomes[how]} by {how}" for how in CUTS)
    print(f"soak: round {number}: {options.count} logins ({one.outcomes['done']} whole; {cuts}) "
          f"in {seconds:.1f} s, {cpu:.2f} s of CPU ({cpu * 1000 / options.count:.3f} ms each), "
          f"resident {resident} -> {now} KiB, settled in {settled:.1f} s, "
          + ", ".join(f"{name} {before[name]} -> {after[name]}" for name in before), flush=True)
    if one.failures:
        raise AssertionError(f"{len(one.failures)} logins failed:\n" + "\n".join(one.failures[:10]))
    if not is_back(after, before):
        raise AssertionError(f"not back to where it was: {before} before, {after} after")
    return now


def check_growth(server, resident):
    allowed = GROWTH_SANITIZED_KB if server.is_sanitized() else GROWTH_KB
    for number in range(1, len(resident)):
        grown = resident[number] - resident[number - 1]
        if grown > allowed:
            raise AssertionError(f"round {number} added {grown} KiB of resident memory "
                                 f"(allowed: {allowed})")


def run(options):
    with Server(iterations=4096) as server:
        server.import_users((f"user{number}", PASSWORD) for number in range(USERS))
        counts = byte_counts(server)
        Round(server, plan_of(WARM_UP, WARM_UP // 5, counts, options.seed), options.parallel).run()
        time.sleep(1)
        before, resident = snapshot(server), [server.resident_kb()]
        print(f"soak: seed {options.seed}, {options.parallel} at once, before: {before}, resident "
              f"{resident[0]} KiB", flush=True)
        for number in range(1, options.rounds + 1):
            resident.append(run_round(server, number, options, counts, before))
        check_growth(server, resident)
        with Stream(server, "tls") as stream:  # and it still works
            stream.login("user0", PASSWORD)
            stream.send(f"<message to='{stream.jid}'><body>still here</body></message>")
            stream.expect("jabber:client", "message")
            stream.logout()


def main():
    parser = argparse.ArgumentParser(description=f"logins and logouts at {DOMAIN}")
    parser.add_argument("--count", type=int, default=10000, help="logins a round")
    parser.add_argument("--killed", type=int, default=1000, help="those of them that are cut")
    parser.add_argument("--parallel", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--build", help="the build folder with the programs")
    options = parser.parse_args()
    if options.build:
        os.environ["RINGTAIL_BUILD"] = os.path.abspath(options.build)
    run(options)


if __name__ == "__main__":
    main()
