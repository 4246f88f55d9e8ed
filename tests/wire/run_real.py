"""Plays against the real server: run_real.py RINGTAILD RINGTAILCTL PLAY_TCP FILE…

On each database that there is to be tested (storages.py): starts a server in a scratch folder with
two shards, runs the plays in plain text and over TLS, stops the server and fails if any of them, or
the server's own exit, went wrong."""
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

import limits
import pipelined
import proxied

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "clients"))
from storages import drop_schema, storages  # noqa: E402

CONFIG = """
data_dir: data
domains: [localhost]
shards: 2
storage: {{ {storage} }}
auth: {{ scram_iterations: 4096 }}
listen:
  c2s:
    - {{ ip: 127.0.0.1, port: {c2s}, tls: {{ mode: starttls, certificate: c.pem, key: k.pem }},
        plaintext_auth: true, backwards_compatible_session: false }}
    - {{ ip: 127.0.0.1, port: {legacy}, tls: {{ mode: starttls, certificate: c.pem, key: k.pem }},
        plaintext_auth: true, backwards_compatible_session: true }}
    - {{ ip: 127.0.0.1, port: {direct}, tls: {{ mode: tls, certificate: c.pem, key: k.pem }},
        state_timeout: 60s, backwards_compatible_session: false }}
    - {{ ip: 127.0.0.1, port: {proxied}, tls: {{ mode: none }}, plaintext_auth: true,
        proxy_protocol: true, backwards_compatible_session: false }}
    - {{ ip: 127.0.0.1, port: {one_place}, tls: {{ mode: none }}, plaintext_auth: true,
        max_connections: 1 }}
modules:
  ping: {{ send_pings: true, timeout_action: kill }}
  disco: {{ server_info: [{{ name: abuse-addresses, urls: ['mailto:abuse@localhost'] }}] }}
  version: {{}}
  time: {{}}
  last: {{}}
  register: {{ registration_timeout: 0s }}
  presence: {{}}
  roster: {{ max_items: 3 }}
  carbons: {{}}
  csi: {{}}
  sm: {{ resume_timeout: 60s }}
  mam: {{}}
  inbox: {{ boxes: [work] }}
  caps: {{}}
  amp: {{}}
  stream_limits: {{}}
  privacy: {{}}
  blocking: {{ max_items: 4 }}
  private: {{ max_elements: 3, max_bytes: 2k }}
  vcard: {{ max_bytes: 4k }}
  pep: {{ max_nodes: 40, max_items_per_node: 4, max_item_size: 3k, max_bytes: 12k }}
  extdisco: {{ services: [{{ type: stun, host: turn.example, port: 3478, transport: udp }},
    {{ type: turn, host: turn.example, port: 3478, secret: north }}] }}
"""


MORE = os.environ.get("PLAY_MODULES")  # lines of YAML, for plays with a configuration of their own
SCHEMA = f"rt_wire_{os.getpid()}"
USERS = ["alice", "bob", "carol", "dave", "erin", "frank"]


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def make_certificate(folder):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-keyout", f"{folder}/k.pem", "-out", f"{folder}/c.pem", "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True)


def wait_for(port, process):
    for _ in range(300):
        if process.poll() is not None:
            return False
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.1)
    return False


def has_storage(ctl, config):
    """A server listens before its first connections to a database are there."""
    for _ in range(300):
        status = subprocess.run([ctl, "-c", config, "status", "--json"], check=True,
                                capture_output=True, text=True).stdout
        if '"store_ready":false' not in status.replace(" ", ""):
            return True
        time.sleep(0.1)
    return False


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        return process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        return -1


def moves_well(ports, ctl, config):
    """Pipelined logins over plain TCP and TLS; connections must have moved between the shards."""
    try:
        pipelined.run(ports["c2s"], False, USERS)
        pipelined.run(ports["direct"], True, USERS)
        limits.run(ports["c2s"], "frank")
        limits.run_one_place(ports["one_place"])
        proxied.run(ports["proxied"], ctl, config)
    except (AssertionError, EOFError, OSError, TimeoutError) as problem:
        print(f"pipelined logins: {problem!r}")
        return False
    status = subprocess.run([ctl, "-c", config, "status", "--json"], check=True,
                            capture_output=True, text=True).stdout
    moved = re.search(r'"connections_moved_total"[^0-9]*(\d+)', status)
    print(f"pipelined logins: {moved.group(1) if moved else 'no'} connections moved")
    return moved is not None and int(moved.group(1)) > 0


def run(folder, storage, daemon, ctl, play, files):
    ports = {"c2s": free_port(), "legacy": free_port(), "direct": free_port(),
             "proxied": free_port(), "one_place": free_port()}
    make_certificate(folder)
    config = f"{folder}/ringtail.yaml"
    with open(config, "w") as out:
        out.write(CONFIG.format(storage=storage, **ports) + (f"  {MORE}\n" if MORE else ""))
    for user in USERS:
        subprocess.run([ctl, "-c", config, "user", "add", f"{user}@localhost", "secret"],
                       check=True)
    with open(f"{folder}/log", "w") as log:
        server = subprocess.Popen([daemon, "-c", config], stderr=log, stdout=log)
        bad = not wait_for(ports["c2s"], server) or not has_storage(ctl, config)
        for mode in ("tcp", "tls"):
            if not bad:
                bad = subprocess.run([play, mode, str(ports["c2s"]), str(ports["legacy"]), *files]
                                     ).returncode != 0
        bad = bad or not (MORE or moves_well(ports, ctl, config))
        code = stop(server)
    if bad or code != 0:
        print(f"the server ended with {code}; its log:")
        with open(f"{folder}/log") as log:
            print(log.read()[-8000:])
    return bad or code != 0


def main():
    daemon, ctl, play, *files = map(os.path.abspath, sys.argv[1:])
    bad = False
    try:
        for name, storage in storages(SCHEMA):
            print(f"--- {name}", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                bad = run(folder, storage, daemon, ctl, play, files) or bad
    finally:
        drop_schema(SCHEMA)
    sys.exit(bad)


main()
