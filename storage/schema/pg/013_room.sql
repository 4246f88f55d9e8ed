-- Rooms (MUC Light). The number of a room is that of its JID. `config` has one field a line.
CREATE TABLE room (
    id bigint PRIMARY KEY,
    host text COLLATE "C" NOT NULL CHECK (host <> ''),
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    version text COLLATE "C" NOT NULL,
    config text NOT NULL,
    UNIQUE (host, name)
);

-- Affiliation: 1 member, 2 owner.
CREATE TABLE room_occupant (
    room bigint NOT NULL REFERENCES room (id) ON DELETE CASCADE,
    occupant bigint NOT NULL,
    affiliation bigint NOT NULL,
    PRIMARY KEY (room, occupant)
);
CREATE INDEX room_occupant_by_occupant ON room_occupant (occupant, room);

-- Rooms that a user does not want to be brought into (is_room 1), and users by whom.
CREATE TABLE room_blocking (
    owner bigint NOT NULL,
    is_room bigint NOT NULL,
    peer text COLLATE "C" NOT NULL CHECK (peer <> ''),
    PRIMARY KEY (owner, is_room, peer)
);

-- 1: the peer is a room. Its messages are those that it is the recipient of.
ALTER TABLE inbox ADD COLUMN room bigint NOT NULL DEFAULT 0;
