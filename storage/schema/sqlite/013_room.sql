-- Rooms (MUC Light). The number of a room is that of its JID. `config` has one field a line.
CREATE TABLE room (
    id INTEGER PRIMARY KEY,
    host TEXT NOT NULL CHECK (host <> ''),
    name TEXT NOT NULL CHECK (name <> ''),
    version TEXT NOT NULL,
    config TEXT NOT NULL,
    UNIQUE (host, name)
) STRICT;

-- Affiliation: 1 member, 2 owner.
CREATE TABLE room_occupant (
    room INTEGER NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    occupant INTEGER NOT NULL,
    affiliation INTEGER NOT NULL,
    PRIMARY KEY (room, occupant)
) STRICT, WITHOUT ROWID;
CREATE INDEX room_occupant_by_occupant ON room_occupant (occupant, room);

-- Rooms that a user does not want to be brought into (is_room 1), and users by whom.
CREATE TABLE room_blocking (
    owner INTEGER NOT NULL,
    is_room INTEGER NOT NULL,
    peer TEXT NOT NULL CHECK (peer <> ''),
    PRIMARY KEY (owner, is_room, peer)
) STRICT, WITHOUT ROWID;

-- 1: the peer is a room. Its messages are those that it is the recipient of.
ALTER TABLE inbox ADD COLUMN room INTEGER NOT NULL DEFAULT 0;
