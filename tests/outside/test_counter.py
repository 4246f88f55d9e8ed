#!/usr/bin/env python3
"""Builds the server with the modules of a folder outside the tree, starts it, and asks the module
`counter` over a plain socket how many messages it has counted."""
import argparse
import base64
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

PATIENCE_S = 30
CONFIG = """
data_dir: data
domains: [localhost]
shards: 2
storage: {{ backend: memory }}
auth: {{ mechanisms: [PLAIN], scram_iterations: 4096 }}
listen:
  c2s:
    - {{ ip: 127.0.0.1, port: {port}, tls: {{ mode: none }}, plaintext_auth: true }}
modules:
  disco: {{}}
  presence: {{}}
  counter: {{ {every}: 2, reset_after: 3s }}
"""


def build(options):
    os.makedirs(options.build, exist_ok=True)
    configure = [options.cmake, "-S", options.source, "-B", options.build,
                 f"-DRINGTAIL_MODULES_DIR={options.modules}", *options.flags]
    make = [options.cmake, "--build", options.build, "--target", "ringtaild", "ringtailctl"]
    for command in (configure, make):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"{done.stdout[-8000:]}\nfailed: {' '.join(command)}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """The built server in a scratch folder; a context."""

    def __init__(self, build_folder):
        self.build = build_folder
        self.port = free_port()

    def __enter__(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(self.scratch.name, "log")
        self.write_config("every")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([self.program("ringtaild"), "-c", self.config],
                                            stderr=log)
        self.wait_for("event=ready")
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            code = self.process.wait(PATIENCE_S)
        finally:
            self.process.kill()
            print(self.log())
            self.scratch.cleanup()
        assert code == 0, f"ringtaild ended with {code}"

    def write_config(self, every):
        self.config = os.path.join(self.scratch.name, f"{every}.yaml")
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(CONFIG.format(port=self.port, every=every))

    def program(self, name):
        return os.path.join(self.build, name)

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def wait_for(self, text):
        until = time.monotonic() + PATIENCE_S
        while text not in self.log():
            assert self.process.poll() is None, f"ringtaild has ended:\n{self.log()}"
            assert time.monotonic() < until, f"no \"{text}\" in the log:\n{self.log()}"
            time.sleep(0.02)

    def ctl(self, *words):
        command = [self.program("ringtailctl"), "-c", self.config, *words]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Client:
    """As much of a client as it takes: writes text, reads top-level elements."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.open_stream()

    def open_stream(self):
        self.parser = ET.XMLPullParser(("start", "end"))
        self.depth = 0
        self.write("<?xml version='1.0'?><stream:stream to='localhost' version='1.0' "
                   "xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>")
        assert self.read().tag.endswith("}features")

    def write(self, text):
        self.socket.sendall(text.encode())

    def read(self):
        """The next top-level element."""
        while True:
            for event, element in self.parser.read_events():
                self.depth += 1 if event == "start" else -1
                if event == "end" and self.depth == 1:
                    return element
            data = self.socket.recv(65536)
            assert data, "the server has closed the connection"
            self.parser.feed(data)

    def read_iq(self, number):
        while True:
            element = self.read()
            if element.tag == "{jabber:client}iq" and element.get("id") == number:
                return element

    def log_in(self, user, password):
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self.write("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>"
                   f"{secret}</auth>")
        assert self.read().tag.endswith("}success")
        self.open_stream()
        self.write("<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"
                   "<presence/>")
        assert self.read_iq("b").get("type") == "result"

    def ask(self, number, namespace="urn:example:counter"):
        """The count; None when nobody answers for this namespace."""
        self.write(f"<iq type='get' id='{number}' to='localhost'><query xmlns='{namespace}'/></iq>")
        answer = self.read_iq(number)
        if answer.get("type") == "error":
            return None
        return int(answer.find("{urn:example:counter}query").get("count"))


def check_count(server):
    client = Client(server.port)
    client.log_in("alice", "secret")
    assert client.ask("before") == 0
    assert client.ask("unknown", "urn:example:nobody") is None
    # In one piece, so that the count is asked for long before reset_after.
    client.write("<message to='alice@localhost'><body>hi</body></message>" * 3)
    assert client.ask("after") == 3
    other = Client(server.port)
    other.log_in("alice", "secret")
    assert other.ask("other") == 0, "the count is the session's own"
    server.wait_for("event=messages_counted")
    until = time.monotonic() + PATIENCE_S
    while (count := client.ask("later")) != 0:
        assert count == 3 and time.monotonic() < until, "reset_after has not reset it"
        time.sleep(0.1)


def check_tools(server):
    counted = json.loads(server.ctl("status", "--json"))["metrics"]["counter_messages_total"]
    assert counted["total"] == 3, counted
    assert "counter" in server.ctl("hooks").split("user_send_message")[1]


def check_keys(server):
    """A mistyped key is refused, with the name that was meant."""
    server.write_config("evry")
    done = subprocess.run([server.program("ringtaild"), "-c", server.config, "--check"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode != 0 and "modules.counter.evry" in done.stdout and \
        "every" in done.stdout.replace("evry", ""), done.stdout


def check_tutorial(options):
    """The code that the tutorial shows is the module's."""
    with open(os.path.join(options.modules, "counter", "counter.c"), encoding="utf-8") as file:
        code = file.read()
    with open(os.path.join(options.source, "docs", "extension-module.md"),
              encoding="utf-8") as file:
        blocks = re.findall(r"```c\n(.*?)```", file.read(), flags=re.S)
    assert blocks
    for block in blocks:
        assert block in code, f"docs/extension-module.md shows what counter.c has not:\n{block}"
    shown = sum(block.count("\n") for block in blocks)
    assert shown >= len([line for line in code.split("\n") if line]) - 5, "a part is not shown"


def main():
    parser = argparse.ArgumentParser()
    for name in ("--source", "--build", "--modules", "--cmake"):
        parser.add_argument(name, required=True)
    parser.add_argument("flags", nargs="*", help="for cmake")
    options = parser.parse_args()
    check_tutorial(options)
    build(options)
    with Server(options.build) as server:
        server.ctl("user", "add", "alice@localhost", "secret")
        check_count(server)
        check_tools(server)
        check_keys(server)
    print("all is well")


if __name__ == "__main__":
    main()
