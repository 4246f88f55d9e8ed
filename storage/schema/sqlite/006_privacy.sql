-- A user's privacy lists (XEP-0016); the block list (XEP-0191) is one of them. `items` has one item
-- a line (privacy_list.h), because a list is always read and written whole.
CREATE TABLE privacy_list (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name TEXT NOT NULL CHECK (name <> ''),
    items TEXT NOT NULL,
    is_default INTEGER NOT NULL,
    PRIMARY KEY (account_id, name)
) STRICT, WITHOUT ROWID;
