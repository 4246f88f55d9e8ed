#!/usr/bin/env python3
"""Ringtail beside ejabberd, Prosody and whatever else speaks XMPP: the same load on each in turn,
some rounds, one table, raw data and plots.

  bench/compare/compare.py                        all that README.md says, in at most 15 minutes
  bench/compare/compare.py --quick                one short round of everything
  bench/compare/compare.py --servers ringtail --cases plain,room --rounds 1
  bench/compare/compare.py --server MongooseIM 127.0.0.1:5222 localhost 4711/4712 \\
      --given archive,inbox                       also one that runs already, in those rows
  bench/compare/compare.py --dry-run              says what would be done, with what settings

Results go to --out: NAME.jsonl (raw data), NAME.md (table), NAME-*.svg (plots). table.py makes
the latter two again from the first.
"""
import argparse
import datetime
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import cases
import servers
import table
import usage

LOGIN_S, AFTER_S = 120, 1
P99_US = 1_000_000


def say(*words):
    print("compare:", *words, file=sys.stderr, flush=True)


class Record:
    """The raw data: JSON objects, one a line, written as they come."""

    def __init__(self, path):
        self.path, self.lines = path, []
        open(path, "w").close()

    def add(self, kind, **fields):
        line = {"type": kind, **fields}
        self.lines.append(line)
        with open(self.path, "a") as file:
            file.write(json.dumps(line) + "\n")
        return line


class Run:
    def __init__(self, options, record, fleet):
        self.options, self.record, self.fleet = options, record, fleet
        self.deadline = time.monotonic() + options.minutes * 60
        self.highest = {}  # (server, case) to place in RATES
        self.made_rooms = set()

    def over(self):
        return time.monotonic() > self.deadline

    # --- One run of the generator ---

    def generator(self, server, scenario, **options):
        given = {"host": server.host, "port": server.port, "domain": server.domain,
                 "prefix": self.options.prefix, "password": self.options.password,
                 "mechanism": self.options.mechanism, **options}
        command = [os.path.join(self.options.build, "ringtail-bench"), scenario, "--json"]
        for name, value in given.items():
            command += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        return command

    def talk(self, server, case, rate):
        options = {"users": self.options.users, "rate": rate, "seconds": f"{self.options.seconds}s",
                   "warmup": f"{self.options.warmup}s", "settle": "700ms", "drain": "3s"}
        scenario = "one_to_one"
        if case.rooms:
            scenario = self.options.given_rooms if server.name not in servers.KNOWN else \
                server.rooms
            options["room_size"] = cases.ROOM_SIZE
            if scenario == "muc_light" and server.name in self.made_rooms:
                options["rooms_made"] = True
        return self.generator(server, scenario, **options)

    def rung(self, server, case, number, rate):
        """One rate, measured; true when it passes."""
        before = server.counters()
        process = subprocess.Popen(self.talk(server, case, rate), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        sampler = usage.Sampler(process, server.pids())
        try:
            out, errors = process.communicate(timeout=LOGIN_S + self.options.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, errors = process.communicate()
        report = last_report(out)
        line = {"server": server.name, "case": case.name, "round": number, "rate": rate,
                **verdict(report, errors), **self.spent(sampler, rate, case),
                "load": round(os.getloadavg()[0], 1), "report": report}
        time.sleep(AFTER_S)
        if before and report.get("sent"):
            line.update(written(before, server.counters(), report["sent"]))
        if case.rooms and report:
            self.made_rooms.add(server.name)
        self.record.add("rung", **line)
        say(f"{number}. {server.name:9} {case.name:8} {rate:6}/s:", describe(line))
        return line["passed"]

    def spent(self, sampler, rate, case):
        """CPU µs a message sent, over the end of the measured part: open loop, so the rate says
        how many were sent in it."""
        window = sampler.window(self.options.users, 0.3, max(self.options.seconds - 0.6, 0.6))
        if not window:
            return {}
        seconds, (server_us, database_us) = window
        copies = cases.ROOM_SIZE if case.rooms else 1
        return {"window_s": round(seconds, 3),
                "server_us": round(server_us / (seconds * rate), 2),
                "database_us": round(database_us / (seconds * rate), 2),
                "server_us_copy": round(server_us / (seconds * rate * copies), 2),
                "server_cpus": round(server_us / seconds / 1e6, 3),
                "database_cpus": round(database_us / seconds / 1e6, 3)}

    def passes(self, server, case, number, rate):
        """A rung that just fails gets a second chance: others may have wanted the machine."""
        if self.rung(server, case, number, rate):
            return True
        report = self.record.lines[-1]["report"]
        server.quiet()
        if self.over() or report.get("latency_p99_us", P99_US * 9) > 3 * P99_US:
            return False
        good = self.rung(server, case, number, rate)
        server.quiet()
        return good

    # --- A server's turn in a case ---

    def ladder(self, server, case, number):
        begin = cases.at_least(case.begin.get(server.name, case.common))
        key = server.name, case.name
        tried = {}

        def passes(place):
            if place not in tried:
                tried[place] = not self.over() and \
                    self.passes(server, case, number, cases.RATES[place])
            return tried[place]

        if key in self.highest:  # a later round: does it hold?
            begin = self.highest[key]
            place = cases.climb(begin, passes, highest=begin)
        else:
            place = self.highest[key] = cases.climb(begin, passes)
        if self.over() and place < 0:
            return
        self.record.add("highest", server=server.name, case=case.name, round=number,
                        rate=cases.RATES[place] if place >= 0 else 0)

    def turn(self, server, case, number):
        try:
            server.start(case.words)
            server.want_users(max(self.options.users, self.options.idle_users))
            self.rung(server, case, number, case.common)
            if not self.options.no_ladder:
                self.ladder(server, case, number)
            if number == 1 and case.name == self.options.cases[0] and self.options.idle_users:
                server.stop()
                server.start(case.words)
                self.idle(server)
        except (servers.Failed, servers.Refused, subprocess.TimeoutExpired) as why:
            say(why)
            self.record.add("failure", server=server.name, case=case.name, round=number,
                            why=str(why))
        finally:
            server.stop()
            server.settle()

    def idle(self, server):
        """Memory of sessions that do nothing, on a server that has just been started."""
        command = self.generator(server, "idle", users=self.options.idle_users, settle="1s",
                                 seconds="1s", server_pid=server.main_pid())
        done = subprocess.run(command, capture_output=True, text=True, timeout=LOGIN_S)
        report = last_report(done.stdout)
        self.record.add("memory", server=server.name, users=self.options.idle_users, report=report)
        say(f"   {server.name:9} memory a session: {report.get('rss_session_bytes', '?')}")

    def rounds(self):
        for number in range(1, self.options.rounds + 1):
            for case in self.options.cases_wanted:
                for server in self.fleet:
                    if self.over():
                        say("time is up: what is missing is left out")
                        return
                    if has(self.options, server, case):
                        self.turn(server, case, number)


def has(options, server, case):
    if server.name in servers.KNOWN:
        return server.name in case.begin
    return case.name in options.given


def last_report(text):
    """The generator's outcome: its last line that is an object."""
    for line in reversed(text.split("\n")):
        if line.startswith("{"):
            try:
                return json.loads(line)
            except json.JSONDecodeError:
                continue
    return {}


def verdict(report, errors):
    why = []
    if not report:
        why = [errors.strip().split("\n")[-1] or "no report"]
    else:
        refused = report.get("errors", 0)  # answered with an error: known to the sender
        counts = {"refused": refused, "lost": report["lost"] - refused,
                  "doubled": report["doubled"],
                  "broken connections": report["broken_connections"]}
        why += [f"{count} {name}" for name, count in counts.items() if count > 0]
        if report.get("latency_p99_us", 0) >= P99_US:
            why.append("p99 of a second or more")
    return {"passed": not why, "why": ", ".join(why),
            **{name: report.get(f"latency_{name}_us") for name in ("p50", "p95", "p99", "max")}}


def written(before, after, sent):
    return {"wal_bytes": round((after[0] - before[0]) / sent, 1),
            "disk_bytes": round((after[1] - before[1]) / sent, 1)}


def describe(line):
    outcome = "passes" if line["passed"] else f"fails ({line['why']})"
    numbers = [f"{line.get('server_us', '?')} + {line.get('database_us', '?')} µs",
               f"p50 {line['p50']} p99 {line['p99']} µs"]
    if "wal_bytes" in line:
        numbers.append(f"{line['wal_bytes']} B log, {line['disk_bytes']} B disk")
    return "; ".join([outcome, *numbers])


# --- What the run was on ---

def commit():
    out = subprocess.run(["git", "-C", servers.ROOT, "describe", "--always", "--dirty"],
                         capture_output=True, text=True)
    return out.stdout.strip()


def cpu_model():
    for line in usage.read("/proc/cpuinfo").split("\n"):
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def describe_run(options, fleet):
    return {"time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
            "commit": commit(), "kernel": platform.release(), "cpus": os.cpu_count(),
            "cpu": cpu_model(), "users": options.users, "seconds": options.seconds,
            "warmup": options.warmup, "rounds": options.rounds, "stanza_bytes": 300,
            "room_size": cases.ROOM_SIZE, "shards": options.shards,
            "load": round(os.getloadavg()[0], 1),
            "servers": {server.name: server.version() for server in fleet},
            "cases": [{"name": case.name, "title": case.title, "common": case.common,
                       "rooms": case.rooms} for case in options.cases_wanted]}


# --- The command line ---

def words(text):
    return [word for word in text.split(",") if word]


def parse(arguments):
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--servers", type=words, default=list(servers.KNOWN), help=", ".join(servers.KNOWN))
    add("--cases", type=words, default=cases.PRESET,
        help=", ".join(case.name for case in cases.CASES))
    add("--server", nargs="+", action="append", default=[],
        metavar="NAME HOST:PORT DOMAIN [PIDS]", help="one that runs already; PIDS: SERVER/DATABASE")
    add("--given", type=words, default=["archive"], help="rows for those; what they have on")
    add("--given-rooms", choices=["muc", "muc_light"], default="muc", help="their rooms")
    add("--users", type=int, default=500, help="connections")
    add("--idle-users", type=int, default=2000, help="connections for memory; 0: none")
    add("--seconds", type=float, default=3, help="measured time of each rate")
    add("--warmup", type=float, default=1, help="traffic before it")
    add("--rounds", type=int, default=3)
    add("--minutes", type=float, default=15, help="what has not begun by then is left out")
    add("--shards", type=int, default=1, help="of Ringtail")
    add("--common", type=int, help="the common rate of all cases")
    add("--no-ladder", action="store_true", help="the common rate only")
    add("--quick", action="store_true", help="one round, two seconds each, few idle connections")
    add("--build", default=os.path.join(servers.ROOT, "build", "release"))
    add("--out", default=os.path.join(servers.ROOT, "bench", "results"))
    add("--name", default=datetime.date.today().strftime("compare-%Y-%m-%d"))
    add("--prefix", default=servers.PREFIX, help="of users of a server that runs already")
    add("--password", default=servers.PASSWORD)
    add("--mechanism", default="SCRAM-SHA-1")
    add("--no-install", action="store_true", help="do not install what is missing")
    add("--keep", help="a folder for logs and databases, which stay")
    add("--dry-run", action="store_true", help="only say what would be done")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 1, 2
        options.idle_users = min(options.idle_users, 500)
    check(parser, options)
    return options


def check(parser, options):
    known = {case.name: case for case in cases.CASES}
    for name in options.cases + options.given:
        if name not in known:
            parser.error(f"there is no case {name}: {', '.join(known)}")
    for name in options.servers:
        if name not in servers.KNOWN:
            parser.error(f"there is no recipe for {name}: {', '.join(servers.KNOWN)}")
    for one in options.server:
        if len(one) not in (3, 4) or not one[1].rpartition(":")[2].isdigit():
            parser.error("--server takes NAME HOST:PORT DOMAIN [PIDS]")
    if options.users % (2 * cases.ROOM_SIZE):
        parser.error(f"--users is a multiple of {2 * cases.ROOM_SIZE}: pairs, and rooms of five")
    options.cases_wanted = [known[name] for name in options.cases]
    if options.common:
        for case in options.cases_wanted:
            case.common = options.common


def make_fleet(options, work):
    fleet = [servers.KNOWN[name](work, options.build, options.shards) for name in options.servers]
    return fleet + [servers.Given(*one) for one in options.server]


def dry_run(options):
    for server in make_fleet(options, "/SCRATCH"):
        for case in options.cases_wanted:
            if has(options, server, case):
                print(f"=== {server.name}, {case.title}: {case.common}/s"
                      f"{'' if options.no_ladder else ' and a ladder'}, {options.rounds} rounds\n")
                print(server.settings_text(case.words))


def install(options):
    wanted = [name for name in options.servers if name != "ringtail"]
    if wanted and not options.no_install:
        subprocess.run([os.path.join(servers.HERE, "install.sh"), *wanted], check=True)


def main():
    options = parse(sys.argv[1:])
    if options.dry_run:
        dry_run(options)
        return 0
    install(options)
    os.makedirs(options.out, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that what was started is ended
    work = options.keep or tempfile.mkdtemp(prefix="ringtail-compare-")
    os.makedirs(work, exist_ok=True)
    os.chmod(work, 0o755)  # servers and databases run as other users
    record = Record(os.path.join(options.out, options.name + ".jsonl"))
    fleet = make_fleet(options, work)
    run = Run(options, record, fleet)
    try:
        record.add("run", **describe_run(options, fleet))
        run.rounds()
    finally:
        for server in fleet:
            server.remove()
        if not options.keep:
            shutil.rmtree(work, ignore_errors=True)
    table.write(record.path)
    failed = [line for line in record.lines if line["type"] == "failure"]
    passed = any(line["type"] == "rung" and line["passed"] for line in record.lines)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
