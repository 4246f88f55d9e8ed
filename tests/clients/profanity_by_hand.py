#!/usr/bin/env python3
"""Three profanity clients in tmux, two of them of one user: a contact is added and accepted, each
sees the other's presence, they chat, the second resource gets copies, all cables are cut, and they
go on. For use by hand, not part of the tests: profanity brings a desktop's worth of packages, which
CI does without. Both programs must be installed (apt-get install profanity tmux).

  tests/clients/profanity_by_hand.py

Ends with "profanity: ok", or with what was on the screens."""
import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

from cable import Cable
from harness import DOMAIN, Server

SECONDS = 30
PASSWORD = "secret"


class Screen:
    """A tmux session with one profanity in it, in a home of its own."""

    def __init__(self, folder, name, resource):
        self.name, self.jid = f"{name}-{resource}", f"{name}@{DOMAIN}"
        self.full = f"{self.jid}/{resource}"
        self.home, self.socket = os.path.join(folder, self.name), os.path.join(folder, "tmux")
        os.makedirs(self.home)
        self.tmux("new-session", "-d", "-s", self.name, "-x", "160", "-y", "50",
                  f"env HOME={self.home} XDG_CONFIG_HOME={self.home} XDG_DATA_HOME={self.home} "
                  "profanity")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=True, text=True,
                              capture_output=True).stdout

    def type(self, *lines):
        for line in lines:
            self.tmux("send-keys", "-t", self.name, "-l", line)
            self.tmux("send-keys", "-t", self.name, "Enter")

    def text(self):
        return self.tmux("capture-pane", "-p", "-t", self.name)

    def wait_for(self, *wanted, times=1):
        deadline = time.monotonic() + SECONDS
        while not all(self.text().count(one) >= times for one in wanted):
            if time.monotonic() > deadline:
                raise SystemExit(f"{self.name}: {wanted} did not appear:\n{self.text()}")
            time.sleep(0.2)

    def log_in(self, port):
        self.wait_for("Profanity")
        self.type("/reconnect 1", "/carbons on",
                  f"/connect {self.full} server 127.0.0.1 port {port} tls trust")
        self.wait_for("password")
        self.type(PASSWORD)
        self.wait_for("logged in successfully")


def befriend(alice, bob):
    """A contact added and accepted, and the same the other way."""
    for asking, asked in ((alice, bob), (bob, alice)):
        asking.type(f"/roster add {asked.jid}", f"/sub request {asked.jid}")
        asked.wait_for(f"Received authorization request from {asking.jid}")
        asked.type(f"/sub allow {asking.jid}")
        asking.wait_for(f"Subscription received from {asked.jid}")
    alice.type("/roster")
    alice.wait_for("both")


def see(alice, bob):
    bob.type("/status set away lunch")
    alice.wait_for(f"{bob.jid} (phone) is away", "lunch")
    bob.type("/status set online")


def chat(alice, bob, desk):
    desk.type("/priority -1")
    desk.wait_for("Priority set to -1")
    alice.type(f"/msg {bob.jid} hello & <welcome>")
    desk.wait_for("chat message:")  # a copy
    desk.type("/win 2")
    desk.wait_for("hello & <welcome>")
    bob.type(f"/msg {alice.jid} Grüße")
    bob.wait_for("hello & <welcome>")
    alice.wait_for("Grüße")
    desk.wait_for("Grüße")  # a copy of what the other resource says


def main():
    for program in ("tmux", "profanity"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as folder, Server(log="debug") as server, \
            Cable(server.port["starttls"]) as cable, contextlib.ExitStack() as stack:
        names = server.pair_of_users(PASSWORD)
        screens = [Screen(folder, names[0], "phone"), Screen(folder, names[1], "phone"),
                   Screen(folder, names[1], "desk")]
        stack.callback(subprocess.run, ["tmux", "-S", screens[0].socket, "kill-server"],
                       check=False, capture_output=True)
        for screen in screens:
            screen.log_in(cable.port)
        alice, bob, desk = screens
        befriend(alice, bob)
        see(alice, bob)
        chat(alice, bob, desk)
        for number in range(2):
            print(f"cut {cable.cut()} cables")
            alice.wait_for("Connection re-established", times=number + 1)
            alice.type(f"after cut {number}")
            bob.wait_for(f"after cut {number}")
            desk.wait_for(f"after cut {number}")
        resumed = re.search(r'"sm_resumed_total"[^0-9]*(\d+)', server.ctl("status", "--json"))
        print(f"{resumed.group(1)} resumptions")
        for screen in screens:
            print(screen.text())
            screen.type("/quit")
    print("profanity: ok")


if __name__ == "__main__":
    main()
