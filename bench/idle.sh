#!/usr/bin/env bash
# Memory of the server for an idle session, plain and with TLS: a fresh server each time, some
# rounds, medians. Kernel memory (sockets, armed requests) is not in it.
#
#   bench/idle.sh [--users N] [--shards N] [--rounds N] [--build DIR]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
USERS=10000 SHARDS=1 ROUNDS=3
WORK=$(mktemp -d)
PORT='' TLS_PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

# round NAME NUMBER OPTION...
round() {
    local report=$WORK/idle-$1-$2 port=$PORT
    start_server "$SHARDS"
    if [[ $1 == tls ]]; then port=$TLS_PORT; else port=$PORT; fi
    shift 2
    "$BUILD/ringtail-bench" idle --port "$port" --server-pid "$SERVER" --users "$USERS" \
        --settle 2s --seconds 1s "$@" >"$report" || say "not all is well: $report"
    stop "$SERVER"
}

tell() {
    local name reports=("$WORK/idle-$1-"*)
    for name in rss_before_bytes rss_bytes rss_session_bytes private_session_bytes \
        rss_one_more_bytes private_one_more_bytes login_seconds; do
        printf '%-6s %-26s %12s\n' "$1" "$name" "$(median "$name" "${reports[@]}")"
    done
}

main() {
    local i
    read_options "USERS SHARDS ROUNDS BUILD" "$@"
    start_server "$SHARDS"
    import_users "$USERS"
    stop "$SERVER"
    for ((i = 1; i <= ROUNDS; i++)); do
        round plain "$i"
        round tls "$i" --tls
    done
    echo "$USERS idle sessions, $SHARDS shards, $ROUNDS rounds (medians)"
    tell plain
    tell tls
}

main "$@"
