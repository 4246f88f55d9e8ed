-- Messages that wait for their user (XEP-0160), given in the order of `number`. Without a body a row
-- is a mark: the stanza is the row of the archive with the id `message`. No foreign key to that: it is
-- written by another shard, maybe later. Times in µs since 1970, 0: never.
CREATE TABLE offline_message (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    message INTEGER NOT NULL,
    stamp_us INTEGER NOT NULL,
    expires_us INTEGER NOT NULL,
    body TEXT,
    PRIMARY KEY (account_id, number)
) STRICT;
CREATE INDEX offline_message_expires ON offline_message (expires_us) WHERE expires_us <> 0;
