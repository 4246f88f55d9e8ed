#!/usr/bin/env bash
# How long a page of the archive (XEP-0313) takes when PostgreSQL holds millions of messages: fills
# a scratch database, asks as clients do, and prints p50 and p99, the plan of each kind of page as
# PostgreSQL ran it, and the time that dropping a partition takes.
#
#   bench/pages.sh [--rows N] [--users N] [--pages N] [--days N] [--partition DAYS]
#                  [--build DIR]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
ROWS=10000000 USERS=2000 PAGES=300 DAYS=364 PARTITION=30
# shellcheck disable=SC2034 # read by lib.sh
MODULES='mam: {}' STORAGE=''
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

# Ids of stanzas: µs since 2020, 12 bits up (src/xmpp/stanza_id.h). Messages lie evenly over the
# days; one user in a hundred writes half of all; each has 20 peers, some of them dear.
fill() {
    local day=86400000000 start
    start="((extract(epoch FROM now() - interval '$DAYS days')::bigint - 1577836800) * 1000000)"
    ask "INSERT INTO jid (bare) SELECT 'u' || g || '@localhost'
             FROM generate_series(0, $USERS - 1) g ON CONFLICT DO NOTHING" \
        "CREATE TABLE number AS
             SELECT substr(split_part(bare, '@', 1), 2)::int AS n, id FROM jid" \
        "ALTER TABLE number ADD PRIMARY KEY (n) INCLUDE (id)" \
        "DO \$\$ DECLARE p record; BEGIN FOR p IN SELECT number FROM message_partition LOOP
             EXECUTE 'DROP TABLE message_p' || p.number; END LOOP; END \$\$" \
        "DELETE FROM message_partition" \
        "SELECT message_upkeep(($start + d * $PARTITION * $day::bigint) * 4096,
             $PARTITION * $day::bigint * 4096, 0, 0)
         FROM generate_series(0, $DAYS / $PARTITION) d" >/dev/null
    ask "INSERT INTO message SELECT ($start + g * ($DAYS * $day / $ROWS)) * 4096, s.id, r.id,
             NULL, 0, 0, 'phone', '', convert_to('<message type=''chat'' to=''x@localhost'''
             || ' id=''m' || g || '''><body>' || repeat(md5(g::text) || ' ', 6)
             || '</body></message>', 'UTF8')
         FROM (SELECT g, CASE WHEN random() < 0.5 THEN floor(random() * $USERS)
                   ELSE floor(random() * $USERS / 100) END::int AS f, random() AS p
               FROM generate_series(1, $ROWS::bigint) g OFFSET 0) m
         JOIN number s ON s.n = m.f
         JOIN number r ON r.n = (m.f + 1 + floor(m.p * m.p * 20)::int) % $USERS"
    ask "VACUUM ANALYZE message" "CHECKPOINT"
}

explain_pages() {
    ask "LOAD 'auto_explain'" "ALTER SYSTEM SET session_preload_libraries = 'auto_explain'" \
        "ALTER SYSTEM SET auto_explain.log_min_duration = 0" \
        "ALTER SYSTEM SET auto_explain.log_analyze = on" \
        "ALTER SYSTEM SET auto_explain.log_buffers = on" \
        "ALTER SYSTEM SET auto_explain.log_timing = off"
    ask "SELECT pg_reload_conf()" >/dev/null
}

# From the server's log: one plan of each kind, without partitions that were not looked into.
tell_plans() {
    "$ROOT/bench/pages.py" plans "$WORK/pg/server.log"
}

tell_drop() {
    local old
    old=$(ask "SELECT high FROM message_partition ORDER BY high OFFSET 3 LIMIT 1")
    echo "rows before: $(ask "SELECT count(*) FROM message")"
    psql -qAt "$CONNINFO" -c '\timing on' -c "SELECT 'partitions made, dropped: ' ||
        message_upkeep($old, $PARTITION * 86400000000::bigint * 4096, 0, $old)::text"
    echo "rows after: $(ask "SELECT count(*) FROM message")"
}

main() {
    read_options "ROWS USERS PAGES DAYS PARTITION BUILD" "$@"
    start_postgresql
    start_server 1
    import_users "$USERS"
    say "filling $ROWS rows"
    fill
    ask "SELECT count(*) || ' messages in ' || count(DISTINCT tableoid) || ' partitions, '
        || pg_size_pretty(sum(pg_column_size(message))) FROM message"
    "$ROOT/bench/pages.py" ask "$PORT" "$USERS" "$PAGES" "$DAYS"
    explain_pages
    stop "$SERVER"
    start_server 1
    "$ROOT/bench/pages.py" ask "$PORT" "$USERS" 20 "$DAYS" >/dev/null
    tell_plans
    tell_drop
}

main "$@"
