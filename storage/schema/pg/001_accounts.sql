-- What has been done to this database.
CREATE TABLE schema_migration (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

-- Names are prepared (stringprep), so bytes compare them: collation "C", on every machine the same.
CREATE TABLE domain (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE CHECK (name <> '')
);

-- Other tables point at a user by its id: eight bytes instead of a JID.
CREATE TABLE account (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    domain_id integer NOT NULL REFERENCES domain (id),
    name text COLLATE "C" NOT NULL CHECK (name <> ''),
    credentials text NOT NULL,
    pending bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (domain_id, name)
);
