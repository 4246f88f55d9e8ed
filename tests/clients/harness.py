"""Starts a ringtaild of the build in a scratch folder, and looks at it from outside.

    with Server() as server:
        server.add_user("alice", "secret")
        ... server.port["tls"] ...

The programs are those that RINGTAILD and RINGTAILCTL name, else those of the build folder that
RINGTAIL_BUILD names, else those of build/dev. At its end the server must stop within 15 seconds,
with exit code 0 and no report of a sanitizer; otherwise its log is shown and the test fails.
"""
import contextlib
import ctypes
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
DOMAIN = "localhost"
SECOND_DOMAIN = "second.example"
READY_SECONDS = 30
STOP_SECONDS = 15
START_TRIES = 3  # a port that was free may be taken a moment later
MODULES = {"amp": "{}", "blocking": "{}", "caps": "{}", "carbons": "{}", "csi": "{}", "disco": "{}",
           "inbox": "{}", "last": "{}", "mam": "{}", "pep": "{}", "ping": "{}", "presence": "{}",
           "privacy": "{}", "private": "{}", "register": "{ registration_timeout: 0s }",
           "roster": "{}", "shaper": "{}", "sm": "{}", "stream_limits": "{}", "time": "{}",
           "vcard": "{}", "version": "{}"}
REPORT = re.compile(r"Sanitizer|runtime error:|event=panic|PANIC", re.IGNORECASE)


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


class ServerFailure(Exception):
    """The server did not start, did not end well, or reported a mistake of its own."""


def programs():
    """Paths of ringtaild and ringtailctl."""
    build = os.environ.get("RINGTAIL_BUILD", os.path.join(ROOT, "build", "dev"))
    daemon = os.environ.get("RINGTAILD", os.path.join(build, "ringtaild"))
    ctl = os.environ.get("RINGTAILCTL", os.path.join(os.path.dirname(daemon), "ringtailctl"))
    for path in (daemon, ctl):
        if not os.access(path, os.X_OK):
            raise ServerFailure(f"{path} is not there: build it, or set RINGTAILD and RINGTAILCTL")
    return daemon, ctl


def environment():
    """What makes sanitizers tell everything and keep little freed memory back."""
    env = dict(os.environ)
    ours = {"ASAN_OPTIONS": "detect_leaks=1:exitcode=99:quarantine_size_mb=8",
            "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=99",
            "TSAN_OPTIONS": "exitcode=99"}
    for name, options in ours.items():
        env[name] = options + (":" + env[name] if env.get(name) else "")
    return env


def die_with_parent():
    """In the child: a test that is killed leaves no server behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def free_ports(count):
    """Different ones: each is held until all are known."""
    with contextlib.ExitStack() as held:
        socks = [held.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [sock.getsockname()[1] for sock in socks]


def abort(client):
    """Ends a slixmpp client, which does not look whether its TLS transport has gone already."""
    with contextlib.suppress(AttributeError):
        client.abort()


def make_certificate(folder, name, domain):
    """A self-signed ECDSA certificate; gives the paths of certificate and key."""
    certificate, key = (os.path.join(folder, f"{name}.{end}") for end in ("pem", "key"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30", "-subj",
                    f"/CN={domain}", "-addext", f"subjectAltName=DNS:{domain}", "-keyout", key,
                    "-out", certificate], check=True, capture_output=True)
    return certificate, key


class Server:
    """A running server. `listeners` adds to (or replaces) the usual three: name to more YAML keys,
    `tls` being the mode. `auth`, `log` and `storage` are YAML as well. `modules` adds to
    (or changes) the usual ones: name to YAML, None: it is off."""

    LISTENERS = {"starttls": {"tls": "starttls"}, "tls": {"tls": "tls"},
                 "plain": {"tls": "none", "plaintext_auth": "true"}}

    def __init__(self, shards=2, iterations=4096, mechanisms=None, listeners=None, log="info",
                 storage="backend: sqlite", modules=None):
        self.daemon, self.ctl_program = programs()
        self.shards = shards
        self.auth = f"scram_iterations: {iterations}"
        if mechanisms:
            self.auth += f", mechanisms: [{', '.join(mechanisms)}]"
        self.listeners = {**self.LISTENERS, **(listeners or {})}
        self.log_level = log
        self.storage = storage
        self.modules = {**MODULES, **(modules or {})}
        self.folder = tempfile.mkdtemp(prefix="ringtail-test-")
        self.certificate, self.key = make_certificate(self.folder, "default", DOMAIN)
        self.second = make_certificate(self.folder, "second", SECOND_DOMAIN)
        self.config = os.path.join(self.folder, "ringtail.yaml")
        self.log_path = os.path.join(self.folder, "log")
        self.port = {}
        self.domains = [DOMAIN, SECOND_DOMAIN]
        self.process = None

    # --- Configuration ---

    def _listener(self, name):
        keys = dict(self.listeners[name])
        mode = keys.pop("tls")
        tls = f"mode: {mode}"
        if mode != "none":
            tls += f", certificate: {self.certificate}, key: {self.key}, sni: [ {{ domain: " \
                   f"{SECOND_DOMAIN}, certificate: {self.second[0]}, key: {self.second[1]} }} ]"
        more = "".join(f", {key}: {value}" for key, value in keys.items())
        return f"    - {{ ip: 127.0.0.1, port: {self.port[name]}, tls: {{ {tls} }}{more} }}\n"

    def write_config(self):
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(f"data_dir: {self.folder}/data\n"
                       f"domains: [{', '.join(self.domains)}]\n"
                       f"shards: {self.shards}\n"
                       f"storage: {{ {self.storage} }}\n"
                       f"auth: {{ {self.auth} }}\n"
                       f"log: {{ level: {self.log_level} }}\n"
                       "listen:\n  c2s:\n")
            file.writelines(self._listener(name) for name in self.listeners)
            file.write("modules:\n")
            file.writelines(f"  {name}: {keys}\n" for name, keys in self.modules.items()
                            if keys is not None)

    # --- Life ---

    def __enter__(self):
        try:
            for tries_left in reversed(range(START_TRIES)):
                self.port = dict(zip(self.listeners, free_ports(len(self.listeners))))
                self.write_config()
                if self._start(may_fail=tries_left > 0):
                    break
        except BaseException:
            self._drop()
            raise
        return self

    def _start(self, may_fail):
        begin = os.path.getsize(self.log_path) if os.path.exists(self.log_path) else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen([self.daemon, "-c", self.config], stderr=log,
                                            stdout=log, stdin=subprocess.DEVNULL,
                                            env=environment(), preexec_fn=die_with_parent)
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            if "event=ready" in self.log_text(begin):
                return True
            time.sleep(0.02)
        if may_fail and "cannot listen" in self.log_text(begin):
            return False
        raise self._failure("the server did not become ready")

    def start(self):
        """Again, on the same data and ports, after kill() or stop(). A port may be lent to a
        connection that somebody else makes; it comes back."""
        for tries_left in reversed(range(START_TRIES)):
            if self._start(may_fail=tries_left > 0):
                return
            time.sleep(1)

    def kill(self):
        """SIGKILL: the server has no time for anything."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def stop(self):
        """SIGTERM; it must end well."""
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise self._failure(f"the server did not stop within {STOP_SECONDS} s") from None
        if code != 0:
            raise self._failure(f"the server ended with exit code {code}")
        report = REPORT.search(self.log_text())
        if report:
            raise self._failure(f"the server's log has \"{report.group()}\"")

    def __exit__(self, kind, value, trace):
        try:
            if kind is not None:
                print(f"--- end of the server's log ---\n{self.log_tail()}", flush=True)
            if self.process:
                self.stop()
        except ServerFailure as failure:
            if kind is None:
                raise
            print(failure, flush=True)
        finally:
            self._drop()

    def _drop(self):
        if self.process and self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _failure(self, what):
        return ServerFailure(f"{what}\n--- end of its log ---\n{self.log_tail()}")

    # --- From outside ---

    def log_text(self, begin=0):
        with open(self.log_path, errors="replace", encoding="utf-8") as file:
            file.seek(begin)
            return file.read()

    def log_tail(self, lines=60):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def ctl(self, *words):
        """What the command prints; it must succeed."""
        out = subprocess.run([self.ctl_program, "-c", self.config, *words], text=True,
                             capture_output=True, env=environment(), stdin=subprocess.DEVNULL,
                             check=False, timeout=60)
        if out.returncode != 0:
            raise ServerFailure(f"ringtailctl {' '.join(words)}: exit code {out.returncode}\n"
                                f"{out.stdout}{out.stderr}")
        return out.stdout

    def add_user(self, name, password, domain=DOMAIN):
        self.await_storage()
        self.ctl("user", "add", f"{name}@{domain}", password)

    def await_storage(self):
        """A server is ready before its first connection to a database is there."""
        deadline = time.monotonic() + READY_SECONDS
        while not all(shard["store_ready"] for shard in self.status()["shards"]):
            if time.monotonic() > deadline:
                raise self._failure("the storage did not become ready")
            time.sleep(0.05)

    def import_users(self, users):
        """Many at once: pairs of name and password."""
        self.await_storage()
        path = os.path.join(self.folder, "users.csv")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{name}@{DOMAIN},{password}\n" for name, password in users)
        self.ctl("user", "import", path)

    def status(self):
        return json.loads(self.ctl("status", "--json"))

    def shard_of(self, bare_jid):
        """Where the user's session lives; it must have one."""
        for line in self.ctl("session", "list").splitlines()[1:]:
            if line.split()[-1].split("/")[0] == bare_jid:
                return int(line.split()[1])
        raise ServerFailure(f"{bare_jid} has no session")

    @property
    def pid(self):
        return self.process.pid

    def _kilobytes(self, field):
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            return int(re.search(rf"{field}:\s+(\d+) kB", file.read()).group(1))

    def resident_kb(self):
        return self._kilobytes("VmRSS")

    def peak_kb(self):
        """The most that was resident since forget_peak()."""
        return self._kilobytes("VmHWM")

    def forget_peak(self):
        with open(f"/proc/{self.pid}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")

    def is_sanitized(self):
        """A sanitizer reserves terabytes of addresses for its shadow."""
        return self._kilobytes("VmSize") > 1 << 30

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def cpu_seconds(self):
        """User and system time of all its threads, in steps of a clock tick."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def pair_of_users(self, password, tries=64):
        """Names of two new users who live on different shards."""
        from rawclient import Stream  # which needs this file
        first = None
        for number in range(tries):
            name = f"pair{number}"
            self.add_user(name, password)
            with Stream(self) as stream:
                stream.login(name, password)
                shard = self.shard_of(f"{name}@{DOMAIN}")
                stream.logout()
            if first and first[1] != shard:
                return first[0], name
            first = first or (name, shard)
        raise ServerFailure(f"{tries} users, all of them on one shard")
