#!/usr/bin/env bash
# The server's CPU time for a one-to-one message beside the relay's, the floor of what such a
# message costs on this machine: both run in turn, some rounds, and the medians are told with their
# ratio.
# Starts a scratch server and the relay, and ends them. There is no archive, or with --archive that
# and inboxes, on a scratch PostgreSQL or SQLite; the database's CPU time is in a column of its own.
#
#   bench/one_to_one.sh [--shards N] [--users N] [--rates "R..."] [--bursts "K..."] [--rounds N]
#                       [--seconds S] [--tls] [--archive postgresql|sqlite] [--tick-us T]
#                       [--build DIR] [--keep DIR]
#
# --keep: a folder for all single reports. The goal is DESIGN.md's: at most 1.5 times what the relay
# takes and 3 µs for XMPP (TLS: 0.5 more; archive and inbox: 2.5 more).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
SHARDS=1 USERS=500 RATES="2000 5000 10000" BURSTS="1 8" ROUNDS=3 SECONDS_EACH=5 TICK=0 KEEP=
TLS=() ARCHIVE='' DATABASE=() XMPP_US=3 MODULES='' STORAGE=''
WORK=$(mktemp -d)
PORT='' TLS_PORT='' SERVER='' RELAY='' RELAY_PORT='' POSTMASTER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

read_options() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --tls) TLS=(--tls) XMPP_US=3.5 && shift && continue ;;
        --shards) SHARDS=$2 ;;
        --users) USERS=$2 ;;
        --archive) ARCHIVE=$2 ;;
        --rates) RATES=$2 ;;
        --bursts) BURSTS=$2 ;;
        --rounds) ROUNDS=$2 ;;
        --seconds) SECONDS_EACH=$2 ;;
        --tick-us) TICK=$2 ;;
        --build) BUILD=$2 ;;
        --keep) KEEP=$2 && mkdir -p "$2" ;;
        *) die "no such option: $1" ;;
        esac
        shift 2
    done
}

# One shard has the first CPU, so the load takes the second; with more shards it goes where it can.
place() {
    LOAD=()
    if [[ $SHARDS == 1 && $(nproc) -gt 1 ]]; then LOAD=(--cpu 1); fi
}

# bench REPORT SCENARIO OPTION...
bench() {
    local report=$1
    shift
    "$BUILD/ringtail-bench" "$@" "${LOAD[@]}" --users "$USERS" --seconds "$SECONDS_EACH" \
        --tick-us "$TICK" >"$report" || say "not all is well: $* (lost $(value lost "$report"))"
}

# round RATE BURST NUMBER
round() {
    local port=$PORT load=(--rate "$1" --burst "$2")
    if [[ ${#TLS[@]} -gt 0 ]]; then port=$TLS_PORT; fi
    bench "$REPORTS/relay-$1-$2-$3" relay --port "$RELAY_PORT" --server-pid "$RELAY" "${load[@]}"
    bench "$REPORTS/server-$1-$2-$3" one_to_one --port "$port" --server-pid "$SERVER" \
        "${load[@]}" "${TLS[@]}" "${DATABASE[@]}"
}

# tell RATE BURST: a line of the table.
tell() {
    local server=("$REPORTS/server-$1-$2-"*) relay=("$REPORTS/relay-$1-$2-"*) lost=0 file
    for file in "${server[@]}"; do lost=$((lost + $(value lost "$file"))); done
    awk -v rate="$1" -v burst="$2" -v lost="$lost" \
        -v s="$(median server_cpu_us_message "${server[@]}")" \
        -v r="$(median server_cpu_us_message "${relay[@]}")" \
        -v d="$(median database_cpu_us_message "${server[@]}")" \
        -v s50="$(median latency_p50_us "${server[@]}")" \
        -v s99="$(median latency_p99_us "${server[@]}")" \
        -v r50="$(median latency_p50_us "${relay[@]}")" \
        -v r99="$(median latency_p99_us "${relay[@]}")" -v xmpp="$XMPP_US" 'BEGIN {
            printf "%7d %5d %9.2f %9.2f %7.2f %9.2f %8.1f %6d %6d %7d %6d %7d\n",
                rate, burst, s, r, s / r, s / (r + xmpp), d, lost, s50, s99, r50, r99 }'
}

archive() {
    MODULES='mam: {}, inbox: {}' XMPP_US=$(awk -v us="$XMPP_US" 'BEGIN { print us + 2.5 }')
    case $ARCHIVE in
    postgresql) start_postgresql && DATABASE=(--database-pid "$POSTMASTER") ;;
    sqlite) DATABASE=("${SQLITE[@]}") ;;
    *) die "there is no archive in $ARCHIVE" ;;
    esac
}

main() {
    local rate burst i
    read_options "$@"
    REPORTS=${KEEP:-$WORK}
    place
    if [[ -n $ARCHIVE ]]; then archive; fi
    start_server "$SHARDS"
    import_users "$USERS"
    start_relay 0
    echo "$SHARDS shards, $USERS connections, 300-byte stanzas, $ROUNDS rounds; CPU µs a message"
    echo "   rate burst    server     relay   ratio  s/(r+$XMPP_US) database   lost    p50" \
        "    p99   r.p50   r.p99"
    for burst in $BURSTS; do
        for rate in $RATES; do
            for ((i = 1; i <= ROUNDS; i++)); do round "$rate" "$burst" "$i"; done
            tell "$rate" "$burst"
        done
    done
}

main "$@"
