#!/usr/bin/env python3
"""The table and the plots of one comparison, from its raw data:

  bench/compare/table.py FILE.jsonl
  bench/compare/table.py --reports FILE.jsonl   what the generator told, as it writes it itself: for
                                                `ringtail-bench report` and `cost`
"""
import json
import os
import statistics
import sys

import plot


class Data:
    def __init__(self, path):
        with open(path) as file:
            self.lines = [json.loads(line) for line in file if line.strip()]
        self.run = next(line for line in self.lines if line["type"] == "run")
        self.servers = list(self.run["servers"])

    def rungs(self, server, case, rate=None):
        """Those that pass."""
        return [line for line in self.lines
                if line["type"] == "rung" and line["passed"] and line["server"] == server and
                line["case"] == case and rate in (None, line["rate"])]

    def highest(self, server, case):
        """The median over the rounds, and all of them."""
        rates = [line["rate"] for line in self.lines
                 if line["type"] == "highest" and line["server"] == server and
                 line["case"] == case]
        return (statistics.median_low(rates) if rates else 0), rates

    def memory(self, server):
        for line in self.lines:
            if line["type"] == "memory" and line["server"] == server and line["report"]:
                return line["report"]["rss_session_bytes"]
        return None

    def written(self, server, case, name):
        """Bytes a message, over all that was written."""
        lines = [line for line in self.lines if line["type"] == "written" and
                 line["server"] == server and line["case"] == case]
        sent = sum(line["sent"] for line in lines)
        return sum(line[name] for line in lines) / sent if sent else None


def median(lines, name):
    values = [line[name] for line in lines if line.get(name) is not None]
    return statistics.median(values) if values else None


def number(value, digits=3):
    """With thousands apart, and so many figures that mean something."""
    if value is None:
        return "–"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.{digits}g}"


def cost(lines):
    """server + database."""
    server, database = median(lines, "server_us"), median(lines, "database_us")
    if server is None:
        return "–"
    return f"{number(server)} + {number(database)}"


def latency(lines):
    return "–" if not lines else " / ".join(
        number(median(lines, name) / 1000) for name in ("p50", "p99"))


def row(data, case, server):
    high, rates = data.highest(server, case["name"])
    common = data.rungs(server, case["name"], case["common"])
    top = data.rungs(server, case["name"], high) if high else []
    if not common and not rates:
        return None
    spread = f" ({min(rates):,}–{max(rates):,})" if rates and min(rates) != max(rates) else ""
    return [case["title"], server, number(case["common"]), cost(common), latency(common),
            f"{high:,}{spread}" if rates else "–", cost(top), latency(top),
            number(median(top or common, "server_us_copy")) if case["rooms"] else "–",
            number(data.written(server, case["name"], "wal_bytes")),
            number(data.written(server, case["name"], "disk_bytes"))]


HEAD = ["case", "server", "common rate, /s", "CPU µs a message there: server + database",
        "p50 / p99 there, ms", "highest passing rate, /s", "CPU µs a message there",
        "p50 / p99 there, ms", "server's CPU µs a delivered copy", "WAL bytes a message",
        "disk bytes a message"]


def markdown(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def conditions(data):
    run = data.run
    versions = ", ".join(f"{name} {version}" for name, version in run["servers"].items())
    return (f"{run['time']}, commit {run['commit']}; {run['cpus']} CPUs ({run['cpu']}), kernel"
            f" {run['kernel']}, load average {run['load']} at the start. {versions}."
            f" {run['users']} connections, plain TCP, {run['stanza_bytes']}-byte stanzas, each"
            f" message at its own time, {run['seconds']:g} s a rate, {run['rounds']} rounds in"
            f" turn, medians; Ringtail with {run['shards']} shard(s). A message is one that is"
            " *sent*; a rate passes when all is delivered once and p99 is under a second.")


def text(data):
    rows = [row(data, case, server) for case in data.run["cases"] for server in data.servers]
    parts = [conditions(data), markdown(HEAD, [one for one in rows if one])]
    memory = [[server, number(data.memory(server))] for server in data.servers
              if data.memory(server)]
    if memory:
        parts.append(markdown(["server", "resident bytes a connection, idle, plain"], memory))
    return "\n\n".join(parts) + "\n"


def curve(data, server, case, value):
    """(rate, median) of the rates that pass."""
    rates = sorted({line["rate"] for line in data.rungs(server, case)})
    points = [(rate, value(data.rungs(server, case, rate))) for rate in rates]
    return [point for point in points if point[1]]


def all_cpu(lines):
    parts = [median(lines, name) for name in ("server_us", "database_us")]
    return None if None in parts else sum(parts)


def p99_ms(lines):
    value = median(lines, "p99")
    return value / 1000 if value else None


PLOTS = [("cpu", "CPU µs a message, server and database, by rate", "µs", all_cpu),
         ("p99", "p99 of the delivery, by rate", "ms", p99_ms)]


def write(path):
    data = Data(path)
    stem = os.path.splitext(path)[0]
    out = text(data)
    for name, title, unit, value in PLOTS:
        panels = []
        for case in data.run["cases"]:
            curves = {server: curve(data, server, case["name"], value) for server in data.servers}
            panels.append((case["title"], {name: each for name, each in curves.items() if each}))
        file = f"{stem}-{name}.svg"
        with open(file, "w") as handle:
            handle.write(plot.page(title, "messages sent a second", unit, panels))
        out += f"\n![{title}]({os.path.basename(file)})\n"
    with open(stem + ".md", "w") as handle:
        handle.write(out)
    return out


def reports(path):
    """Those of the rates that passed; each case of a server is a run with a label of its own."""
    data = Data(path)
    for case in data.run["cases"]:
        for server in data.servers:
            told = [line["report"] for line in data.rungs(server, case["name"])]
            for report in [{**each, "type": "run"} for each in told[:1]] + told:
                yield json.dumps({**report, "label": f"{server} {case['name']}"})


if __name__ == "__main__":
    if sys.argv[1] == "--reports":
        print("\n".join(reports(sys.argv[2])))
    else:
        print(write(sys.argv[1]))
