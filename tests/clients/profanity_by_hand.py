#!/usr/bin/env python3
"""Two profanity clients in tmux chat through the server. For use by hand, not part of the tests:
profanity brings a desktop's worth of packages, which CI does without. Both programs must be
installed (apt-get install profanity tmux).

  tests/clients/profanity_by_hand.py

Ends with "profanity: ok", or with what was on the screens."""
import os
import shutil
import subprocess
import sys
import tempfile
import time

from harness import DOMAIN, Server

SECONDS = 20
PASSWORD = "secret"


class Screen:
    """A tmux session with one profanity in it."""

    def __init__(self, folder, name):
        self.name, self.home = name, os.path.join(folder, name)
        self.socket = os.path.join(folder, "tmux")
        os.makedirs(self.home)
        self.tmux("new-session", "-d", "-s", name, "-x", "160", "-y", "40",
                  f"env HOME={self.home} XDG_CONFIG_HOME={self.home} XDG_DATA_HOME={self.home} "
                  "profanity")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], check=True, text=True,
                              capture_output=True).stdout

    def type(self, text):
        self.tmux("send-keys", "-t", self.name, "-l", text)
        self.tmux("send-keys", "-t", self.name, "Enter")

    def text(self):
        return self.tmux("capture-pane", "-p", "-t", self.name)

    def wait_for(self, wanted):
        deadline = time.monotonic() + SECONDS
        while wanted not in self.text():
            if time.monotonic() > deadline:
                raise SystemExit(f"\"{wanted}\" did not appear:\n{self.text()}")
            time.sleep(0.2)

    def log_in(self, port):
        self.wait_for("Profanity")
        self.type(f"/connect {self.name}@{DOMAIN} server 127.0.0.1 port {port} tls trust")
        self.wait_for("password")
        self.type(PASSWORD)
        self.wait_for("logged in successfully")


def chat(server, folder):
    names = server.pair_of_users(PASSWORD)
    alice, bob = screens = [Screen(folder, name) for name in names]
    try:
        for screen in screens:
            screen.log_in(server.port["starttls"])
        alice.type(f"/msg {bob.name}@{DOMAIN} hello & <welcome>")
        bob.wait_for(alice.name)
        bob.type(f"/msg {alice.name}@{DOMAIN} Grüße")
        bob.wait_for("hello & <welcome>")
        alice.wait_for("Grüße")
        for screen in screens:
            screen.type("/quit")
    finally:
        subprocess.run(["tmux", "-S", alice.socket, "kill-server"], check=False,
                       capture_output=True)


def main():
    for program in ("tmux", "profanity"):
        if not shutil.which(program):
            sys.exit(f"{program} is not installed")
    with tempfile.TemporaryDirectory() as folder, Server() as server:
        chat(server, folder)
    print("profanity: ok")


if __name__ == "__main__":
    main()
