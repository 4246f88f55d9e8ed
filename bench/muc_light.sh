#!/usr/bin/env bash
# What a message in a room (MUC Light) costs with archive and inbox on: CPU time of the server and
# of the database, a sent message and a delivered copy, in rooms of five, in turn with a relay that
# hands the same bytes to the same five; or, with --large, how fast one large room is of which a
# part is there, and chat between others on the same shard.
#
#   bench/muc_light.sh [--shards N] [--users N] [--rates "R..."] [--rounds N] [--seconds S]
#                      [--tick-us T] [--large OCCUPANTS] [--there USERS] [--build DIR]
#
# The goal is 1.5 times what the relay takes and, as for one-to-one (one_to_one.sh), 5.5 µs, and for
# each further copy the 0.8 µs of DESIGN.md 12 for hooks, routing and writing out: 8.7 µs.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
SHARDS=1 USERS=500 RATES="200 600 1000" ROUNDS=1 SECONDS_EACH=5 TICK_US=0 LARGE=0 THERE=1000
XMPP_US=8.7
MODULES=${MODULES:-'mam: {}, inbox: {}, muc_light: {}'} STORAGE=''
WORK=$(mktemp -d)
PORT='' SERVER='' POSTMASTER='' RELAY='' RELAY_PORT='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

# bench REPORT OPTION...
bench() {
    local report=$1
    shift
    "$BUILD/ringtail-bench" "$@" "${LOAD[@]}" --users "$USERS" --room-size 5 \
        --seconds "$SECONDS_EACH" --tick-us "$TICK_US" >"$report" ||
        say "not all is well: $* (lost $(value lost "$report"))"
}

# round RATE NUMBER
round() {
    bench "$WORK/relay-$1-$2" relay_rooms --port "$RELAY_PORT" --server-pid "$RELAY" --rate "$1"
    bench "$WORK/server-$1-$2" muc_light --port "$PORT" --server-pid "$SERVER" \
        --database-pid "$POSTMASTER" --rate "$1" $MADE
    MADE=--rooms-made
}

tell() {
    local server=("$WORK/server-$1-"*) relay=("$WORK/relay-$1-"*)
    awk -v rate="$1" -v xmpp="$XMPP_US" -v s="$(median server_cpu_us_sent "${server[@]}")" \
        -v r="$(median server_cpu_us_sent "${relay[@]}")" \
        -v copy="$(median server_cpu_us_message "${server[@]}")" \
        -v d="$(median database_cpu_us_sent "${server[@]}")" \
        -v p50="$(median latency_p50_us "${server[@]}")" \
        -v p99="$(median latency_p99_us "${server[@]}")" \
        -v lost="$(median lost "${server[@]}")" 'BEGIN {
            printf "%7d %8.1f %8.1f %8.1f %9.2f %8.1f %8d %8d %6d\n",
                rate, s, copy, r, s / (r + xmpp), d, p50, p99, lost }'
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
    read_options "SHARDS USERS RATES ROUNDS SECONDS_EACH TICK_US LARGE THERE BUILD" \
        "${@/#--seconds/--seconds-each}"
    MADE='' LOAD=()
    if [[ $SHARDS == 1 && $(nproc) -gt 1 ]]; then LOAD=(--cpu 1); fi
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
    start_relay 0 5
    echo "   rate     sent     copy    relay s/(r+$XMPP_US) database      p50      p99   lost"
    for rate in $RATES; do
        for ((i = 1; i <= ROUNDS; i++)); do round "$rate" "$i"; done
        tell "$rate"
    done
}

main "$@"
