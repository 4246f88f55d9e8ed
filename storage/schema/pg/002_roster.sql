-- A user's contacts and what stands between the two (store.h: STORE_ROSTER flags). `groups` has one
-- name a line, `request` is the stanza of a subscription request that was not answered yet.
CREATE TABLE roster (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    contact text COLLATE "C" NOT NULL CHECK (contact <> ''),
    name text NOT NULL,
    groups text NOT NULL,
    flags bigint NOT NULL,
    request text NOT NULL,
    PRIMARY KEY (account_id, contact)
);

-- Counts the changes of a user's roster (roster versioning, RFC 6121 2.6).
ALTER TABLE account ADD COLUMN roster_version bigint NOT NULL DEFAULT 0;
