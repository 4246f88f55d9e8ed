-- When a user was last available (µs since 1970), and what he said when he went (XEP-0012).
CREATE TABLE last_activity (
    account_id INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    stamp_us INTEGER NOT NULL,
    status TEXT NOT NULL
) STRICT;
