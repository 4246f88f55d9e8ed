#!/usr/bin/env bash
# What each module costs: CPU time of a one-to-one message (both ends) and memory of an idle
# session, with it and without, in turn in each round, medians; and what a login costs.
#
#   bench/modules.sh [--rounds N] [--users N] [--rate N] [--only "MODULE..."] [--build DIR]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
ROUNDS=3 USERS=500 RATE=20000 IDLE=4000
ONLY='none presence roster sm csi carbons caps blocking privacy amp last stream_limits shaper'
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
BASE='ping: {}'

trap finish EXIT

# The configuration of a module, with what it needs.
keys_of() {
    case $1 in
    none) echo '' ;;
    caps) echo 'presence: {}, disco: {}, caps: {}' ;;
    *) echo "$1: {}" ;;
    esac
}

# round MODULE NUMBER
round() {
    # shellcheck disable=SC2034 # read by lib.sh
    MODULES=$(keys_of "$1")
    start_server 1
    "$BUILD/ringtail-bench" one_to_one --port "$PORT" --server-pid "$SERVER" --users "$USERS" \
        --rate "$RATE" --tick-us 5000 --seconds 3s >"$WORK/talk-$1-$2" ||
        say "not all is well with $1: $(value lost "$WORK/talk-$1-$2") lost"
    stop "$SERVER"
    if [[ $2 != 1 ]]; then return; fi # memory is the same each time
    start_server 1
    "$BUILD/ringtail-bench" idle --port "$PORT" --server-pid "$SERVER" --users "$IDLE" \
        --settle 1s --seconds 1s >"$WORK/idle-$1-$2" || say "not all is well with $1, idle"
    stop "$SERVER"
}

tell() {
    local talk=("$WORK/talk-$1-"*) idle=("$WORK/idle-$1-"*)
    printf '%-14s %9.2f %9.0f\n' "$1" "$(median server_cpu_us_message "${talk[@]}")" \
        "$(median rss_one_more_bytes "${idle[@]}")"
}

# login NAME OPTION...
login() {
    local name=$1 i
    shift
    for ((i = 1; i <= ROUNDS; i++)); do
        "$BUILD/ringtail-bench" login_storm --rate 200 --seconds 3 --server-pid "$SERVER" \
            --users "$USERS" "$@" >"$WORK/login-$name-$i" || say "not all logins succeeded: $name"
    done
    printf '%-24s %9.0f\n' "$name" "$(median server_cpu_us_login "$WORK/login-$name-"*)"
}

main() {
    local i module
    read_options "ROUNDS USERS RATE ONLY BUILD" "$@"
    start_server 1
    import_users "$IDLE"
    stop "$SERVER"
    for ((i = 1; i <= ROUNDS; i++)); do
        for module in $ONLY; do round "$module" "$i"; done
    done
    echo "1 shard, $USERS users, $RATE messages/s gathered every 5 ms; medians of $ROUNDS rounds"
    echo "module         µs/message  bytes/session"
    for module in $ONLY; do tell "$module"; done
    # shellcheck disable=SC2034 # read by lib.sh
    MODULES='presence: {}, roster: {}'
    start_server 1
    echo "login                    µs CPU"
    login SCRAM-plain --port "$PORT"
    login SCRAM-TLS --port "$TLS_PORT" --tls
}

main "$@"
