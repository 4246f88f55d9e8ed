-- Pieces of XML that an account keeps as they were given, by kind (store_document.h): private XML
-- (XEP-0049), the vCard.
CREATE TABLE document (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind INTEGER NOT NULL,
    name TEXT NOT NULL CHECK (name <> ''),
    body TEXT NOT NULL,
    PRIMARY KEY (account_id, kind, name)
) STRICT;
