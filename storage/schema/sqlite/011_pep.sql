-- Publish-subscribe nodes of accounts (XEP-0163); `settings` is module pep's. `number` orders items: the id
-- (XEP-0359) of the time when one was published.
CREATE TABLE pep_node (
    id INTEGER PRIMARY KEY,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    settings TEXT NOT NULL,
    UNIQUE (account_id, name)
) STRICT;
CREATE TABLE pep_item (
    node_id INTEGER NOT NULL REFERENCES pep_node (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    number INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (node_id, name)
) STRICT;
CREATE INDEX pep_item_number ON pep_item (node_id, number);
