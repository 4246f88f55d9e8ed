#!/usr/bin/env python3
"""Feeds tidy.py small trees with one mistake each, and ones without."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

import tidy

NOTE = "TO" "DO"


def findings(tree):
    return [f"{path}:{line}: {what}" for path, line, what in tidy.check(tree)]


def module(name, code="", **more):
    """A module with all that it needs."""
    tree = {f"src/modules/{name}/{name}.c": '#include "module.h"\n' + code,
            f"src/modules/{name}/{name}.md": f"# {name}\n",
            f"tests/module/test_{name}.c": "",
            "src/core/module.h": "", "storage/store.h": "", "src/core/session.h": ""}
    tree.update(more)
    return tree


class Tidy(unittest.TestCase):
    def good(self, tree):
        self.assertEqual(findings(tree), [])

    def bad(self, tree, where, *words):
        """Exactly one finding, at this place, with these words."""
        found = findings(tree)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(where + ": "), found)
        for word in words:
            self.assertIn(word, found[0])

    def test_columns(self):
        for path in ("a.c", "a.h", "x/CMakeLists.txt", "x.cmake", "x.sh", "x.py"):
            self.bad({path: "\n" + "x" * 101 + "\n"}, path + ":2", "101 columns")
            self.good({path: "x" * 100 + "\n" + "ä" * 100 + "\n"})
        self.bad({".ci/run": "#!/usr/bin/env bash\n" + "x" * 101}, ".ci/run:2", "columns")
        self.good({"README.md": "x" * 300, "some.def": "x" * 300})

    def test_functions(self):
        body = "    x();\n"
        self.good({"a.c": "void f(void)\n{\n" + body * 67 + "}\n"})
        self.bad({"a.c": "int i;\nvoid f(int a,\n       int b)\n{\n" + body * 67 + "}\n"}, "a.c:2",
                 "function f of 71 lines")
        self.good({"a.c": "static const int x[] = {\n" + "    1,\n" * 100 + "};\n"})
        braces = 'void f(void)\n{\n    g("}\\n{");\n    /*\n}\n*/\n' + body * 63 + "}\n"
        self.good({"a.c": braces})
        self.assertEqual(list(tidy.functions(braces)), [(1, 70, "f")])

    def test_files(self):
        self.good({"a.c": "\n" * 600, "a.h": "\n" * 150})
        self.bad({"a.c": "\n" * 601}, "a.c:601", "601 lines")
        self.bad({"a.h": "\n" * 151}, "a.h:151", "151 lines")

    def test_banned(self):
        for name in tidy.BANNED:
            self.bad({"a.c": f"void f(void)\n{{\n    {name} (x);\n}}\n"}, "a.c:3", name)
        self.good({"a.c": 'my_strcpy(x); strcpy_all(); p->system(x); s.rand(); f("gets(x)");\n'
                          "/* sprintf(x) */\n#define strcat 1\n// popen()\n"})

    def test_note_words(self):
        for path in ("a.c", "a.py", "doc.md", "CMakeLists.txt", "hooks.def"):
            self.bad({path: f"x\n# {NOTE}: later\n"}, path + ":2", NOTE)
        self.good({"a.c": "/* mkstemp wants XXXXXX, HACKNEY, fixme */\n", "picture": NOTE})

    def test_floors(self):
        tree = {"src/base/text.h": "", "src/xmpp/jid.h": "", "shard/conn.h": "",
                "storage/store.h": "", "storage/pg/pq.h": "", "src/core/acc.h": ""}
        good = {"src/xmpp/a.c": '#include "text.h"\n#include "jid.h"\n',
                "shard/a.c": '#include "text.h"\n#include "conn.h"\n',
                "storage/pg/a.c": '#include "pq.h"\n#include "store.h"\n#include "conn.h"\n',
                "src/core/a.c": '#include "store.h"\n', "src/main/a.c": '#include "acc.h"\n',
                "tests/unit/xmpp/a.c": '#include "acc.h"\n#include <cmocka.h>\n'}
        self.good({**tree, **good})
        for path, name in (("src/base/a.c", "jid.h"), ("src/xmpp/a.c", "conn.h"),
                           ("shard/a.c", "jid.h"), ("storage/a.c", "acc.h")):
            self.bad({**tree, path: f'\n#  include "{name}"\n'}, path + ":2", "must not", name)
        self.bad({"src/xmpp/a.c": '#include "../../shard/conn.h"\n', "shard/conn.h": ""},
                 "src/xmpp/a.c:1", "is in no folder")
        self.bad({"src/xmpp/a.c": '#include "nothing.h"\n'}, "src/xmpp/a.c:1", "is in no folder")

    def test_doors(self):
        doors = {"src/base/mem.c": "mimalloc.h", "src/xmpp/parser.c": "expat.h",
                 "src/xmpp/jid.c": "stringprep.h", "shard/ring_uring.c": "liburing.h",
                 "src/xmpp/digest.c": "wolfssl/wolfcrypt/hash.h", "shard/tls.c": "wolfssl/ssl.h",
                 "storage/pg/pq.c": "libpq-fe.h", "storage/sqlite/lite.c": "sqlite3.h",
                 "storage/pack.c": "zstd.h",
                 "src/main/yaml.c": "yaml.h", "src/main/inflate.c": "zlib.h",
                 "src/main/http.c": "microhttpd.h"}
        self.good({path: f"#include <{name}>\n#include <sys/uio.h>\n"
                   for path, name in doors.items()})
        for name in doors.values():
            self.bad({"src/core/a.c": f"#include <{name}>\n"}, "src/core/a.c:1", "only", name)
        self.bad({"src/xmpp/digest.c": "#include <wolfssl/ssl.h>\n"}, "src/xmpp/digest.c:1")
        self.bad({"src/main/a.c": "#include <curl/curl.h>\n"}, "src/main/a.c:1", "neither")
        self.bad({"storage/pg/a.c": "#include <libpq-fe.h>\n",
                  "storage/pg/b.c": "#include <libpq-fe.h>\n"}, "storage/pg/b.c:1", "second file")

    def test_modules(self):
        self.good(module("ping", '#include "store.h"\n#include <stdio.h>\n'))
        self.good(module("ping", '#include "own.h"\n', **{"src/modules/ping/own.h": ""}))
        self.bad(module("ping", '#include "session.h"\n'), "src/modules/ping/ping.c:2", "module.h")
        self.bad({**module("ping", '#include "../time/own.h"\n'),
                  **module("time", **{"src/modules/time/own.h": ""})},
                 "src/modules/ping/ping.c:2", "own headers")
        self.bad(module("ping", "#include <expat.h>\n"), "src/modules/ping/ping.c:2", "only")
        self.bad({"tests/outside/modules/x/x.c": '#include "iq.h"\n', "src/core/iq.h": ""},
                 "tests/outside/modules/x/x.c:1", "module.h")
        self.good({"src/modules/modules.c": '#include "module.h"\n#include "modules.def"\n',
                   "src/core/module.h": ""})
        for missing in ("src/modules/ping/ping.md", "tests/module/test_ping.c"):
            tree = module("ping")
            del tree[missing]
            self.bad(tree, "src/modules/ping:1", "ping.md" if "md" in missing else "no test")
            if "test" in missing:
                self.good({**tree, "tests/wire/plays/iq.play": "# disco, ping of the server\n"})
                self.bad({**tree, "tests/wire/iq.play": "# x\n\n\nping\n"}, "src/modules/ping:1")
                self.good({**tree, "tests/unit/modules/test_a.c": "&module_ping;\n"})

    def test_comments(self):
        header = "src/base/a.h"
        self.good({header: "/* Both of them. */\nint f(void);\nint g(void);\n\n"
                           "int h(void); /* as f */\nint k(void);\n\n"
                           "struct s {\n    int (*f)(void);\n};\n"
                           "typedef void fn(int x);\nstatic inline int i(void)\n{\n"
                           "    return f();\n}\n\nextern const int number;\n"})
        self.bad({header: "/* About f. */\nint f(void);\n\nint g(int a,\n      int b);\n"},
                 header + ":4", "g has no comment")
        self.bad({header: "struct s {\n    int x; /* of it */\n};\nvoid f(void);\n"}, header + ":4")
        self.good({"tests/unit/a.h": "int f(void);\n"})

    def test_tree_and_format(self):
        """From a folder: what git ignores is not looked at, and clang-format is asked."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in {"a.c": "int  x;\n", "build/b.c": "strcpy (x);\n",
                               ".clang-format": "BasedOnStyle: LLVM\n", "blob": "\udcff"}.items():
                full = os.path.join(root, path)
                os.makedirs(os.path.dirname(full), exist_ok=True)
                with open(full, "w", errors="surrogateescape") as file:
                    file.write(text)
            self.assertEqual(sorted(tidy.read_tree(root)), [".clang-format", "a.c"])
            out = subprocess.run([sys.executable, tidy.__file__, "--root", root],
                                 capture_output=True, text=True)
            if shutil.which("clang-format"):
                self.assertEqual(out.returncode, 1, out)
                self.assertIn("a.c:1: is not as clang-format has it", out.stdout)
                self.assertIn("tidy: 1 findings in 2 files", out.stdout)
            else:
                self.assertIn("NOT checked", out.stderr)


if __name__ == "__main__":
    unittest.main()
