#!/usr/bin/env bash
# How the cost of a one-to-one message grows: CPU time at 10, 50 and 100 % of the highest rate that
# the server delivers with p99 in time, with few and many connections, with one shard and two.
# A table, and JSON lines of all runs.
#
#   bench/growth.sh [--connections "N..."] [--shards "N..."] [--rates "R..."] [--backend B]
#                   [--stop-ms MS] [--repeat N] [--seconds-each S] [--json FILE] [--build DIR]
#
# --stop-ms: what p99 may be at the highest rate; a busy machine needs more.
# --rates: the ladder on which the highest rate is looked for.
# --backend none: no archive (SQLite holds the accounts); postgresql: archive and inbox in a scratch
# PostgreSQL.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
CONNECTIONS="500 5000 15000" SHARDS="1 2" RATES="5000 10000 20000 30000 40000 60000"
STOP_MS=1000 BACKEND=none REPEAT=3 SECONDS_EACH=3 JSON=
WORK=$(mktemp -d)
PORT='' SERVER='' POSTMASTER='' STORAGE='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

# bench REPORT OPTION...: a run; its lines go to the others, too.
bench() {
    local report=$1
    shift
    "$BUILD/ringtail-bench" one_to_one --port "$PORT" --server-pid "$SERVER" \
        ${POSTMASTER:+--database-pid "$POSTMASTER"} --in-flight 50 --stanza 200 \
        --seconds "$SECONDS_EACH" --warmup 1s --json "$report" "$@" >"$report.text" ||
        say "not all came: $*"
    cat "$report" >>"$COLLECTED"
}

# rows FILE TYPE FIGURE...: of each such line the figures, in a row.
rows() {
    local file=$1 type=$2
    shift 2
    python3 -c 'import json, sys
for line in open(sys.argv[1]):
    one = json.loads(line)
    if one["type"] == sys.argv[2]:
        print(*(one.get(name, 0) for name in sys.argv[3:]))' "$file" "$type" "$@"
}

# highest SHARDS CONNECTIONS: the highest rate of the ladder that was delivered in time.
highest() {
    local report=$WORK/ladder-$1-$2
    bench "$report" --users "$2" --rates "$RATES" --stop-p99 "${STOP_MS}ms" \
        --label "ladder, $1 shards, $2 connections"
    rows "$report" phase rate lost latency_p99_us | awk -v most="$((STOP_MS * 1000))" \
        '$2 == 0 && $3 <= most { best = $1 } END { print best + 0 }'
}

# measure SHARDS CONNECTIONS
measure() {
    local report=$WORK/run-$1-$2 top
    top=$(highest "$1" "$2")
    [[ $top != 0 ]] || die "not even the lowest rate is delivered in time"
    bench "$report" --users "$2" --repeat "$REPEAT" --label "$1 shards, $2 connections" \
        --rates "$((top / 10)) $((top / 2)) $top"
    rows "$report" median rate lost server_cpu_us_message database_cpu_us_message \
        latency_p50_us latency_p99_us other_cpu_percent |
        awk -v shards="$1" -v connections="$2" \
            '{ printf "%6d %11d %7d %6d %8.1f %9.1f %7d %8d %6.0f\n", shards, connections, $1, $2,
                $3, $4, $5, $6, $7 }'
}

main() {
    local shards connections most=0
    read_options "CONNECTIONS SHARDS RATES STOP_MS BACKEND REPEAT SECONDS_EACH JSON BUILD" "$@"
    COLLECTED=$WORK/lines
    for connections in $CONNECTIONS; do ((connections > most)) && most=$connections; done
    if [[ $BACKEND == postgresql ]]; then
        # shellcheck disable=SC2034 # read by lib.sh
        MODULES='mam: {}, inbox: {}'
        start_postgresql
    fi
    start_server 1
    import_users 1
    stop "$SERVER"
    copy_users "$most"
    echo "shards connections    rate   lost   server  database     p50      p99  other"
    for shards in $SHARDS; do
        start_server "$shards"
        for connections in $CONNECTIONS; do measure "$shards" "$connections"; done
        stop "$SERVER"
    done
    if [[ -n $JSON ]]; then cp "$COLLECTED" "$JSON"; fi
}

main "$@"
