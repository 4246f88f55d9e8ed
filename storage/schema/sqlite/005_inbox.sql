-- A hash of the `id` attribute that the client gave the message, of those that count as unread:
-- markers name it. Flag 4 of a message: it counts.
ALTER TABLE message ADD COLUMN client_id INTEGER;

-- Names of boxes; a new message moves a conversation from 1 to 0.
CREATE TABLE inbox_box (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;
INSERT INTO inbox_box (id, name) VALUES (0, 'inbox'), (1, 'archive'), (2, 'bin');

-- A conversation of the owner: `last` is its newest message, `unread` counts those behind `read_to`.
-- Times in µs since 1970, 0: none. Expired rows may be dropped.
CREATE TABLE inbox (
    owner INTEGER NOT NULL REFERENCES jid (id),
    peer INTEGER NOT NULL REFERENCES jid (id),
    box INTEGER NOT NULL REFERENCES inbox_box (id),
    last INTEGER NOT NULL,
    read_to INTEGER NOT NULL,
    unread INTEGER NOT NULL,
    muted_until INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (owner, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX inbox_expires ON inbox (expires) WHERE expires <> 0;
