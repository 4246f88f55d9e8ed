"""The servers that are compared: how each is configured, started and ended, and gets its users."""
import base64
import grp
import hashlib
import hmac
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time

import usage
from database import Database, Refused

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
DOMAIN, PASSWORD, PREFIX = "localhost", "secret", "u"
ITERATIONS, SALT = 4096, b"ringtail-bench"
START_S, STOP_S, QUIET_S = 60, 20, 15


class Failed(Exception):
    """A server did not do what it should; says why."""


def render(text, values, words):
    """Fills in @NAME@, and leaves out the lines that are for a word that is not there."""
    lines = []
    for line in text.split("\n"):
        wanted = re.search(r"\s*(#|--)IF (\w+)$", line)
        if wanted and wanted.group(2) not in words:
            continue
        lines.append(line[:wanted.start()] if wanted else line)
    return re.sub(r"@([A-Z_]+)@", lambda match: str(values.get(match.group(1), match.group())),
                  "\n".join(lines))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def listens(port):
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex(("127.0.0.1", port)) == 0


def scram_keys():
    """(stored key, server key) of the one password with SCRAM-SHA-1."""
    salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), SALT, ITERATIONS)
    client = hmac.new(salted, b"Client Key", hashlib.sha1).digest()
    server = hmac.new(salted, b"Server Key", hashlib.sha1).digest()
    return hashlib.sha1(client).digest(), server


class Server:
    """One with a database and a folder of its own; started for a case, and ended after it."""
    name, user, settings, config = "", None, "", ""
    words, rooms = (), "muc"  # which of the #IF words it knows; the scenario for rooms

    def __init__(self, work, build, shards):
        self.work, self.build, self.shards = work, build, shards
        self.port, self.process, self.database, self.users = 0, None, None, 0
        self.host, self.domain = "127.0.0.1", DOMAIN

    # --- What each one does in its own way ---

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def make_schema(self):
        """Before the first start."""

    def ready(self):
        return listens(self.port)

    def make_users(self, count):
        """PREFIX0 … in addition to those that are there; the server runs."""
        raise NotImplementedError

    def version(self):
        raise NotImplementedError

    # --- What all do ---

    @property
    def folder(self):
        return os.path.join(self.work, self.name)

    def give_away(self, path):
        """To the user that the server runs as."""
        if self.user and os.geteuid() == 0:
            shutil.chown(path, self.user, self.user)

    def settings_text(self, words):
        with open(os.path.join(HERE, self.settings)) as file:
            text = file.read()
        base = self.database or NoDatabase
        values = {"WORK": self.folder, "DOMAIN": DOMAIN, "PORT": self.port, "SHARDS": self.shards,
                  "ARCHIVE": "true" if "archive" in words else "false", "DB_PORT": base.port,
                  "DB_NAME": base.name, "DB_USER": base.user, "DB_PASSWORD": base.password}
        return render(text, values, words)

    def make_database(self):
        self.database = Database(os.path.join(self.work, self.name + "-pg"))
        os.makedirs(self.folder, exist_ok=True)
        self.give_away(self.folder)
        self.make_schema()

    def write_config(self, words):
        path = os.path.join(self.folder, self.config)
        with open(path, "w") as file:
            file.write(self.settings_text(words))
        self.give_away(path)

    def as_user(self, command):
        """Through setpriv, since su would set other limits of descriptors."""
        if self.user and os.geteuid() == 0:
            group = grp.getgrgid(pwd.getpwnam(self.user).pw_gid).gr_name
            return ["setpriv", f"--reuid={self.user}", f"--regid={group}", "--init-groups",
                    *command]
        return command

    def start(self, words):
        if not self.database:
            self.make_database()
        self.port = free_port()
        self.write_config(words)
        environment = {**os.environ, "HOME": self.folder, **self.environment()}
        with open(os.path.join(self.folder, "output"), "ab") as log:
            self.told = log.tell()  # by those before
            self.process = subprocess.Popen(self.as_user(self.command()), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL, env=environment,
                                            cwd=self.folder, start_new_session=True)
        deadline = time.monotonic() + START_S
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.name} did not start: see {self.folder}/output")
            time.sleep(0.1)

    def want_users(self, count):
        if count > self.users:
            self.make_users(count)
            self.users = count

    def pids(self):
        """Roots of the process trees: server, database."""
        return [self.process.pid], [self.database.pid]

    def quiet(self):
        """Waits until neither server nor database works off what was left."""
        roots, deadline = self.pids(), time.monotonic() + QUIET_S
        before = sum(usage.cpu_ns(each) for each in roots)
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = sum(usage.cpu_ns(each) for each in roots)
            if now - before < 50_000_000:  # a tenth of a CPU
                return True
            before = now
        return False

    def counters(self):
        """Bytes of write-ahead log and of the database so far."""
        return self.database.wal_bytes(), self.database.disk_bytes()

    def stop(self):
        """Ends the process tree that was started here, by pid."""
        if not self.process:
            return
        pids = usage.family([self.process.pid])
        for signum, patience_s in ((signal.SIGTERM, STOP_S), (signal.SIGKILL, STOP_S)):
            for pid in pids:
                try:
                    os.kill(pid, signum)
                except ProcessLookupError:
                    pass
            try:
                self.process.wait(patience_s)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process = None

    def settle(self):
        """Between two cases, unmeasured: what is dirty goes to disk."""
        if self.database:
            self.database.ask("CHECKPOINT")

    def remove(self):
        self.stop()
        if self.database:
            self.database.stop()


class NoDatabase:
    """What stands in the settings of a dry run."""
    port, name, user, password = 5432, Database.name, Database.user, "secret"


class Ringtail(Server):
    name, settings, config = "ringtail", "ringtail.yaml", "ringtail.yaml"
    rooms = "muc_light"

    def command(self):
        return [os.path.join(self.build, "ringtaild"), "-c", self.config]

    def write_config(self, words):
        os.makedirs(os.path.join(self.folder, "data"), mode=0o700, exist_ok=True)
        super().write_config(words)

    def control(self, *words):
        done = subprocess.run([os.path.join(self.build, "ringtailctl"), "-c",
                               os.path.join(self.folder, self.config), *words],
                              capture_output=True, text=True)
        return done.returncode == 0, done.stdout + done.stderr

    def must(self, *words):
        """At a start the first connection to the database may still be on its way."""
        deadline = time.monotonic() + START_S
        while True:
            good, told = self.control(*words)
            if good:
                return
            if time.monotonic() > deadline:
                raise Failed(f"ringtailctl {' '.join(words)}: {told.strip()}")
            time.sleep(0.2)

    def ready(self):
        """It listens a moment before it answers its control tool."""
        with open(os.path.join(self.folder, "output")) as file:
            file.seek(self.told)
            return "event=ready" in file.read()

    def make_users(self, count):
        """The first by the server's own import; deriving keys for each would take a minute, so the
        others get copies of its credentials."""
        path = os.path.join(self.folder, "users")
        if not self.users:
            with open(path, "w") as file:
                file.write(f"{PREFIX}0@{DOMAIN},{PASSWORD}\n")
            os.chmod(path, 0o600)
            self.must("user", "import", path, "--derive")
        self.database.ask(
            f"INSERT INTO account (domain_id, name, credentials) SELECT a.domain_id, '{PREFIX}' ||"
            " n, a.credentials FROM account a,"
            f" generate_series({max(self.users, 1)}, {count - 1}) n WHERE a.name = '{PREFIX}0'")

    def version(self):
        out = subprocess.run([os.path.join(self.build, "ringtaild"), "--version"],
                             capture_output=True, text=True)
        return out.stdout.split("\n")[0].removeprefix("ringtail ")


class Ejabberd(Server):
    name, user, settings, config = "ejabberd", "ejabberd", "ejabberd.yml", "ejabberd.yml"
    schema = "/usr/share/ejabberd/sql/pg.new.sql"

    def make_schema(self):
        self.database.load(self.schema)

    def write_config(self, words):
        super().write_config(words)
        path = os.path.join(self.folder, "ejabberdctl.cfg")
        with open(path, "w") as file:  # no port mapper, and nothing but the loopback interface
            file.write(f"ERL_DIST_PORT={free_port()}\nINET_DIST_INTERFACE=127.0.0.1\n"
                       f"ERLANG_NODE=bench{os.getpid()}@localhost\n")
        self.give_away(path)

    def command(self):
        return ["ejabberdctl", "--config", self.path(self.config), "--ctl-config",
                self.path("ejabberdctl.cfg"), "--config-dir", self.folder, "--logs", self.folder,
                "--spool", self.path("spool"), "foreground"]

    def path(self, name):
        return os.path.join(self.folder, name)

    def make_users(self, count):
        stored, server, salt = (base64.b64encode(each).decode()
                                for each in (*scram_keys(), SALT))
        self.database.ask(
            "INSERT INTO users (username, server_host, password, serverkey, salt, iterationcount)"
            f" SELECT '{PREFIX}' || n, '{DOMAIN}', '{stored}', '{server}', '{salt}', {ITERATIONS}"
            f" FROM generate_series({self.users}, {count - 1}) n")

    def version(self):
        return package_version("ejabberd")


class Prosody(Server):
    name, user, settings, config = "prosody", "prosody", "prosody.cfg.lua", "prosody.cfg.lua"

    def write_config(self, words):
        path = os.path.join(self.folder, "data")
        os.makedirs(path, exist_ok=True)
        self.give_away(path)
        super().write_config(words)

    def command(self):
        return ["prosody", "-F", "--config", os.path.join(self.folder, self.config)]

    def make_tables(self):
        """Prosody makes them when it first asks for something: the first account does."""
        command = ["prosodyctl", "--config", os.path.join(self.folder, self.config), "register",
                   "first", DOMAIN, PASSWORD]
        done = subprocess.run(self.as_user(command), capture_output=True, text=True,
                              cwd=self.folder)
        if not self.database.ask("SELECT to_regclass('prosody')"):
            raise Failed(f"prosodyctl register: {(done.stdout + done.stderr).strip()}")

    def make_users(self, count):
        if not self.users:
            self.make_tables()
        stored, server = scram_keys()
        values = {"stored_key": ("string", stored.hex()), "server_key": ("string", server.hex()),
                  "salt": ("string", SALT.decode()), "iteration_count": ("number", ITERATIONS)}
        for key, (kind, value) in values.items():
            self.database.ask(
                "INSERT INTO prosody (host, \"user\", store, key, type, value)"
                f" SELECT '{DOMAIN}', '{PREFIX}' || n, 'accounts', '{key}', '{kind}', '{value}'"
                f" FROM generate_series({self.users}, {count - 1}) n")

    def version(self):
        return package_version("prosody")


class Given(Server):
    """A server that runs already, wherever it is: neither started nor ended here. Its users
    PREFIX0 … exist. Process ids, when it is on this machine, as SERVER[,…][/DATABASE[,…]]."""

    def __init__(self, name, address, domain, pids=""):
        super().__init__("", "", 1)
        self.name, self.domain = name, domain
        self.host, _, port = address.rpartition(":")
        self.port = int(port)
        server, _, database = pids.partition("/")
        self.groups = [[int(pid) for pid in part.split(",") if pid]
                       for part in (server, database)]

    def settings_text(self, words):
        return f"(as it is, at {self.host}:{self.port})\n"

    def start(self, words):
        if not listens_at(self.host, self.port):
            raise Failed(f"{self.name}: nobody listens at {self.host}:{self.port}")

    def want_users(self, count):
        self.users = count

    def pids(self):
        return self.groups

    def counters(self):
        return None

    def version(self):
        return "as given"


def listens_at(host, port):
    try:
        socket.create_connection((host, port), timeout=5).close()
        return True
    except OSError:
        return False


def package_version(package):
    out = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], capture_output=True,
                         text=True)
    return out.stdout.strip()


KNOWN = {each.name: each for each in (Ringtail, Ejabberd, Prosody)}
