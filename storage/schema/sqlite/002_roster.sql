-- A user's contacts and what stands between the two (store.h: STORE_ROSTER flags). `groups` has one
-- name a line, `request` is the stanza of a subscription request that was not answered yet.
CREATE TABLE roster (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    contact TEXT NOT NULL CHECK (contact <> ''),
    name TEXT NOT NULL,
    groups TEXT NOT NULL,
    flags INTEGER NOT NULL,
    request TEXT NOT NULL,
    PRIMARY KEY (account_id, contact)
) STRICT, WITHOUT ROWID;

-- Counts the changes of a user's roster (roster versioning, RFC 6121 2.6).
ALTER TABLE account ADD COLUMN roster_version INTEGER NOT NULL DEFAULT 0;
