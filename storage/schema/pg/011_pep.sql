-- Publish-subscribe nodes of accounts (XEP-0163); `settings` is module pep's. `number` orders items: the id
-- (XEP-0359) of the time when one was published.
CREATE TABLE pep_node (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    settings text COLLATE "C" NOT NULL,
    UNIQUE (account_id, name)
);
CREATE TABLE pep_item (
    node_id bigint NOT NULL REFERENCES pep_node (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    number bigint NOT NULL,
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (node_id, name)
);
CREATE INDEX pep_item_number ON pep_item (node_id, number);
