-- Bodies may be compressed: `packed` names the dictionary, 0: none. The pair is for pages of one
-- conversation. (In PostgreSQL this step also cuts the archive in partitions.)
DROP INDEX message_by_sender;
DROP INDEX message_by_recipient;
DROP INDEX message_by_origin;
ALTER TABLE message RENAME TO message_unpacked;

CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    sender INTEGER NOT NULL REFERENCES jid (id),
    recipient INTEGER NOT NULL REFERENCES jid (id),
    flags INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    sender_resource TEXT NOT NULL,
    recipient_resource TEXT NOT NULL,
    origin INTEGER,
    body BLOB NOT NULL
) STRICT;
INSERT INTO message (id, sender, recipient, flags, packed, sender_resource,
                     recipient_resource, origin, body)
    SELECT id, sender, recipient, flags, 0, sender_resource, recipient_resource,
           origin, CAST(body AS BLOB)
    FROM message_unpacked;
DROP TABLE message_unpacked;

-- The id is in each index by itself (it is the rowid), but not where it is needed: in the middle.
CREATE INDEX message_by_sender ON message (sender, id, recipient);
CREATE INDEX message_by_recipient ON message (recipient, id, sender);
CREATE INDEX message_by_pair
    ON message (min(sender, recipient), max(sender, recipient), id);
CREATE INDEX message_by_origin ON message (sender, origin) WHERE origin IS NOT NULL;
