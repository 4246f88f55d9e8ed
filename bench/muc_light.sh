#!/usr/bin/env bash
# What a message in a room (MUC Light) costs with archive and inbox on: CPU time of the server and
# of the database, a sent message and a delivered copy, in rooms of five; or, with --large, how fast
# one large room is of which a part is there, and chat between others on the same shard.
#
#   bench/muc_light.sh [--shards N] [--users N] [--rates "R..."] [--rounds N] [--seconds S]
#                      [--large OCCUPANTS] [--there USERS] [--build DIR]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
SHARDS=1 USERS=500 RATES="200 600 1000" ROUNDS=1 SECONDS_EACH=5 LARGE=0 THERE=1000
MODULES=${MODULES:-'mam: {}, inbox: {}, muc_light: {}'} STORAGE=''
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

# round RATE NUMBER
round() {
    local report=$WORK/report-$1-$2 before after
    before=$(database_ticks)
    "$BUILD/ringtail-bench" muc_light --port "$PORT" --server-pid "$SERVER" --users "$USERS" \
        --room-size 5 --rate "$1" --seconds "$SECONDS_EACH" $MADE >"$report" ||
        say "not all is well: $(value lost "$report") lost"
    MADE=--rooms-made
    sleep 1
    after=$(database_ticks)
    awk -v ticks="$((after - before))" -v sent="$(value sent "$report")" \
        -v hz="$(getconf CLK_TCK)" 'BEGIN {
            print "database_cpu_us_sent", ticks * 1000000 / hz / (sent ? sent : 1) }' >>"$report"
}

tell() {
    local reports=("$WORK/report-$1-"*)
    printf '%7d %8.1f %8.1f %8.1f %8.0f %8.0f %6.0f\n' "$1" \
        "$(median server_cpu_us_sent "${reports[@]}")" \
        "$(median server_cpu_us_message "${reports[@]}")" \
        "$(median database_cpu_us_sent "${reports[@]}")" \
        "$(median latency_p50_us "${reports[@]}")" "$(median latency_p99_us "${reports[@]}")" \
        "$(median lost "${reports[@]}")"
}

# u1 … with the credentials of u0, and a room with them all and the first as its owner, straight
# into the database: it takes long to derive so many keys.
make_large_room() {
    ask "INSERT INTO account (domain_id, name, credentials) SELECT a.domain_id, 'u' || n,
            a.credentials FROM account a, generate_series(1, $LARGE + 19) n WHERE a.name = 'u0'" \
        "INSERT INTO jid (bare) SELECT 'u' || n || '@localhost'
            FROM generate_series(0, $LARGE - 1) n ON CONFLICT DO NOTHING" \
        "INSERT INTO jid (bare) VALUES ('uroom0@muclight.localhost') ON CONFLICT DO NOTHING" \
        "INSERT INTO room (id, host, name, version, config)
            SELECT id, 'muclight.localhost', 'uroom0', '1', ''
            FROM jid WHERE bare = 'uroom0@muclight.localhost'" \
        "INSERT INTO room_occupant (room, occupant, affiliation) SELECT r.id, j.id,
            CASE WHEN n = 0 THEN 2 ELSE 1 END FROM room r, generate_series(0, $LARGE - 1) n
            JOIN jid j ON j.bare = 'u' || n || '@localhost' WHERE r.name = 'uroom0'"
}

# A message a second in the large room, and chat between twenty who are not in it.
large() {
    local chat
    "$BUILD/ringtail-bench" one_to_one --port "$PORT" --users 20 --first "$LARGE" --rate 100 \
        --seconds "$SECONDS_EACH" --settle 8s >"$WORK/chat" &
    chat=$!
    "$BUILD/ringtail-bench" muc_light --port "$PORT" --server-pid "$SERVER" --users "$THERE" \
        --room-size "$THERE" --rate 1 --seconds "$SECONDS_EACH" --settle 2s --rooms-made \
        >"$WORK/large" || say "not all is well: $(value lost "$WORK/large") lost"
    wait "$chat" || say "not all is well with the chat"
    echo "room of $LARGE, $THERE there, 1 message/s: p50 $(value latency_p50_us "$WORK/large")" \
        "p99 $(value latency_p99_us "$WORK/large") µs," \
        "$(value server_cpu_us_sent "$WORK/large") µs a message; chat meanwhile:" \
        "p50 $(value latency_p50_us "$WORK/chat") p99 $(value latency_p99_us "$WORK/chat") µs"
}

main() {
    local rate i
    read_options "SHARDS USERS RATES ROUNDS SECONDS_EACH LARGE THERE BUILD" \
        "${@/#--seconds/--seconds-each}"
    MADE=''
    start_postgresql
    start_server "$SHARDS"
    import_users $((LARGE ? 1 : USERS))
    if [[ $LARGE -gt 0 ]]; then
        make_large_room
        large
        return
    fi
    echo "$SHARDS shards, $USERS connections, rooms of 5, 300-byte stanzas, $ROUNDS rounds of" \
        "$SECONDS_EACH s; CPU µs"
    echo "   rate     sent     copy database      p50      p99   lost"
    for rate in $RATES; do
        for ((i = 1; i <= ROUNDS; i++)); do round "$rate" "$i"; done
        tell "$rate"
    done
}

main "$@"
