#!/usr/bin/env python3
"""Keeps the scripts of bench/ from rotting: they parse, dry runs say what they would do, the ladder
climbs as it should, the table is made, and one short round runs against Ringtail alone.

  bench/compare/test_compare.py [BUILD_DIR]     without one, no round is run
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

import cases
import compare
import servers
import table

BENCH = os.path.join(servers.ROOT, "bench")
BUILD = None


def output_of(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    if done.returncode:
        raise AssertionError(f"{command}: {done.stdout}{done.stderr}")
    return done.stdout


class Scripts(unittest.TestCase):
    def test_shell_scripts_parse(self):
        scripts = glob.glob(BENCH + "/*.sh") + glob.glob(BENCH + "/*/*.sh")
        self.assertGreater(len(scripts), 10)
        for script in scripts:
            output_of("bash", "-n", script)

    def test_a_dry_run_fills_in_all_settings(self):
        text = output_of(os.path.join(servers.HERE, "compare.py"), "--dry-run", "--server", "Other",
                         "127.0.0.1:5222", "other.test", "1,2/3")
        for name in [*servers.KNOWN, "Other"]:
            self.assertIn(f"=== {name}, one-to-one, archive", text)
        for line in text.split("\n"):
            if not line.startswith(("#", "--")) and re.search(r"@[A-Z]|[#-]IF \w", line):
                self.assertIn("conference.@HOST@", line)  # that is ejabberd's own

    def test_the_archive_is_on_where_it_should_be(self):
        for name, mark in (("ejabberd", "mod_mam: {"), ("prosody", '"mam",'),
                           ("ringtail", "mam: {}")):
            server = servers.KNOWN[name]("/nowhere", "", 1)
            self.assertIn(mark, server.settings_text(("archive",)))
            self.assertNotIn(mark, server.settings_text(()))

    def test_the_rig(self):
        output_of(os.path.join(BENCH, "ec2", "check.py"))
        text = output_of(os.path.join(BENCH, "ec2", "run.sh"), "--dry-run", "all")
        for word in ("apply", "archive", "coordinate", "destroy"):
            self.assertIn(word, text)


class Ladder(unittest.TestCase):
    """Upwards and downwards, with a server that passes up to a rate."""

    def run_with(self, limit, begin, top=len(cases.RATES) - 1, p99=10):
        tried = []

        def measure(server, case, number, rates):
            lines = []
            for rate in rates:
                tried.append(rate)
                lines.append({"passed": rate <= limit, "p99": p99, "rate": rate})
                if rate > limit:
                    break
            return lines
        run = compare.Run(types.SimpleNamespace(minutes=1), None, [])
        run.measure = measure
        case = cases.Case("some", "some", (), 10)
        place = run.upwards(None, case, 1, begin, top)
        if place < 0:
            place = run.downwards(None, case, 1, begin)
        return (cases.RATES[place] if place >= 0 else 0), tried

    def test_it_finds_the_highest(self):
        for limit in cases.RATES:
            for begin in range(len(cases.RATES)):
                self.assertEqual(self.run_with(limit, begin)[0], limit)

    def test_a_later_round_goes_no_higher(self):
        place = cases.at_least(1000)
        self.assertEqual(self.run_with(9999, place, top=place)[0], 1000)

    def test_the_common_rate_is_tried_once(self):
        _, tried = self.run_with(1000, cases.at_least(10), top=cases.at_least(10))
        self.assertEqual(tried, [10])

    def test_nothing_passes(self):
        self.assertEqual(self.run_with(5, 0)[0], 0)

    def test_one_that_just_fails_gets_one_more_chance(self):
        _, tried = self.run_with(1000, cases.at_least(800))
        self.assertEqual(tried, [10, 800, 1000, 1500, 1500])

    def test_one_that_fails_by_far_gets_none(self):
        _, tried = self.run_with(1000, cases.at_least(800), p99=9_000_000)
        self.assertEqual(tried, [10, 800, 1000, 1500])


def rung(server, rate, passed=True, us=100.0):
    return {"type": "rung", "server": server, "case": "plain", "round": 1, "rate": rate,
            "passed": passed, "server_us": us, "database_us": us / 2, "server_us_copy": us,
            "p50": 300, "p95": 500, "p99": 2500, "max": 9000, "why": "",
            "report": {"type": "phase", "rate": rate}}


class Table(unittest.TestCase):
    def lines(self):
        case = {"name": "plain", "title": "one-to-one, no archive", "common": 500, "rooms": False}
        run = {"type": "run", "time": "2026-01-01", "commit": "abc", "kernel": "6", "cpus": 2,
               "cpu": "some", "users": 500, "seconds": 3, "rounds": 3, "stanza_bytes": 300,
               "shards": 1, "load": 0.5, "servers": {"a": "1", "b": "2"}, "cases": [case]}
        highest = [{"type": "highest", "server": "a", "case": "plain", "round": number,
                    "rate": rate} for number, rate in ((1, 2000), (2, 1500), (3, 2000))]
        written = [{"type": "written", "server": "a", "case": "plain", "round": 1, "sent": 10,
                    "wal_bytes": 6100, "disk_bytes": 0}]
        return [run, rung("a", 500), rung("a", 2000, us=50.0), rung("a", 3000, passed=False),
                rung("b", 500, us=400.0), *highest, *written]

    def test_it_says_what_was_measured(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "x.jsonl")
            with open(path, "w") as file:
                file.write("\n".join(json.dumps(line) for line in self.lines()))
            text = table.text(table.Data(path))
            table.write(path)
            kinds = [json.loads(line)["type"] for line in table.reports(path)]
            self.assertEqual(kinds, ["run", "phase", "phase", "run", "phase"])
            self.assertIn("| one-to-one, no archive | a | 500 | 100 + 50 | 0.3 / 2.5 |"
                          " 2,000 (1,500–2,000) | 50 + 25 | 0.3 / 2.5 | – | 610 | 0 |", text)
            self.assertIn("| b | 500 | 400 + 200 |", text)
            with open(os.path.join(folder, "x-cpu.svg")) as file:
                self.assertIn("<polyline", file.read())


class Round(unittest.TestCase):
    """Servers with a PostgreSQL of their own; seconds."""

    def run_short(self, server):
        with tempfile.TemporaryDirectory() as folder:
            output_of(os.path.join(servers.HERE, "compare.py"), "--servers", server,
                      "--cases", "plain,room", "--users", "20", "--idle-users", "20", "--rounds",
                      "1", "--seconds", "0.3", "--warmup", "0.1", "--common", "50", "--no-ladder",
                      "--no-install", "--build", BUILD, "--out", folder, "--name", "short")
            with open(os.path.join(folder, "short.jsonl")) as file:
                lines = [json.loads(line) for line in file]
        kinds = [line["type"] for line in lines]
        for kind, count in (("rung", 2), ("memory", 1), ("written", 2), ("failure", 0)):
            self.assertEqual(kinds.count(kind), count, kind)
        for line in lines:
            self.assertTrue(line.get("passed", True), line)

    def setUp(self):
        if not BUILD or not glob.glob("/usr/lib/postgresql/*/bin/initdb"):
            self.skipTest("no build, or no PostgreSQL")

    def test_ringtail(self):
        self.run_short("ringtail")

    @unittest.skipUnless(shutil.which("prosody"), "Prosody is not here: install.sh prosody")
    def test_prosody(self):
        """Another server, and rooms as all have them (XEP-0045, scenario muc)."""
        self.run_short("prosody")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        BUILD = sys.argv.pop()
    unittest.main()
