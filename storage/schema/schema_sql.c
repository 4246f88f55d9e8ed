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
    {3, "003_messages",
     "CREATE TABLE jid (\n"
     "    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
     "    bare text COLLATE \"C\" NOT NULL UNIQUE CHECK (bare <> '')\n"
     ");\n"
     "CREATE TABLE message (\n"
     "    id bigint PRIMARY KEY,\n"
     "    sender bigint NOT NULL,\n"
     "    recipient bigint NOT NULL,\n"
     "    flags integer NOT NULL,\n"
     "    origin bigint,\n"
     "    sender_resource text COLLATE \"C\" NOT NULL,\n"
     "    recipient_resource text COLLATE \"C\" NOT NULL,\n"
     "    body text COLLATE \"C\" NOT NULL\n"
     ");\n"
     "CREATE INDEX message_by_sender ON message (sender, id) INCLUDE (recipient);\n"
     "CREATE INDEX message_by_recipient ON message (recipient, id) INCLUDE (sender);\n"
     "CREATE INDEX message_by_origin ON message (sender, origin) WHERE origin IS NOT NULL;\n"
     "CREATE TABLE mam_prefs (\n"
     "    owner bigint PRIMARY KEY REFERENCES jid (id),\n"
     "    keeps bigint NOT NULL\n"
     ");\n"
     "CREATE TABLE mam_prefs_jid (\n"
     "    owner bigint NOT NULL REFERENCES mam_prefs (owner) ON DELETE CASCADE,\n"
     "    bare text COLLATE \"C\" NOT NULL,\n"
     "    resource text COLLATE \"C\" NOT NULL,\n"
     "    keeps bigint NOT NULL,\n"
     "    PRIMARY KEY (owner, bare, resource)\n"
     ");\n"
    },
    {6, "006_privacy",
     "CREATE TABLE privacy_list (\n"
     "    account_id bigint NOT NULL REFERENCES account (id) ON DELETE CASCADE,\n"
     "    name text COLLATE \"C\" NOT NULL CHECK (name <> ''),\n"
     "    items text NOT NULL,\n"
     "    is_default integer NOT NULL,\n"
     "    PRIMARY KEY (account_id, name)\n"
     ");\n"
    },
    {8, "008_last",
     "CREATE TABLE last_activity (\n"
     "    account_id bigint PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,\n"
     "    stamp_us bigint NOT NULL,\n"
     "    status text NOT NULL\n"
     ");\n"
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
    {3, "003_messages",
     "CREATE TABLE jid (\n"
     "    id INTEGER PRIMARY KEY,\n"
     "    bare TEXT NOT NULL UNIQUE CHECK (bare <> '')\n"
     ") STRICT;\n"
     "CREATE TABLE message (\n"
     "    id INTEGER PRIMARY KEY,\n"
     "    sender INTEGER NOT NULL REFERENCES jid (id),\n"
     "    recipient INTEGER NOT NULL REFERENCES jid (id),\n"
     "    flags INTEGER NOT NULL,\n"
     "    sender_resource TEXT NOT NULL,\n"
     "    recipient_resource TEXT NOT NULL,\n"
     "    origin INTEGER,\n"
     "    body TEXT NOT NULL\n"
     ") STRICT;\n"
     "CREATE INDEX message_by_sender ON message (sender, id, recipient);\n"
     "CREATE INDEX message_by_recipient ON message (recipient, id, sender);\n"
     "CREATE INDEX message_by_origin ON message (sender, origin) WHERE origin IS NOT NULL;\n"
     "CREATE TABLE mam_prefs (\n"
     "    owner INTEGER PRIMARY KEY REFERENCES jid (id),\n"
     "    keeps INTEGER NOT NULL\n"
     ") STRICT;\n"
     "CREATE TABLE mam_prefs_jid (\n"
     "    owner INTEGER NOT NULL REFERENCES mam_prefs (owner) ON DELETE CASCADE,\n"
     "    bare TEXT NOT NULL,\n"
     "    resource TEXT NOT NULL,\n"
     "    keeps INTEGER NOT NULL,\n"
     "    PRIMARY KEY (owner, bare, resource)\n"
     ") STRICT, WITHOUT ROWID;\n"
    },
    {6, "006_privacy",
     "CREATE TABLE privacy_list (\n"
     "    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,\n"
     "    name TEXT NOT NULL CHECK (name <> ''),\n"
     "    items TEXT NOT NULL,\n"
     "    is_default INTEGER NOT NULL,\n"
     "    PRIMARY KEY (account_id, name)\n"
     ") STRICT, WITHOUT ROWID;\n"
    },
    {8, "008_last",
     "CREATE TABLE last_activity (\n"
     "    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,\n"
     "    stamp_us INTEGER NOT NULL,\n"
     "    status TEXT NOT NULL\n"
     ") STRICT;\n"
    },
};

const struct schema schema_sqlite = {"sqlite", sqlite_steps, COUNT_OF(sqlite_steps)};
