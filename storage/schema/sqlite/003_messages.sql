-- Bare JIDs of users and of peers anywhere, as numbers.
CREATE TABLE jid (
    id INTEGER PRIMARY KEY,
    bare TEXT NOT NULL UNIQUE CHECK (bare <> '')
) STRICT;

-- One row for both archives of a one-to-one message. The id holds the time (stanza_id.h). Flags:
-- 1 the sender has no copy, 2 the recipient has none. `origin` is a hash of the origin-id.
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    sender INTEGER NOT NULL REFERENCES jid (id),
    recipient INTEGER NOT NULL REFERENCES jid (id),
    flags INTEGER NOT NULL,
    sender_resource TEXT NOT NULL,
    recipient_resource TEXT NOT NULL,
    origin INTEGER,
    body TEXT NOT NULL
) STRICT;

-- The id is in each index by itself (it is the rowid), but not where it is needed: in the middle.
CREATE INDEX message_by_sender ON message (sender, id, recipient);
CREATE INDEX message_by_recipient ON message (recipient, id, sender);
CREATE INDEX message_by_origin ON message (sender, origin) WHERE origin IS NOT NULL;

-- Only of users who have chosen: `keeps` is what holds for peers that are not listed.
CREATE TABLE mam_prefs (
    owner INTEGER PRIMARY KEY REFERENCES jid (id),
    keeps INTEGER NOT NULL
) STRICT;

-- An empty resource stands for all of the peer's.
CREATE TABLE mam_prefs_jid (
    owner INTEGER NOT NULL REFERENCES mam_prefs (owner) ON DELETE CASCADE,
    bare TEXT NOT NULL,
    resource TEXT NOT NULL,
    keeps INTEGER NOT NULL,
    PRIMARY KEY (owner, bare, resource)
) STRICT, WITHOUT ROWID;
