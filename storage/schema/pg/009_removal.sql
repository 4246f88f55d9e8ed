-- What is in an archive up to `since` is not its owner's any more: the archive was removed, or its
-- retention has passed. So removal is seen at once, and the rows can go little by little.
ALTER TABLE jid ADD COLUMN since bigint NOT NULL DEFAULT 0;

-- Archives whose rows up to, and with, `upto` have to go; those up to `sent` and `received` are done.
CREATE TABLE removal (
    owner bigint PRIMARY KEY REFERENCES jid (id),
    sent bigint NOT NULL,
    received bigint NOT NULL,
    upto bigint NOT NULL
);

-- Of a removed domain accounts go until there are none. Of one with `swept` the archives of the users
-- behind that name lose what is not above `since`.
ALTER TABLE domain
    ADD COLUMN removed boolean NOT NULL DEFAULT false,
    ADD COLUMN since bigint NOT NULL DEFAULT 0,
    ADD COLUMN swept text COLLATE "C";

-- Takes from the owner what the archive and the inbox have up to an id.
CREATE FUNCTION archive_remove(owner_bare text, upto_id bigint) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    own jid;
BEGIN
    SELECT * INTO own FROM jid j WHERE j.bare = owner_bare FOR UPDATE;
    IF NOT FOUND OR own.since >= upto_id THEN
        RETURN;
    END IF;
    INSERT INTO removal AS r (owner, sent, received, upto)
        VALUES (own.id, own.since, own.since, upto_id)
        ON CONFLICT (owner) DO UPDATE SET upto = greatest(r.upto, excluded.upto);
    UPDATE jid j SET since = upto_id WHERE j.id = own.id;
    DELETE FROM inbox i WHERE i.owner = own.id AND i.last <= upto_id;
END $$;

-- 0: there is no such account.
CREATE FUNCTION account_remove(domain_name text, user_name text, upto_id bigint)
    RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM account a USING domain d
        WHERE d.id = a.domain_id AND d.name = domain_name AND a.name = user_name;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM mam_prefs p USING jid j
        WHERE j.bare = user_name || '@' || domain_name AND p.owner = j.id;
    PERFORM archive_remove(user_name || '@' || domain_name, upto_id);
    RETURN 1;
END $$;

-- A bounded part of the work on domains; 0: there is none.
CREATE FUNCTION removal_of_domain(most integer) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    work domain;
    names text[];
BEGIN
    SELECT * INTO work FROM domain d WHERE d.removed OR d.swept IS NOT NULL
        ORDER BY d.id LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    names := ARRAY(SELECT a.name FROM account a WHERE a.domain_id = work.id
        AND (work.removed OR a.name > work.swept) ORDER BY a.name LIMIT most);
    IF work.removed THEN
        PERFORM account_remove(work.name, n.name, work.since)
            FROM unnest(names) AS n (name);
        IF cardinality(names) = 0 THEN
            DELETE FROM domain d WHERE d.id = work.id;
        END IF;
    ELSE
        PERFORM archive_remove(j.bare, work.since) FROM unnest(names) AS n (name)
            JOIN jid j ON j.bare = n.name || '@' || work.name
            WHERE EXISTS (SELECT FROM message m
                    WHERE m.sender = j.id AND m.id > j.since AND m.id <= work.since)
                OR EXISTS (SELECT FROM message m
                    WHERE m.recipient = j.id AND m.id > j.since AND m.id <= work.since);
        UPDATE domain d SET swept = names[most] WHERE d.id = work.id;
    END IF;
    RETURN cardinality(names) + 1;
END $$;

-- A bounded part of what has to go; 0: there is nothing left, or others are at it.
CREATE FUNCTION removal_step(most integer) RETURNS bigint
    LANGUAGE plpgsql AS $$
DECLARE
    work removal;
    sent_count bigint;
    received_count bigint;
    sent_top bigint;
    received_top bigint;
BEGIN
    SELECT * INTO work FROM removal r ORDER BY r.owner LIMIT 1 FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN removal_of_domain(most);
    END IF;
    SELECT count(*), coalesce(max(o.id), work.sent) INTO sent_count, sent_top
        FROM (SELECT m.id FROM message m WHERE m.sender = work.owner
            AND m.id > work.sent AND m.id <= work.upto ORDER BY m.id LIMIT most) o;
    SELECT count(*), coalesce(max(o.id), work.received)
        INTO received_count, received_top
        FROM (SELECT m.id FROM message m WHERE m.recipient = work.owner
            AND m.id > work.received AND m.id <= work.upto ORDER BY m.id LIMIT most) o;
    -- Marked first: of two that do this to both sides of a message the second one then deletes it.
    UPDATE message m SET flags = m.flags | 1::smallint
        WHERE m.sender = work.owner AND m.id > work.sent AND m.id <= sent_top;
    UPDATE message m SET flags = m.flags | 2::smallint
        WHERE m.recipient = work.owner AND m.id > work.received AND m.id <= received_top;
    DELETE FROM message m WHERE m.flags & 3 = 3
        AND m.sender = work.owner AND m.id > work.sent AND m.id <= sent_top;
    DELETE FROM message m WHERE m.flags & 3 = 3
        AND m.recipient = work.owner AND m.id > work.received AND m.id <= received_top;
    IF sent_count < most AND received_count < most THEN
        DELETE FROM inbox i WHERE i.owner = work.owner AND i.last <= work.upto;
        DELETE FROM removal r WHERE r.owner = work.owner;
    ELSE
        UPDATE removal r SET sent = sent_top, received = received_top
            WHERE r.owner = work.owner;
    END IF;
    RETURN sent_count + received_count + 1;
END $$;
