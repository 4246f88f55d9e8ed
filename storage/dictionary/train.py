#!/usr/bin/env python3
"""Trains the zstd dictionary for the stanzas in the message archive, on those of stanzas.py.

  train.py [--version N]    writes dictionary_N.zstd
  train.py --check          what a dictionary made that way saves on sentences and names it lacks

A dictionary is never changed once it has been shipped: stored rows name it. For a new version add
to sentences.txt or tables.py, run with the next free number and ship the new file
beside the old ones. The file depends on these, on SEED and on the release of zstd (1.5.4 so far).
"""
import argparse
import os
import random
import subprocess
import sys
import tempfile
from xml.dom import minidom

import stanzas
from tables import NAMES, SYLLABLES

SEED, SAMPLES, DICTIONARY_BYTES, LEVEL = 2026, 30000, 16384, 1
TRAINED = 0.8  # by --check; the rest is held out
HERE = os.path.dirname(os.path.abspath(__file__))


def make_stanzas(seed, count, take):
    """With those names, syllables and sentences that `take` leaves of a list."""
    languages = {name: take(rows) for name, rows in stanzas.read_sentences().items()}
    words = stanzas.Words(random.Random(seed), take(NAMES), take(SYLLABLES), languages)
    return [stanzas.make(words) for _ in range(count)]


def zstd(*args):
    subprocess.run(["zstd", "--quiet", "--force", *args], check=True)


def write_files(folder, made):
    """Each stanza in a file; gives the file that lists them, in order, and their names."""
    os.mkdir(folder)
    paths = [os.path.join(folder, f"{i:05}.xml") for i in range(len(made))]
    for path, (_, xml) in zip(paths, made):
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(xml)
    listing = folder + ".list"
    with open(listing, "w", encoding="utf-8") as file:
        file.write("\n".join(paths) + "\n")
    return listing, paths


def train(folder, made, version, out):
    listing, _ = write_files(os.path.join(folder, "train"), made)
    zstd("--train", f"-{LEVEL}", f"--maxdict={DICTIONARY_BYTES}", f"--dictID={version}",
         "-o", out, "--filelist=" + listing)


def split(rows, is_trained):
    """The trained or the held-out part of a list."""
    rows = sorted(rows)
    random.Random(SEED).shuffle(rows)
    cut = int(len(rows) * TRAINED)
    return rows[:cut] if is_trained else rows[cut:]


def part(is_trained):
    """Stanzas of one side of the split; the sides share no sentence, name or syllable."""
    count = round(SAMPLES * (TRAINED if is_trained else 1 - TRAINED))
    return make_stanzas(SEED + is_trained, count, lambda rows: split(rows, is_trained))


def packed_sizes(folder, listing, paths, *options):
    """Bytes of each file compressed by itself, as a row of the archive is: without a checksum."""
    out = tempfile.mkdtemp(dir=folder)
    zstd(f"-{LEVEL}", "--no-check", *options, "--output-dir-flat", out, "--filelist=" + listing)
    return [os.path.getsize(os.path.join(out, os.path.basename(path)) + ".zst") for path in paths]


def mean(values):
    return sum(values) / len(values)


def print_row(label, rows):
    plain, alone, packed = zip(*rows)
    print(f"{label:8}{len(rows):8}{mean(plain):8.0f}{mean(alone):8.0f}{mean(packed):8.0f}"
          f"{mean([a / p for a, p in zip(alone, plain)]):10.3f}"
          f"{mean([d / p for d, p in zip(packed, plain)]):8.3f}"
          f"{mean([d / a for d, a in zip(packed, alone)]):8.3f}")


def check(folder, version):
    held_out, out = part(False), os.path.join(folder, "dictionary")
    for _, xml in held_out:
        minidom.parseString(xml)
    train(folder, part(True), version, out)
    listing, paths = write_files(os.path.join(folder, "held"), held_out)
    rows = list(zip((len(xml.encode()) for _, xml in held_out),
                    packed_sizes(folder, listing, paths),
                    packed_sizes(folder, listing, paths, "-D", out)))
    print("held out   count   bytes   alone    with  alone/plain   with with/alone")
    for label in ("text", "omemo", "file", "other"):
        print_row(label, [row for row, (of, _) in zip(rows, held_out) if of == label])
    print_row("all", rows)


def write(folder, version):
    out = os.path.join(HERE, f"dictionary_{version}.zstd")
    if os.path.exists(out):
        sys.exit(f"{out} exists: a dictionary is never changed, take the next version")
    train(folder, make_stanzas(SEED, SAMPLES, list), version, out)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--version", type=int, default=1)
    parser.add_argument("--check", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        (check if args.check else write)(folder, args.version)


if __name__ == "__main__":
    main()
