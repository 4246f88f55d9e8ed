"""The rows of the table, and the rates that are tried."""
from dataclasses import dataclass, field

# Messages sent a second; each some third more than the one before.
RATES = [10, 25, 50, 75, 100, 150, 200, 300, 400, 600, 800, 1000, 1500, 2000, 3000, 4000, 6000,
         8000, 10000, 12500, 16000, 20000, 25000, 32000, 40000, 50000, 64000, 80000, 100000, 125000]


@dataclass
class Case:
    """`words` are those of the settings files. `common` is a rate that all servers should pass, at
    which they can be compared; `begin` is where the ladder begins, by server: a guess, so that the
    ladder is short. Servers that are not in it do not have the case."""
    name: str
    title: str
    words: tuple
    common: int
    begin: dict = field(default_factory=dict)
    rooms: bool = False


CASES = [
    Case("plain", "one-to-one, no archive", (), 500,
         {"ringtail": 40000, "ejabberd": 6000, "prosody": 3000}),
    Case("archive", "one-to-one, archive", ("archive",), 100,
         {"ringtail": 12500, "ejabberd": 800, "prosody": 200}),
    Case("inbox", "one-to-one, archive and inbox", ("archive", "inbox"), 100,
         {"ringtail": 8000}),
    Case("room", "rooms of five, archive", ("archive",), 50,
         {"ringtail": 3000, "ejabberd": 600, "prosody": 150}, rooms=True),
    Case("room_inbox", "rooms of five, archive and inbox", ("archive", "inbox"), 50,
         {"ringtail": 2000}, rooms=True),
]
PRESET = ["plain", "archive", "inbox", "room"]
ROOM_SIZE = 5


def at_least(rate):
    """Place in RATES of the first that is not below."""
    return next(place for place, each in enumerate(RATES) if each >= rate)

