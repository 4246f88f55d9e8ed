"""A PostgreSQL of its own for one server: scripts/scratch_pg.sh with production settings."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPT = os.path.join(HERE, "..", "..", "scripts", "scratch_pg.sh")


def settings():
    """The lines of postgresql.conf, as (name, value)."""
    with open(os.path.join(HERE, "postgresql.conf")) as file:
        lines = [line.split("#")[0].strip() for line in file]
    return [tuple(part.strip() for part in line.split("=", 1)) for line in lines if line]


class Refused(Exception):
    """PostgreSQL says no; says why."""


class Database:
    """Started when made; `stop` ends it. The password is for TCP, the socket asks for none."""
    user, name = "postgres", "ringtail_test"

    def __init__(self, folder):
        self.folder = folder
        out = subprocess.run([SCRIPT, "start", folder], check=True, capture_output=True, text=True)
        self.conninfo = out.stdout.strip()
        self.port = int(dict(part.split("=", 1) for part in self.conninfo.split())["port"])
        with open(os.path.join(folder, "password")) as file:
            self.password = file.read().strip()
        with open(os.path.join(folder, "data", "postmaster.pid")) as file:
            self.pid = int(file.readline())
        for name, value in settings():
            self.ask(f"ALTER SYSTEM SET {name} = '{value}'")
        self.ask("SELECT pg_reload_conf()")

    def ask(self, *statements):
        """What psql prints, unaligned."""
        command = ["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.conninfo]
        for statement in statements:
            command += ["-c", statement]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Refused(f"PostgreSQL: {done.stderr.strip()}")
        return done.stdout.strip()

    def load(self, path):
        """Runs a file of SQL."""
        subprocess.run(["psql", "-XqAt", "-v", "ON_ERROR_STOP=1", self.conninfo, "-f", path],
                       check=True, capture_output=True)

    def wal_bytes(self):
        return int(self.ask("SELECT pg_current_wal_lsn() - '0/0'"))

    def disk_bytes(self):
        return int(self.ask("SELECT pg_database_size(current_database())"))

    def version(self):
        return self.ask("SHOW server_version")

    def stop(self):
        subprocess.run([SCRIPT, "stop", self.folder], check=False, capture_output=True)
