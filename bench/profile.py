#!/usr/bin/env python3
"""Puts what callgrind counted into groups, for bench/profile.sh:

  profile.py NAME FEW SENT MANY SENT [--top N]

FEW and MANY are callgrind's files of a run with few and with many messages, each with how many were
sent: the difference leaves out start and logins. Prints a table of the groups, and the functions
that take most, in instructions a message.
"""
import argparse
import re
import subprocess
from collections import Counter

# The first that matches "file:function [library]".
GROUPS = [
    ("expat", r"libexpat"),
    ("zstd", r"libzstd"),
    ("libpq", r"libpq"),
    ("SQLite", r"libsqlite"),
    ("memory copied, compared, cleared", r"multiarch|memmove|memcpy|memset|memcmp|memchr|strlen"),
    ("heap", r"mimalloc|mem\.c|malloc"),
    ("loader, C library", r"ld-linux|libc\.so|^\./|/elf/|stdio|libpthread"),
    ("ring, loop, connections", r"shard/|liburing"),
    ("splitter", r"splitter"),
    ("parser and tree",
     r"src/xmpp/(parser|element_read|stream_in|scope|element\.c|ns)|plain_bytes.h:read"),
    ("writing out", r"src/xmpp/element_write|plain_bytes.h:put|src/base/buf"),
    ("JIDs, hashing, maps", r"src/xmpp/jid|src/base/map|libidn"),
    ("arena, blobs, texts", r"src/base/"),
    ("other XMPP", r"src/xmpp/"),
    ("storage", r"storage/"),
    ("modules", r"src/modules/"),
    ("core: sessions, hooks, routing", r"src/core/"),
    ("metrics, control", r"src/main/"),
]
LINE = re.compile(r"^\s*([\d,]+)\s+(?:\([\d. ]+%\)\s+)?(.+)$")


def counts(path):
    """Instructions by function."""
    done = subprocess.run(["callgrind_annotate", "--threshold=100", "--auto=no", path],
                          capture_output=True, text=True, check=True)
    out = Counter()
    for line in done.stdout.split("\n"):
        match = LINE.match(line)
        if match and ":" in match[2] and "PROGRAM TOTALS" not in line:
            out[re.sub(r"'\d+", "", match[2])] += int(match[1].replace(",", ""))
    return out


def group_of(name):
    # An inlined function has its own file; what stands behind it is the object it is in.
    return next((group for group, pattern in GROUPS if re.search(pattern, name)), "other")


def short(name):
    """Without the folders of the build."""
    return re.sub(r"\s*\[.*/([^/]+)\]$", r" (\1)", name).replace("???:", "").replace("./", "")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name")
    for which in ("few", "many"):
        parser.add_argument(which)
        parser.add_argument(which + "_sent", type=int)
    parser.add_argument("--top", type=int, default=12)
    options = parser.parse_args()
    few, many = counts(options.few), counts(options.many)
    sent = options.many_sent - options.few_sent
    each = {name: (count - few.get(name, 0)) / sent for name, count in many.items()}
    groups = Counter()
    for name, count in each.items():
        groups[group_of(name)] += count
    total = sum(each.values())
    print(f"### {options.name}: {total:,.0f} instructions a message ({sent} messages)\n")
    print("| | instructions | % |\n|---|---|---|")
    for name, count in groups.most_common():
        if count >= total / 500:
            print(f"| {name} | {count:,.0f} | {100 * count / total:.1f} |")
    print("\n| function | instructions |\n|---|---|")
    for name, count in sorted(each.items(), key=lambda item: -item[1])[:options.top]:
        print(f"| `{short(name)}` | {count:,.0f} |")
    print(flush=True)


if __name__ == "__main__":
    main()
