"""Makes messages as clients send them and element_write writes them into the archive: in scope
NS_CLIENT, so the root has no xmlns; the attributes as they came, `from` last when the client sent
none. Texts come from sentences.txt: "# language" headings, one sentence a line, {11} stands for 11
random characters. A template's {name} is made by the function that MAKERS has for it, once a
stanza; {hex8} and the like are fresh each time."""
import base64
import os
import re
import uuid

from tables import (CLIENTS, EMOJI, ENDS, ENGLISH, FILES, HOSTS, KINDS, PARTS, UPLOADS, VIDEO)

URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ALPHABETS = {"token": URL_SAFE, "hex": "0123456789abcdef", "digits": "0123456789",
             "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"}


class Words:
    """What stanzas are made of: a random generator, and what names and texts are taken from."""

    def __init__(self, rng, names, syllables, languages):
        self.rng, self.names, self.syllables, self.languages = rng, names, syllables, languages


class Stanza(dict):
    """The values of one stanza's templates."""

    def __init__(self, words):
        super().__init__()
        self.words, self.rng = words, words.rng
        _, self.attrs, self.id_form, self.resource, self.children = weighted(self.rng, CLIENTS)
        self.language = "en" if self.chance(ENGLISH) else self.rng.choice(list(words.languages))

    def __missing__(self, key):
        letters = re.fullmatch("(token|hex|digits|upper)([0-9]+)", key)
        if letters:
            return "".join(self.rng.choices(ALPHABETS[letters[1]], k=int(letters[2])))
        if key.lower() == "uuid":
            value = str(uuid.UUID(bytes=self.rng.randbytes(16), version=4))
            return value.upper() if key == "UUID" else value
        self[key] = MAKERS[key](self)
        return self[key]

    def chance(self, likely):
        return self.rng.random() < likely

    def fill(self, template):
        return template.format_map(self)

    def base64(self, data):
        return base64.b64encode(data).decode()


def weighted(rng, rows):
    return rng.choices(rows, [row[0] for row in rows])[0]


def read_sentences():
    languages = {}
    with open(os.path.join(os.path.dirname(__file__), "sentences.txt"), encoding="utf-8") as file:
        for line in file.read().splitlines():
            if line.startswith("# "):
                sentences = languages[line[2:]] = []
            else:
                sentences.append(line)
    return languages


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def sentence(s):
    text = s.rng.choice(s.words.languages[s.language])
    return escaped(re.sub("{([0-9]+)}", lambda m: s["token" + m[1]], text))


def text(s):
    """One to six sentences; some without capital, stop or with emoji at the end."""
    count = s.rng.choices((1, 2, 3, 4, 6), (50, 25, 12, 8, 5))[0]
    joint = "\n" if s.chance(0.15) else "" if s.language in ("zh", "ja") else " "
    made = joint.join(sentence(s) for _ in range(count))
    if s.chance(0.2):
        made = made[0].lower() + made[1:]
    return made + (" " + s.rng.choice(EMOJI) if s.chance(0.1) else "")


def word(s):
    return "".join(s.rng.choices(s.words.syllables, k=s.rng.randint(2, 4)))


def domain(s):
    return s.rng.choice(HOSTS) + word(s) + s.rng.choice(ENDS)


def account(s, host):
    name = s.rng.choice(s.words.names)
    tail = s.rng.choice(("", "", s["digits2"], "." + word(s), "_" + word(s), word(s)[:3]))
    return f"{name}{tail}@{host}"


def peer(s):
    return account(s, s["domain"] if s.chance(0.6) else domain(s))


def recipient(s):
    resource = weighted(s.rng, CLIENTS)[3]
    return s["peer"] + ("/" + s.fill(resource) if s.chance(0.2) else "")


def file(s):
    form = s.rng.choice(("{uuid}.", "{token22}.", "IMG_2026{digits4}_{digits6}.", "image.",
                         "Screenshot_2026{digits4}-{digits6}.", "{word}."))
    return s.fill(form) + s.rng.choice(FILES)


def framed_key(s, prekey):
    """A Signal message around key and tag: what all of them share is the protobuf framing."""
    numbers = [s.rng.randrange(1, 60) for _ in range(4)]
    inner = (b"\x33\x0a\x21\x05" + s.rng.randbytes(32) + bytes((0x10, numbers[0], 0x18, numbers[1]))
             + b"\x22\x30" + s.rng.randbytes(56))
    if not prekey:
        return inner
    return (bytes((0x33, 0x08, numbers[2], 0x12, 0x21, 5)) + s.rng.randbytes(32) + b"\x1a\x21\x05"
            + s.rng.randbytes(32) + bytes((0x22, len(inner))) + inner + b"\x28"
            + s.rng.randbytes(4) + bytes((0x30, numbers[3])))


def framed_key2(s):
    return (b"\x0a\x10" + s.rng.randbytes(16) + bytes((0x12, 0x58, 0x08, s.rng.randrange(60)))
            + b"\x10\x00\x1a\x20" + s.rng.randbytes(32) + b"\x22\x30" + s.rng.randbytes(48))


def device(s):
    return s.rng.randrange(1, 2 ** 31)


def keys(s):
    made = ""
    for _ in range(s.rng.choices((1, 2, 3, 4, 5), (10, 35, 25, 20, 10))[0]):
        prekey = s.chance(0.15)
        attrs = f"rid='{device(s)}'"
        if prekey:
            attrs = s.rng.choice((f"prekey='true' {attrs}", f"{attrs} prekey='true'"))
        made += f"<key {attrs}>{s.base64(framed_key(s, prekey))}</key>"
    return made


def keys2(s):
    return "".join(f"<key rid='{device(s)}'>{s.base64(framed_key2(s))}</key>"
                   for _ in range(s.rng.randint(1, 3)))


def stamp(s):
    rng = s.rng
    return (f"2026-{rng.randint(1, 12):02}-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:"
            f"{rng.randint(0, 59):02}:{rng.randint(0, 59):02}Z")


MAKERS = {
    "text": text, "quoted": sentence, "end": lambda s: len(s["quoted"]) + 3, "word": word,
    "id": lambda s: s.fill(s.id_form), "other": lambda s: s.fill(s.id_form), "domain": domain,
    "own": lambda s: account(s, s["domain"]), "peer": peer, "stamp": stamp, "file": file,
    "from": lambda s: s["own"] + "/" + s.fill(s.resource), "lang": lambda s: s.language,
    "to": recipient,
    "type": lambda s: "chat", "nick": lambda s: s.rng.choice(s.words.names).title(),
    "url": lambda s: s.fill(s.rng.choice(UPLOADS)), "emoji": lambda s: s.rng.choice(EMOJI),
    "room": lambda s: s.fill("{word}@conference.{domain}"),
    "video": lambda s: VIDEO if s.chance(0.4) else "",
    "sha256": lambda s: s.base64(s.rng.randbytes(32)), "device": device, "keys": keys,
    "keys2": keys2, "own_keys2": keys2, "iv": lambda s: s.base64(s.rng.randbytes(12)),
    "payload": lambda s: s.base64(s.rng.randbytes(len(s["text"].encode()))),
    "payload2": lambda s: s.base64(s.rng.randbytes(len(s["text"].encode()) // 16 * 16 + 288)),
}


def make(words):
    """A stanza, with its class: text, omemo, file or other."""
    s = Stanza(words)
    _, label, is_chat, payload = weighted(s.rng, KINDS)
    names = s.children.split() if is_chat else ["*"]
    parts = [name for name in names if name == "*" or s.chance(0.85)]
    children = " ".join(payload if name == "*" else name for name in parts).split()
    attrs = "".join(f" {'xml:' * (name == 'lang')}{name}='{s[name]}'" for name in s.attrs.split())
    return label, f"<message{attrs}>{''.join(s.fill(PARTS[name]) for name in children)}</message>"
