#!/usr/bin/env python3
"""Checks what can be checked of the Terraform files without a provider: that Terraform reads them
(`terraform fmt -check`, left out when terraform is not there), that every variable, local value and
resource that is referred to exists and that each variable is used, and that prices.yaml has all
types that the files name. Prints what is wrong, and exits with 1.

  bench/ec2/check.py
"""
import glob
import os
import re
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def read(name):
    with open(os.path.join(HERE, name)) as file:
        return file.read()


def code():
    """All files, without comments and heredocs' own text."""
    texts = [read(os.path.basename(path)) for path in sorted(glob.glob(HERE + "/*.tf"))]
    return re.sub(r"(?m)^\s*#.*$", "", "\n".join(texts))


def declared(text):
    found = {f"var.{name}" for name in re.findall(r'(?m)^variable "(\w+)"', text)}
    found |= {f"{kind}.{name}" for kind, name in
              re.findall(r'(?m)^resource "(\w+)" "(\w+)"', text)}
    found |= {f"data.{kind}.{name}" for kind, name in
              re.findall(r'(?m)^data "(\w+)" "(\w+)"', text)}
    for block in re.findall(r"(?ms)^locals \{\n(.*?)^\}", text):
        found |= {f"local.{name}" for name in re.findall(r"(?m)^  (\w+)\s*=", block)}
    return found


def used(text):
    """What is referred to: outside of texts, and in their templates."""
    bare = re.sub(r'"[^"\n]*"', lambda it: " ".join(re.findall(r"\$\{[^}]*\}", it[0])), text)
    return set(re.findall(r"(?<![\w.])(?:(?:var|local)\.\w+|(?:data\.)?aws_\w+\.\w+)", bare))


def findings():
    text = code()
    there, wanted = declared(text), used(text)
    for name in sorted(wanted - there):
        yield f"{name} is used and not declared"
    for name in sorted(each for each in there - wanted if each.startswith("var.")):
        yield f"{name} is declared and not used"
    types = set(re.findall(r'"((?:db\.)?[a-z]\d\w*\.x?large)"', text))
    prices = set(re.findall(r"(?m)^  ([\w.]+): \{ usd_per_hour: \d+\.\d+", read("prices.yaml")))
    for name in sorted(types - prices):
        yield f"prices.yaml has no {name}"
    if not types:
        yield "no instance types were found"


def formatting():
    if not shutil.which("terraform"):
        print("check: terraform is not installed: its own check was left out", file=sys.stderr)
        return
    done = subprocess.run(["terraform", "fmt", "-check", "-diff", HERE], capture_output=True,
                          text=True)
    if done.returncode:
        yield "terraform fmt: " + (done.stdout + done.stderr).strip()


def main():
    found = [*findings(), *formatting()]
    print("\n".join(found + [f"check: {len(found)} findings"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
