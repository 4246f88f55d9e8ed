-- A user's privacy lists (XEP-0016); the block list (XEP-0191) is one of them. `items` has one item
-- a line (privacy_list.h), because a list is always read and written whole.
CREATE TABLE privacy_list (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    items text NOT NULL,
    is_default integer NOT NULL,
    PRIMARY KEY (account_id, name)
);
