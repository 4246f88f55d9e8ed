/* What the preferences of an owner (a number) say of a peer, as SQL: 0, it is not kept. */
#ifndef RT_LITE_KEEPS_H
#define RT_LITE_KEEPS_H

#define LITE_KEEPS(owner, peer, resource)                                                          \
    "coalesce((SELECT keeps FROM mam_prefs_jid WHERE owner = " owner " AND bare = " peer           \
    " AND resource IN ('', " resource ") ORDER BY resource DESC LIMIT 1),"                         \
    " (SELECT CASE p.keeps WHEN 2 THEN (SELECT count(*) FROM jid j"                                \
    "  JOIN domain d ON d.name = substr(j.bare, instr(j.bare, '@') + 1)"                           \
    "  JOIN account a ON a.domain_id = d.id"                                                       \
    "   AND a.name = substr(j.bare, 1, instr(j.bare, '@') - 1)"                                    \
    "  JOIN roster r ON r.account_id = a.id AND r.contact = " peer                                 \
    "  WHERE j.id = p.owner AND r.flags & 32) ELSE p.keeps END"                                    \
    "  FROM mam_prefs p WHERE p.owner = " owner "), 1)"

#endif
