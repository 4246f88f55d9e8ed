-- Occupants whose account was removed: they have to leave, as if they had asked for it.
ALTER TABLE room_occupant ADD COLUMN gone boolean NOT NULL DEFAULT false;
CREATE INDEX room_occupant_gone ON room_occupant (room, occupant) WHERE gone;

CREATE OR REPLACE FUNCTION account_remove(domain_name text, user_name text, upto_id bigint)
    RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    bare_jid text := user_name || '@' || domain_name;
BEGIN
    DELETE FROM account a USING domain d
        WHERE d.id = a.domain_id AND d.name = domain_name AND a.name = user_name;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    DELETE FROM mam_prefs p USING jid j WHERE j.bare = bare_jid AND p.owner = j.id;
    DELETE FROM room_blocking k USING jid j WHERE j.bare = bare_jid AND k.owner = j.id;
    UPDATE room_occupant o SET gone = true FROM jid j
        WHERE j.bare = bare_jid AND o.occupant = j.id;
    PERFORM archive_remove(bare_jid, upto_id);
    RETURN 1;
END $$;
