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

LOGIN_S, AFTER_S, AT_A_TIME = 120, 1, 4
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
                 "mechanism": self.options.mechanism, "json": "-", **options}
        for name, pids in zip(("server_pid", "database_pid"), server.pids()):
            if pids:
                given[name] = ",".join(str(pid) for pid in pids)
        command = [os.path.join(self.options.build, "ringtail-bench"), scenario]
        for name, value in given.items():
            command += ["--" + name.replace("_", "-")] + ([] if value is True else [str(value)])
        return command

    def talk(self, server, case, rates):
        options = {"users": self.options.users, "rates": ",".join(str(rate) for rate in rates),
                   "seconds": f"{self.options.seconds}s", "warmup": f"{self.options.warmup}s",
                   "settle": "700ms", "drain": "3s", "stop_p99": f"{P99_US // 1000}ms"}
        scenario = "one_to_one"
        if case.rooms:
            scenario = self.options.given_rooms if server.name not in servers.KNOWN else \
                server.rooms
            options["room_size"] = cases.ROOM_SIZE
            if scenario == "muc_light" and server.name in self.made_rooms:
                options["rooms_made"] = True
        return self.generator(server, scenario, **options)

    def execute(self, command):
        return subprocess.run(command, capture_output=True, text=True,
                              timeout=LOGIN_S + 30 * self.options.seconds)

    def measure(self, server, case, number, rates):
        """These rates in turn, until one does not pass; the lines of those that were tried."""
        before = server.counters()
        done = self.execute(self.talk(server, case, rates))
        reports = lines_of(done.stdout, "phase")
        if not reports:
            raise servers.Failed(f"{server.name}, {case.name}: {last_words(done.stderr)}")
        if case.rooms:
            self.made_rooms.add(server.name)
        lines = [self.record.add("rung", server=server.name, case=case.name, round=number,
                                 rate=report["rate"], **verdict(report), **spent(report),
                                 load=round(os.getloadavg()[0], 1), report=report)
                 for report in reports]
        for line in lines:
            say(f"{number}. {server.name:9} {case.name:8} {line['rate']:6}/s:", describe(line))
        time.sleep(AFTER_S)
        if before:
            self.written(server, case, number, before, sum(one["sent"] for one in reports))
        if not lines[-1]["passed"]:
            server.quiet()
        return lines

    def written(self, server, case, number, before, sent):
        wal, disk = (after - earlier for earlier, after in zip(before, server.counters()))
        self.record.add("written", server=server.name, case=case.name, round=number, sent=sent,
                        wal_bytes=wal, disk_bytes=disk)

    # --- A server's turn in a case ---

    def upwards(self, server, case, number, begin, top):
        """The place of the highest rate that passes, from `begin` to `top`; -1: none. The common
        rate comes before. One that just fails gets a second chance: others may have wanted the
        machine."""
        best, place, spare, common = -1, begin, 1, [case.common]
        while place <= top and not self.over():
            rates = cases.RATES[place:min(place + AT_A_TIME, top + 1)]
            lines = self.measure(server, case, number, common + rates)[len(common):]
            common = []
            passed = sum(line["passed"] for line in lines)
            place += passed
            if passed:
                best = place - 1
            if lines and not lines[-1]["passed"]:
                if not spare or lines[-1]["p99"] > 3 * P99_US:
                    break
                spare -= 1
        return best

    def downwards(self, server, case, number, begin):
        for place in range(begin - 1, -1, -1):
            if self.over():
                break
            if self.measure(server, case, number, [cases.RATES[place]])[-1]["passed"]:
                return place
        return -1

    def ladder(self, server, case, number):
        """In the first round as high as it goes, later only whether that holds."""
        key = server.name, case.name
        begin = self.highest.get(key, cases.at_least(case.begin.get(server.name, case.common)))
        top = self.highest.get(key, len(cases.RATES) - 1)
        place = self.upwards(server, case, number, begin, top)
        if place < 0:
            place = self.downwards(server, case, number, begin)
        if place < 0 and self.over():
            return
        self.highest[key] = max(place, 0)
        self.record.add("highest", server=server.name, case=case.name, round=number,
                        rate=cases.RATES[place] if place >= 0 else 0)

    def turn(self, server, case, number):
        try:
            server.start(case.words)
            for roots in server.pids() if self.options.priority else ():
                for pid in roots:
                    usage.prefer(pid, self.options.priority)
            server.want_users(max(self.options.users, self.options.idle_users))
            if number == 1 and case.name == self.options.cases[0] and self.options.idle_users:
                self.idle(server)
            if self.options.no_ladder:
                self.measure(server, case, number, [case.common])
            else:
                self.ladder(server, case, number)
        except (servers.Failed, servers.Refused, subprocess.TimeoutExpired) as why:
            say(why)
            self.record.add("failure", server=server.name, case=case.name, round=number,
                            why=str(why))
        finally:
            server.stop()
            server.settle()

    def idle(self, server):
        """Memory of sessions that do nothing, on a server that has just been started."""
        done = self.execute(self.generator(server, "idle", users=self.options.idle_users,
                                           settle="1s", seconds="1s"))
        report = next(iter(lines_of(done.stdout, "run")), {})
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


def lines_of(text, kind):
    """What the generator told of its phases, or of the run."""
    lines = [json.loads(line) for line in text.split("\n") if line.startswith("{")]
    for line in lines:
        line.pop("latency_histogram", None)
    return [line for line in lines if line["type"] == kind]


def last_words(errors):
    return errors.strip().split("\n")[-1] or "the generator told nothing"


def spent(report):
    """CPU µs a message sent, and in rooms a delivered copy."""
    out = {}
    for name in ("server", "database"):
        copy = report.get(f"{name}_cpu_us_message")
        if copy is not None:
            sent = report.get(f"{name}_cpu_us_sent", copy)
            out.update({f"{name}_us": round(sent, 2), f"{name}_us_copy": round(copy, 2)})
    return out


def verdict(report):
    refused = report["errors"]  # answered with an error: known to the sender
    counts = {"refused": refused, "missing at the end": report["lost"] - refused,
              "doubled": report["doubled"],
              "broken connections": report["broken_connections"]}
    why = [f"{count} {name}" for name, count in counts.items() if count > 0]
    if report["latency_p99_us"] >= P99_US:
        why.append("p99 of a second or more")
    return {"passed": not why, "why": ", ".join(why),
            **{name: report[f"latency_{name}_us"] for name in ("p50", "p95", "p99", "max")}}


def describe(line):
    outcome = "passes" if line["passed"] else f"fails ({line['why']})"
    return (f"{outcome}; {line.get('server_us', '?')} + {line.get('database_us', '?')} µs;"
            f" p50 {line['p50']} p99 {line['p99']} µs")


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
            "load": round(os.getloadavg()[0], 1), "priority": options.priority,
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
    add("--priority", type=int, default=0,
        help="before other sessions of a machine that is not quiet: 0 to 19; root only")
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
    if options.priority and not usage.prefer(os.getpid(), options.priority):
        say("--priority has no effect here")
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
    print(table.write(record.path))
    failed = [line for line in record.lines if line["type"] == "failure"]
    passed = any(line["type"] == "rung" and line["passed"] for line in record.lines)
    return 0 if passed and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
