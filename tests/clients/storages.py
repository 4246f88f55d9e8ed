"""The databases that a test is repeated on: SQLite, and PostgreSQL where RINGTAIL_TEST_PG has a
conninfo, in a schema of the test's own."""
import os
import subprocess


def run_sql(conninfo, sql):
    subprocess.run(["psql", "-q", "-d", conninfo, "-c", sql], check=True)


def storages(schema):
    """Each database that is there to be tested: its name and the YAML of `storage`."""
    yield "sqlite", "backend: sqlite"
    conninfo = os.environ.get("RINGTAIL_TEST_PG")
    if conninfo:
        run_sql(conninfo, f"CREATE SCHEMA {schema}")
        options = f"options='-c search_path={schema}'"
        yield "postgresql", f'backend: postgresql, conninfo: "{conninfo} {options}"'


def drop_schema(schema):
    conninfo = os.environ.get("RINGTAIL_TEST_PG")
    if conninfo:
        run_sql(conninfo, f"SET client_min_messages = warning; DROP SCHEMA {schema} CASCADE")
