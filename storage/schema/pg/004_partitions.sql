-- The archive in partitions by id, that is by time: what is too old is dropped whole, and indexes
-- that are written to stay small. `packed` names the dictionary that the body is compressed with,
-- 0: none. Flags as before. The pair is for pages of one conversation. Each index costs the
-- database about 2 µs and 70 bytes of log a message, so there is none of the id alone.
ALTER TABLE message RENAME TO message_whole;
ALTER INDEX message_pkey RENAME TO message_whole_pkey;
DROP INDEX message_by_sender, message_by_recipient, message_by_origin;

CREATE TABLE message (
    id bigint NOT NULL,
    sender bigint NOT NULL,
    recipient bigint NOT NULL,
    origin bigint,
    flags smallint NOT NULL,
    packed smallint NOT NULL,
    sender_resource text COLLATE "C" NOT NULL,
    recipient_resource text COLLATE "C" NOT NULL,
    body bytea NOT NULL,
    PRIMARY KEY (sender, id)
) PARTITION BY RANGE (id);
CREATE INDEX message_by_recipient ON message (recipient, id);
CREATE INDEX message_by_pair
    ON message (least(sender, recipient), greatest(sender, recipient), id);
CREATE INDEX message_by_origin ON message (sender, origin) WHERE origin IS NOT NULL;

-- Which partitions there are: ids from `low` up to, and not with, `high`. The first one has all
-- that is older.
CREATE TABLE message_partition (
    number integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    low bigint NOT NULL,
    high bigint NOT NULL UNIQUE
);

-- Makes a partition that begins where the last one ends.
CREATE FUNCTION message_partition_add(upper_bound bigint) RETURNS void
    LANGUAGE plpgsql AS $$
DECLARE
    fresh message_partition;
BEGIN
    INSERT INTO message_partition (low, high)
        SELECT coalesce(max(p.high), -9223372036854775808), upper_bound
        FROM message_partition p
        RETURNING * INTO fresh;
    EXECUTE format('CREATE TABLE message_p%s (LIKE message)', fresh.number);
    -- Attaching an empty table locks out nobody, unlike CREATE TABLE … PARTITION OF.
    EXECUTE format(
        'ALTER TABLE message ATTACH PARTITION message_p%s FOR VALUES FROM (%s) TO (%s)',
        fresh.number,
        CASE WHEN fresh.low < 0 THEN 'MINVALUE' ELSE fresh.low::text END, fresh.high);
END $$;

-- Makes partitions of `span` ids until `ahead` of them lie before the id of this time, and drops
-- those that have only ids below `keep`. Where there is nothing to do it takes no lock.
CREATE FUNCTION message_upkeep(at bigint, span bigint, ahead integer, keep bigint,
                               OUT made integer, OUT dropped integer)
    LANGUAGE plpgsql AS $$
DECLARE
    old message_partition;
    wanted bigint := (at / span + 1 + ahead) * span;
    top bigint := coalesce((SELECT max(p.high) FROM message_partition p), 0);
BEGIN
    made := 0;
    dropped := 0;
    IF top >= wanted
        AND NOT EXISTS (SELECT FROM message_partition p WHERE p.high <= keep) THEN
        RETURN;
    END IF;
    PERFORM set_config('lock_timeout', '2s', true);
    LOCK TABLE message_partition IN SHARE ROW EXCLUSIVE MODE;
    top := coalesce((SELECT max(p.high) FROM message_partition p), 0);
    WHILE top < wanted LOOP
        top := greatest(top / span + 1, at / span + 1) * span;
        PERFORM message_partition_add(top);
        made := made + 1;
    END LOOP;
    FOR old IN
        SELECT * FROM message_partition p WHERE p.high <= keep ORDER BY p.high
    LOOP
        EXECUTE format('DROP TABLE message_p%s', old.number);
        DELETE FROM message_partition p WHERE p.number = old.number;
        dropped := dropped + 1;
    END LOOP;
END $$;

SELECT message_partition_add(max(id) + 1) FROM message_whole HAVING max(id) IS NOT NULL;
INSERT INTO message (id, sender, recipient, origin, flags, packed, sender_resource,
                     recipient_resource, body)
    SELECT id, sender, recipient, origin, flags, 0, sender_resource, recipient_resource,
           convert_to(body, 'UTF8')
    FROM message_whole;
DROP TABLE message_whole;
