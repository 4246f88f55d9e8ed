-- What is in an archive up to `since` is not its owner's any more: the archive was removed, or its
-- retention has passed. So removal is seen at once, and the rows can go little by little.
ALTER TABLE jid ADD COLUMN since INTEGER NOT NULL DEFAULT 0;

-- Archives whose rows up to, and with, `upto` have to go; those up to `sent` and `received` are done.
CREATE TABLE removal (
    owner INTEGER PRIMARY KEY REFERENCES jid (id),
    sent INTEGER NOT NULL,
    received INTEGER NOT NULL,
    upto INTEGER NOT NULL
) STRICT;

-- Of a removed domain accounts go until there are none. Of one with `swept` the archives of the users
-- behind that name lose what is not above `since`.
ALTER TABLE domain ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domain ADD COLUMN since INTEGER NOT NULL DEFAULT 0;
ALTER TABLE domain ADD COLUMN swept TEXT;
