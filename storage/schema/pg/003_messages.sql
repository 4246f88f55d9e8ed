-- Bare JIDs of users and of peers anywhere, as numbers.
CREATE TABLE jid (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bare text COLLATE "C" NOT NULL UNIQUE CHECK (bare <> '')
);

-- One row for both archives of a one-to-one message. The id holds the time (stanza_id.h). Flags:
-- 1 the sender has no copy, 2 the recipient has none. `origin` is a hash of the origin-id. No
-- foreign keys: they would cost two locked rows a message.
CREATE TABLE message (
    id bigint PRIMARY KEY,
    sender bigint NOT NULL,
    recipient bigint NOT NULL,
    flags integer NOT NULL,
    origin bigint,
    sender_resource text COLLATE "C" NOT NULL,
    recipient_resource text COLLATE "C" NOT NULL,
    body text COLLATE "C" NOT NULL
);
CREATE INDEX message_by_sender ON message (sender, id) INCLUDE (recipient);
CREATE INDEX message_by_recipient ON message (recipient, id) INCLUDE (sender);
CREATE INDEX message_by_origin ON message (sender, origin) WHERE origin IS NOT NULL;

-- Only of users who have chosen: `keeps` is what holds for peers that are not listed.
CREATE TABLE mam_prefs (
    owner bigint PRIMARY KEY REFERENCES jid (id),
    keeps bigint NOT NULL
);

-- An empty resource stands for all of the peer's.
CREATE TABLE mam_prefs_jid (
    owner bigint NOT NULL REFERENCES mam_prefs (owner) ON DELETE CASCADE,
    bare text COLLATE "C" NOT NULL,
    resource text COLLATE "C" NOT NULL,
    keeps bigint NOT NULL,
    PRIMARY KEY (owner, bare, resource)
);
