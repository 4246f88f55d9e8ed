-- What has been done to this database.
CREATE TABLE schema_migration (
    version INTEGER PRIMARY KEY,
    applied_at INTEGER NOT NULL DEFAULT (unixepoch())
) STRICT;

-- Names are prepared (stringprep), so bytes compare them: the collation BINARY.
CREATE TABLE domain (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE CHECK (name <> '')
) STRICT;

-- Other tables point at a user by its id. AUTOINCREMENT: the id of a removed user never becomes
-- somebody else's, who would inherit what peers still keep of the first.
CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    domain_id INTEGER NOT NULL REFERENCES domain (id),
    name TEXT NOT NULL CHECK (name <> ''),
    credentials TEXT NOT NULL,
    pending BLOB,
    created_at INTEGER NOT NULL DEFAULT (unixepoch()),
    UNIQUE (domain_id, name)
) STRICT;
