#!/usr/bin/env python3
"""Runs all attacks against one server, which must end well afterwards: no report of a sanitizer,
nothing left behind.

  tests/attack/test_attacks.py [-v] [NAME...]     as unittest takes them: attack_size.X2Huge
"""
import sys
import time
import unittest

import stage

MODULES = ("attack_size", "attack_text", "attack_names", "attack_auth", "attack_scram",
           "attack_plus", "attack_tls")
SETTLE_SECONDS = 15


def leftovers():
    """What is still there of all the streams, and the timers that are always there."""
    status = stage.server.status()
    return {name: sum(shard[name] for shard in status["shards"])
            for name in ("streams", "users", "timers", "store_pending")}


def check_empty(before):
    deadline = time.monotonic() + SETTLE_SECONDS
    while any(now > before[name] for name, now in leftovers().items()):
        if time.monotonic() > deadline:
            raise AssertionError(f"left behind: {leftovers()}, it was {before}")
        time.sleep(0.2)


def main():
    names = [name for name in sys.argv[1:] if not name.startswith("-")]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names or MODULES)
    runner = unittest.TextTestRunner(verbosity=2 if "-v" in sys.argv else 1,
                                     warnings="ignore")  # of old TLS versions, tried on purpose
    with stage.start() as stage.server:
        stage.add_users()
        before = leftovers()
        result = runner.run(suite)
        check_empty(before)
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
