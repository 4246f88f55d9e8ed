-- Pieces of XML that an account keeps as they were given, by kind (store_document.h): private XML
-- (XEP-0049), the vCard.
CREATE TABLE document (
    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    kind bigint NOT NULL,
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    body text COLLATE "C" NOT NULL,
    PRIMARY KEY (account_id, kind, name)
);
