#!/usr/bin/env python3
"""The house rules of CONTRIBUTING.md as a test: prints `file:line: what` for each finding, then a
count, and exits with 1 when there is one. Looks at all files that git tracks or would track.

  tests/tidy/tidy.py [--root DIR] [--no-format]
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict

COLUMNS = 100
FUNCTION_LINES = 70
FILE_LINES = {".c": 600, ".h": 150}

BANNED = ("strcpy strcat sprintf vsprintf gets strtok alloca system popen rand atoi").split()
# Put together so that this file does not find itself.
NOTE_WORDS = ["TO" "DO", "FIX" "ME", "X" "XX", "HA" "CK"]

# Floors from the ground up, each with the floors whose headers it may include (its own is one).
FLOORS = {
    "base": ("src/base", ["base"]),
    "xmpp": ("src/xmpp", ["base", "xmpp"]),
    "shard": ("shard", ["base", "shard"]),
    "storage": ("storage", ["base", "xmpp", "shard", "storage"]),
    "core": ("src/core", ["base", "xmpp", "shard", "storage", "core"]),
    "modules": ("src/modules", []),
    "outside": ("tests/outside/modules", []),
    "main": ("src/main", ["base", "xmpp", "shard", "storage", "core", "main"]),
    "bench": ("bench", ["base", "xmpp", "shard", "storage", "core", "main", "bench"]),
}
MODULE_FLOORS = ("modules", "outside")
MODULE_HEADERS = {"module.h": "src/core/module.h", "store.h": "storage/store.h"}
GENERATED = {("src/modules/modules.c", "modules.def")}

# Which file is the door to which library: (header, where it may be included).
DOORS = [
    (r"mimalloc\.h", r"src/base/mem\.c"),
    (r"expat(_external)?\.h", r"src/xmpp/parser\.c"),
    (r"(idna|stringprep|idn-.*|punycode)\.h", r"src/xmpp/jid\.c"),
    (r"wolfssl/(options|version)\.h", r"(shard/tls|src/xmpp/digest)\.c"),
    (r"wolfssl/wolfcrypt/.*", r"(shard/tls|src/xmpp/digest)\.c"),
    (r"wolfssl/.*", r"shard/tls\.c"),
    (r"liburing(/.*)?\.h", r"shard/ring_uring\.c"),
    (r"(libpq-.*|libpq/.*|postgres.*|pg_config.*)\.h", r"storage/pg/[^/]+\.c"),
    (r"sqlite3(ext)?\.h", r"storage/sqlite/[^/]+\.c"),
    (r"zstd(_errors)?\.h|zdict\.h", r"storage/pack\.c"),
    (r"yaml\.h", r"src/main/yaml\.c"),
    (r"z(lib|conf)\.h", r"src/main/inflate\.c"),
    (r"microhttpd\.h", r"src/main/http\.c"),
]
# Doors that are a folder: one file of it.
ONE_OF_FOLDER = ("storage/pg", "storage/sqlite")

# Headers of the C library and the kernel.
SYSTEM = re.compile(
    r"(aio|assert|complex|ctype|dirent|dlfcn|elf|endian|errno|execinfo|fcntl|fenv|float|fnmatch"
    r"|getopt|glob|grp|inttypes|iso646|langinfo|libgen|limits|link|locale|malloc|math|mntent|netdb"
    r"|poll|pthread|pwd|regex|resolv|sched|search|semaphore|setjmp|signal|spawn|stdalign|stdarg"
    r"|stdatomic|stdbool|stddef|stdint|stdio|stdio_ext|stdlib|stdnoreturn|string|strings|syscall"
    r"|sysexits|syslog|termios|tgmath|threads|time|uchar|ucontext|unistd|utime|wchar|wctype"
    r"|(arpa|asm|linux|net|netinet|netpacket|sanitizer|sys)/[a-z0-9_/-]+)\.h")

SKIPPED_FOLDERS = {".git", ".cache", "build", "run", "node_modules", "__pycache__"}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


# --- Reading the tree ---

def git_files(root):
    """Tracked files and those that would be; None without git."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-coz", "--exclude-standard"],
                             capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    return [path.decode() for path in out.split(b"\0") if path]


def walked_files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in SKIPPED_FOLDERS]
        for name in names:
            yield os.path.relpath(os.path.join(folder, name), root)


def read_tree(root):
    """Path to text of all text files."""
    paths = git_files(root)
    tree = {}
    for path in sorted(walked_files(root) if paths is None else set(paths)):
        full = os.path.join(root, path)
        if not os.path.isfile(full) or os.path.islink(full):
            continue
        with open(full, "rb") as file:
            data = file.read()
        try:
            tree[path] = data.decode("utf-8")
        except UnicodeDecodeError:
            continue
    return tree


def kind_of(path, text):
    """c, h, def, cmake, sh, py, md, or other."""
    name = os.path.basename(path)
    extension = os.path.splitext(name)[1]
    if name == "CMakeLists.txt" or extension == ".cmake":
        return "cmake"
    if extension in (".c", ".h", ".def", ".sh", ".py", ".md"):
        return extension[1:]
    first = text.split("\n", 1)[0]
    if first.startswith("#!") and "python" in first:
        return "py"
    return "sh" if re.match(r"#!.*\b(ba|da)?sh\b", first) else "other"


def code_of(text):
    """C text with comments, strings and character constants blanked out; lines stay lines."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match.group())
    pieces = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pieces, blank, text, flags=re.S)


def line_at(text, index):
    return text.count("\n", 0, index) + 1


# --- Rules for one file: each yields (line, what) ---

def long_lines(path, kind, text):
    if kind not in ("c", "h", "cmake", "sh", "py"):
        return
    for number, line in enumerate(text.split("\n"), 1):
        if len(line) > COLUMNS:
            yield number, f"line of {len(line)} columns, at most {COLUMNS}"


def functions(text):
    """(first line, last line, name) of each function. Its braces stand alone in column 0."""
    lines = code_of(text).split("\n")
    begin = None
    for number, line in enumerate(lines):
        if line == "{" and begin is None:
            begin = number
            while begin > 0 and re.match(r"[^#}\s]|\s+\S", lines[begin - 1]) and \
                    not lines[begin - 1].rstrip().endswith((";", "}")):
                begin -= 1
        elif line == "}" and begin is not None:
            name = re.search(r"(\w+)\s*\(", " ".join(lines[begin:number]))
            yield begin + 1, number + 1, name.group(1) if name else "?"
            begin = None


def long_functions(path, kind, text):
    if kind not in ("c", "h"):
        return
    for first, last, name in functions(text):
        if last - first + 1 > FUNCTION_LINES:
            yield first, f"function {name} of {last - first + 1} lines, at most {FUNCTION_LINES}"


def long_files(path, kind, text):
    most = FILE_LINES.get("." + kind)
    count = text.count("\n")
    if most and count > most:
        yield count, f"file of {count} lines, at most {most}"


def banned_calls(path, kind, text):
    if kind not in ("c", "h", "def"):
        return
    code = code_of(text)
    for match in re.finditer(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(", code):
        yield line_at(code, match.start()), f"call of {match.group(1)} (see CONTRIBUTING.md)"


def note_words(path, kind, text):
    if kind == "other" and not text.startswith("#!"):
        return
    for match in re.finditer(r"\b(" + "|".join(NOTE_WORDS) + r")\b", text):
        yield line_at(text, match.start()), f"\"{match.group(1)}\": do it, or file an issue"


def is_declaration(line):
    """A function declared at file level, in text without comments and strings."""
    return (re.match(r"(?!typedef|struct \w+;|enum \w+;|return\b)[A-Za-z_][\w\s*]*\b\w+\(", line)
            and "=" not in line.split("(", 1)[0])


def groups(raw, code):
    """Groups of lines with nothing blank between: lists of (index, line is at file level)."""
    group, depth = [], 0
    for index, line in enumerate(code):
        if not raw[index].strip():
            yield group
            group = []
        else:
            group.append((index, depth == 0))
        depth += line.count("{") - line.count("}")
    yield group


def bare_declarations(path, kind, text):
    """A comment stands above a declaration or its group, or beside one of the group."""
    if kind != "h" or floor_of(path) is None:
        return
    raw, code = text.split("\n"), code_of(text).split("\n")
    for group in groups(raw, code):
        lines = [index for index, at_file_level in group if at_file_level]
        if any("/*" in raw[index] or "//" in raw[index] for index in lines):
            continue
        for index in lines:
            line = code[index]
            if is_declaration(line) and "{" not in line and not line.startswith("static inline"):
                name = re.search(r"(\w+)\(", line).group(1)
                yield index + 1, f"{name} has no comment above it or its group"


# --- Includes ---

def floor_of(path):
    for floor, (folder, _) in FLOORS.items():
        if path.startswith(folder + "/"):
            return floor
    return None


def quoted_include(tree, path, floor, name):
    """What is wrong with it, or None."""
    beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
    if beside in tree or (path, name) in GENERATED:
        same_folder = os.path.dirname(beside) == os.path.dirname(path)
        if floor_of(beside) == floor and (floor not in MODULE_FLOORS or same_folder):
            return None
    if floor in MODULE_FLOORS:
        if MODULE_HEADERS.get(name) in tree:
            return None
        return f"a module includes module.h, store.h and its own headers, not \"{name}\""
    folder, allowed = FLOORS[floor]
    for lower in allowed:
        if f"{FLOORS[lower][0]}/{name}" in tree:
            return None
    owners = [other for other, (where, _) in FLOORS.items() if f"{where}/{name}" in tree]
    if owners:
        return f"floor {floor} must not include \"{name}\" of floor {owners[0]}"
    return f"\"{name}\" is in no folder that floor {floor} sees"


def door_of(name):
    for header, where in DOORS:
        if re.fullmatch(header, name):
            return where
    return None


def angle_include(path, name):
    where = door_of(name)
    if where is None:
        return None if SYSTEM.fullmatch(name) else \
            f"<{name}> is neither the C library's nor of a library that has a door here"
    if re.fullmatch(where, path):
        return None
    return f"<{name}> is included by {where.replace(chr(92), '')} only"


def includes(tree):
    users = defaultdict(set)
    for path, text in tree.items():
        floor = floor_of(path)
        if floor is None or kind_of(path, text) not in ("c", "h", "def"):
            continue
        for number, line in enumerate(text.split("\n"), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quoted, angle = match.groups()
            what = quoted_include(tree, path, floor, quoted) if quoted else \
                angle_include(path, angle)
            if what:
                yield path, number, what
            elif angle and door_of(angle):
                users[os.path.dirname(path)].add(path)
    for folder in ONE_OF_FOLDER:
        for path in sorted(users[folder])[1:]:
            yield path, 1, f"a second file of {folder} that includes its library"


# --- Modules ---

def test_names(path, text, module):
    """A test names a module by its file's name, as module_<name>, or in its first lines."""
    word = re.compile(rf"\b{re.escape(module)}\b")
    head = "\n".join(text.split("\n", 3)[:3])
    stem = os.path.splitext(os.path.basename(path))[0]
    return (module in re.split(r"[^A-Za-z0-9]+", stem) or word.search(head) is not None
            or f"module_{module}" in re.findall(r"\bmodule_\w+", text))


def modules(tree):
    names = {path.split("/")[2] for path in tree
             if path.startswith("src/modules/") and path.count("/") > 2}
    tests = {path: text for path, text in tree.items()
             if re.match(r"tests/(wire/.*\.play|unit/modules/.*|module/.*)$", path)}
    for name in sorted(names):
        folder = f"src/modules/{name}"
        for wanted in (f"{name}.c", f"{name}.md"):
            if f"{folder}/{wanted}" not in tree:
                yield folder, 1, f"has no {wanted}"
        if not any(test_names(path, text, name) for path, text in tests.items()):
            yield folder, 1, "no test names it (tests/wire, tests/unit/modules, tests/module)"


# --- Format ---

def formatting(root, paths):
    """clang-format's opinion; the number of complaints a file is in its first."""
    if not shutil.which("clang-format"):
        print("tidy: clang-format is not installed: formatting was NOT checked", file=sys.stderr)
        return
    found = defaultdict(list)
    for begin in range(0, len(paths), 100):
        out = subprocess.run(["clang-format", "--dry-run", "-Werror", *paths[begin:begin + 100]],
                             cwd=root, capture_output=True, text=True)
        for match in re.finditer(r"^(.+?):(\d+):\d+: error:", out.stderr, flags=re.M):
            found[match.group(1)].append(int(match.group(2)))
        if out.returncode and not found:
            yield ".clang-format", 1, "clang-format failed: " + out.stderr.strip()[:200]
    for path, lines in found.items():
        more = f", and {len(lines) - 1} more places" if len(lines) > 1 else ""
        yield path, lines[0], f"is not as clang-format has it{more} (run clang-format -i)"


# --- All of it ---

RULES = [long_lines, long_functions, long_files, banned_calls, note_words, bare_declarations]


def check(tree):
    """All findings of a tree (path to text), formatting aside, as (path, line, what)."""
    for path, text in tree.items():
        kind = kind_of(path, text)
        for rule in RULES:
            for number, what in rule(path, kind, text):
                yield path, number, what
    yield from includes(tree)
    yield from modules(tree)


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser(description="checks the house rules")
    parser.add_argument("--root", default=os.path.join(here, "..", ".."), help="the repository")
    parser.add_argument("--no-format", action="store_true", help="without clang-format")
    options = parser.parse_args()
    tree = read_tree(options.root)
    found = list(check(tree))
    if not options.no_format:
        c_files = [path for path, text in tree.items() if kind_of(path, text) in ("c", "h")]
        found += formatting(options.root, c_files)
    for path, number, what in sorted(found):
        print(f"{path}:{number}: {what}")
    print(f"tidy: {len(found)} findings in {len(tree)} files")
    return 1 if found or not tree else 0


if __name__ == "__main__":
    sys.exit(main())
