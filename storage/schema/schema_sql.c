/* Made by embed.sh of the .sql files beside it: change those. */
#include "schema.h"

#include "text.h"

/* clang-format off */
static const struct schema_step pg_steps[] = {
    {1, "001_accounts",
     "CREATE TABLE schema_migration (\n"
     "    version integer PRIMARY KEY,\n"
     "    applied_at timestamptz NOT NULL DEFAULT now()\n"
     ");\n"
     "CREATE TABLE domain (\n"
     "    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
     "    name text COLLATE \"C\" NOT NULL UNIQUE CHECK (name <> '')\n"
     ");\n"
     "CREATE TABLE account (\n"
     "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
     "    domain_id integer NOT NULL REFERENCES domain (id),\n"
     "    name text COLLATE \"C\" NOT NULL CHECK (name <> ''),\n"
     "    credentials text NOT NULL,\n"
     "    pending bytea,\n"
     "    created_at timestamptz NOT NULL DEFAULT now(),\n"
     "    UNIQUE (domain_id, name)\n"
     ");\n"
    },
    {2, "002_roster",
     "CREATE TABLE roster (\n"
     "    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,\n"
     "    contact text COLLATE \"C\" NOT NULL CHECK (contact <> ''),\n"
     "    name text NOT NULL,\n"
     "    groups text NOT NULL,\n"
     "    flags bigint NOT NULL,\n"
     "    request text NOT NULL,\n"
     "    PRIMARY KEY (account_id, contact)\n"
     ");\n"
     "ALTER TABLE account ADD COLUMN roster_version bigint NOT NULL DEFAULT 0;\n"
    },
};

const struct schema schema_pg = {"pg", pg_steps, COUNT_OF(pg_steps)};

static const struct schema_step sqlite_steps[] = {
    {1, "001_accounts",
     "CREATE TABLE schema_migration (\n"
     "    version INTEGER PRIMARY KEY,\n"
     "    applied_at INTEGER NOT NULL DEFAULT (unixepoch())\n"
     ") STRICT;\n"
     "CREATE TABLE domain (\n"
     "    id INTEGER PRIMARY KEY,\n"
     "    name TEXT NOT NULL UNIQUE CHECK (name <> '')\n"
     ") STRICT;\n"
     "CREATE TABLE account (\n"
     "    id INTEGER PRIMARY KEY AUTOINCREMENT,\n"
     "    domain_id INTEGER NOT NULL REFERENCES domain (id),\n"
     "    name TEXT NOT NULL CHECK (name <> ''),\n"
     "    credentials TEXT NOT NULL,\n"
     "    pending BLOB,\n"
     "    created_at INTEGER NOT NULL DEFAULT (unixepoch()),\n"
     "    UNIQUE (domain_id, name)\n"
     ") STRICT;\n"
    },
    {2, "002_roster",
     "CREATE TABLE roster (\n"
     "    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,\n"
     "    contact TEXT NOT NULL CHECK (contact <> ''),\n"
     "    name TEXT NOT NULL,\n"
     "    groups TEXT NOT NULL,\n"
     "    flags INTEGER NOT NULL,\n"
     "    request TEXT NOT NULL,\n"
     "    PRIMARY KEY (account_id, contact)\n"
     ") STRICT, WITHOUT ROWID;\n"
     "ALTER TABLE account ADD COLUMN roster_version INTEGER NOT NULL DEFAULT 0;\n"
    },
};

const struct schema schema_sqlite = {"sqlite", sqlite_steps, COUNT_OF(sqlite_steps)};
