#!/usr/bin/env bash
# What a one-to-one message costs with the archive (module mam) on: CPU time of the server and of
# the database, bytes of write-ahead log, messages a batch, and how many rows there are afterwards.
# Starts a scratch PostgreSQL and ends it, or uses SQLite: its threads' time is the database's.
#
#   bench/archive.sh [--backend postgresql|sqlite] [--shards N] [--users N] [--rates "R..."]
#                    [--rounds N] [--seconds S] [--origin-ids] [--acks] [--tick-us US] [--build DIR]
#
# --acks: two clients more, in Python, measure how long an acknowledgement takes (acks.py).
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
ORIGINS=() ACKS=false TICK_US=0 DATABASE=()
BACKEND=postgresql SHARDS=1 USERS=500 RATES="1000 5000" ROUNDS=3 SECONDS_EACH=5
MODULES=${MODULES:-'mam: {}, inbox: {}'} STORAGE='backend: sqlite'
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

read_options() {
    while [[ $# -gt 0 ]]; do
        case $1 in
        --backend) BACKEND=$2 ;;
        --shards) SHARDS=$2 ;;
        --users) USERS=$2 ;;
        --rates) RATES=$2 ;;
        --rounds) ROUNDS=$2 ;;
        --origin-ids) ORIGINS=(--origin-ids); shift; continue ;;
        --acks) ACKS=true MODULES+=', sm: {}'; shift; continue ;;
        --seconds) SECONDS_EACH=$2 ;;
        --tick-us) TICK_US=$2 ;;
        --build) BUILD=$2 ;;
        *) die "no such option: $1" ;;
        esac
        shift 2
    done
}

# A counter of the server, over all shards.
counter() {
    "$BUILD/ringtailctl" -c "$WORK/ringtail.yaml" status |
        awk -v name="$1" '$1 == name { print $2 }'
}

# What is compared before and after a round: ticks, WAL position, commits, messages.
snapshot() {
    local ticks=0 wal=0
    if [[ $BACKEND == postgresql ]]; then
        ticks=$(database_ticks)
        wal=$(ask "SELECT pg_current_wal_lsn() - '0/0'")
    fi
    echo "$ticks $wal $(counter batch_commits_total) $(counter batch_messages_total)"
}

# round RATE NUMBER
round() {
    local report=$WORK/report-$1-$2 before after acks=''
    read -ra before <<<"$(snapshot)"
    if $ACKS; then
        "$ROOT/bench/acks.py" "$PORT" "u$USERS" "u$((USERS + 1))" "$SECONDS_EACH" \
            >"$WORK/acks-$1-$2" &
        acks=$!
    fi
    "$BUILD/ringtail-bench" one_to_one --port "$PORT" --server-pid "$SERVER" --users "$USERS" \
        --rate "$1" --tick-us "$TICK_US" --seconds "$SECONDS_EACH" "${ORIGINS[@]}" \
        "${DATABASE[@]}" >"$report" ||
        say "not all is well: $(value lost "$report") lost"
    if $ACKS; then
        wait "$acks" || say "no acknowledgements measured"
        cat "$WORK/acks-$1-$2" >>"$report"
    fi
    sleep 1
    read -ra after <<<"$(snapshot)"
    awk -v ticks="$((after[0] - before[0]))" -v wal="$((after[1] - before[1]))" \
        -v commits="$((after[2] - before[2]))" -v messages="$((after[3] - before[3]))" \
        -v hz="$(getconf CLK_TCK)" 'BEGIN {
            n = messages ? messages : 1
            if (ticks) print "database_cpu_us_message", ticks * 1000000 / hz / n
            print "wal_bytes_message", wal / n
            print "messages_batch", commits ? messages / commits : 0
            print "archived", messages }' >>"$report"
}

tell() {
    local reports=("$WORK/report-$1-"*)
    printf '%7d %8.1f %8.1f %8.0f %8.1f %8.0f %8.0f %9.0f\n' "$1" \
        "$(median server_cpu_us_message "${reports[@]}")" \
        "$(median database_cpu_us_message "${reports[@]}")" \
        "$(median wal_bytes_message "${reports[@]}")" \
        "$(median messages_batch "${reports[@]}")" \
        "$(median latency_p50_us "${reports[@]}")" "$(median latency_p99_us "${reports[@]}")" \
        "$(median archived "${reports[@]}")"
    if $ACKS; then
        printf '        acknowledged after p50 %.0f, p99 %.0f µs; delivered after %.0f, %.0f µs\n' \
            "$(median ack_p50_us "${reports[@]}")" "$(median ack_p99_us "${reports[@]}")" \
            "$(median delivery_p50_us "${reports[@]}")" "$(median delivery_p99_us "${reports[@]}")"
    fi
}

main() {
    local rate i
    read_options "$@"
    if [[ $BACKEND == postgresql ]]; then start_postgresql; else DATABASE=("${SQLITE[@]}"); fi
    start_server "$SHARDS"
    import_users "$((USERS + 2))"
    echo "$BACKEND, $SHARDS shards, $USERS connections, 300-byte stanzas, $ROUNDS rounds of" \
        "$SECONDS_EACH s; CPU µs and WAL bytes a message"
    echo "   rate   server database      wal    batch      p50      p99  archived"
    for rate in $RATES; do
        for ((i = 1; i <= ROUNDS; i++)); do round "$rate" "$i"; done
        tell "$rate"
    done
}

main "$@"
