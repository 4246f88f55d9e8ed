-- What the preferences of `owner` say of a message with a peer: 0, it is not kept. `keeps` of
-- mam_prefs may be 2 (XEP-0441 `roster`): those are kept that are with contacts.
CREATE FUNCTION mam_keeps(owner_id bigint, peer text, peer_resource text) RETURNS bigint
    LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT l.keeps FROM mam_prefs_jid l WHERE l.owner = owner_id AND l.bare = peer
            AND l.resource IN ('', peer_resource) ORDER BY l.resource DESC LIMIT 1),
        (SELECT CASE p.keeps WHEN 2 THEN
            (SELECT count(*) FROM jid j
                JOIN domain d ON d.name = split_part(j.bare, '@', 2)
                JOIN account a
                    ON a.domain_id = d.id AND a.name = split_part(j.bare, '@', 1)
                JOIN roster r ON r.account_id = a.id AND r.contact = peer
                WHERE j.id = owner_id AND r.flags & 32 <> 0)
            ELSE p.keeps END FROM mam_prefs p WHERE p.owner = owner_id),
        1)
$$;
