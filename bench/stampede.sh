#!/usr/bin/env bash
# Many clients lose their connections at once and come back: with resumption (XEP-0198) and without,
# plain and TLS: time until all are back, CPU time of the server for each, and storage operations.
#
#   bench/stampede.sh [--users N] [--in-flight N] [--shards N] [--build DIR]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
USERS=10000 IN_FLIGHT=200 SHARDS=2
# shellcheck disable=SC2034 # read by lib.sh
MODULES=${MODULES:-'roster: {}, sm: {}, csi: {}, carbons: {}, mam: {}, inbox: {}'}
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

operations() {
    "$BUILD/ringtailctl" -c "$WORK/ringtail.yaml" status |
        awk '$1 == "store_operations_total" { print $2 }'
}

# round NAME OPTION...
round() {
    local name=$1 report=$WORK/$1 before
    shift
    before=$(operations)
    "$BUILD/ringtail-bench" reconnect --rate 1000000 --seconds 40 --server-pid "$SERVER" \
        --users "$USERS" --in-flight "$IN_FLIGHT" "$@" >"$report" ||
        say "not all came back: $report"
    # both times that they logged in
    awk -v name="$name" -v operations="$(($(operations) - before))" -v users="$USERS" '
        { v[$1] = $2 }
        END { printf "%-18s %9.2f %9.0f %9.0f %9.1f %12.2f\n", name, v["last_ms"] / 1000,
                  v["latency_p50_us"] / 1000, v["latency_p99_us"] / 1000, v["server_cpu_us_login"],
                  operations / users }' "$report"
}

main() {
    read_options "USERS IN_FLIGHT SHARDS BUILD" "$@"
    start_server "$SHARDS"
    import_users "$USERS"
    echo "$USERS clients come back, $IN_FLIGHT at a time, $SHARDS shards"
    echo "                      all, s   p50, ms   p99, ms   µs each  store ops*"
    round plain --port "$PORT"
    round plain-resumed --port "$PORT" --resume
    round tls --port "$TLS_PORT" --tls
    round tls-resumed --port "$TLS_PORT" --tls --resume
    echo "* storage operations a user for the first login and the return together"
}

main "$@"
