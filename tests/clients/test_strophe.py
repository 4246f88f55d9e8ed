#!/usr/bin/env python3
"""libstrophe against the server. It takes the strongest mechanism that both have, so each mechanism
has a server of its own that offers nothing else. The program is strophe_client.c, built."""
import os
import subprocess
import unittest

from harness import DOMAIN, ROOT, Server, environment

PROGRAM = os.environ.get("RINGTAIL_STROPHE", os.path.join(ROOT, "build", "dev", "tests", "clients",
                                                          "strophe_client"))
TEXT = "Grüße <&> \U0001f99d \"quoted\" ]]> 'text'"
PASSWORD = "pass, word = <&>"
SECONDS = 40


class Strophe(unittest.TestCase):
    def run_client(self, server, kind, password=PASSWORD):
        return subprocess.run(
            [PROGRAM, "127.0.0.1", str(server.port[kind]), kind, server.certificate,
             f"alice@{DOMAIN}/strophe", password, TEXT], env=environment(), text=True,
            capture_output=True, check=False, timeout=SECONDS)

    def log_in(self, mechanism):
        with Server(mechanisms=[mechanism], log="debug") as server:
            server.add_user("alice", PASSWORD)
            for kind in ("starttls", "tls"):
                out = self.run_client(server, kind)
                self.assertEqual(out.returncode, 0, out.stdout + out.stderr)
            self.assertEqual(server.log_text().count(f"mechanism={mechanism}"), 2)
            self.assertEqual(self.run_client(server, "tls", "wrong").returncode, 1)

    def test_scram_sha_1(self):
        self.log_in("SCRAM-SHA-1")

    def test_scram_sha_256(self):
        self.log_in("SCRAM-SHA-256")

    def test_scram_sha_512(self):
        self.log_in("SCRAM-SHA-512")

    def test_plain(self):
        self.log_in("PLAIN")


if __name__ == "__main__":
    unittest.main()
