#!/usr/bin/env bash
# Where the instructions of a message go: the whole server under callgrind, with load from the
# generator, and what it counted put into groups. The kernel is not in it (perf shows that).
#
#   bench/profile.sh [--cases "plain postgresql room"] [--users N] [--rate N]
#                    [--seconds-each S] [--tick-us T] [--top N] [--build DIR] [--keep DIR]
#
# plain: one-to-one, no archive · postgresql: with archive and inbox on PostgreSQL · room: MUC
# Light, archive and inbox on PostgreSQL, a message sent. SQLite has threads of its own, which
# valgrind does not run while the shard waits in its ring: perf can look at that one.
# --keep: a folder for callgrind's files. Start and logins are counted apart, in a run without load.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
CASES="plain postgresql room" USERS=50 RATE=500 SECONDS_EACH=8 TICK_US=10000 TOP=12 KEEP=''
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap finish EXIT

# Sets MODULES, SCENARIO and STORAGE.
prepare() {
    local common='roster: {}, carbons: {}, csi: {}, sm: {}, privacy: {}, blocking: {}'
    SCENARIO=one_to_one
    case $1 in
    plain) MODULES=$common ;;
    postgresql) MODULES="$common, mam: {}, inbox: {}" ;;
    room) MODULES="$common, mam: {}, inbox: {}, muc_light: {}" SCENARIO=muc_light ;;
    *) die "there is no case $1" ;;
    esac
    [[ -n $CONNINFO ]] || start_postgresql
    # shellcheck disable=SC2034 # read by lib.sh
    STORAGE="backend: postgresql, conninfo: \"$CONNINFO\""
}

# load CASE RATE SECONDS OPTION...: prints how many were sent.
load() {
    "$BUILD/ringtail-bench" "$SCENARIO" --port "$PORT" --users "$USERS" --rate "$2" \
        --seconds "$3" --warmup 0s --settle 2s --drain 20s --in-flight 4 --tick-us "$TICK_US" \
        "${@:4}" >"$WORK/report" || say "$1: $(value lost "$WORK/report") lost"
    value sent "$WORK/report"
}

# counted CASE NAME RATE SECONDS OPTION...: the server under callgrind; prints how many were sent.
counted() {
    WRAP=(valgrind --tool=callgrind --callgrind-out-file="$KEEP/$1.$2" --log-file="$WORK/valgrind")
    start_server 1
    load "$1" "${@:3}"
    stop "$SERVER"
    WRAP=()
}

profile() {
    local few many rooms=()
    prepare "$1"
    start_server 1 # users, and rooms, without callgrind
    import_users "$USERS"
    load "$1" 10 1 >/dev/null
    stop "$SERVER"
    if [[ $SCENARIO == muc_light ]]; then rooms=(--rooms-made); fi
    few=$(counted "$1" few 10 1 "${rooms[@]}")
    many=$(counted "$1" many "$RATE" "$SECONDS_EACH" "${rooms[@]}")
    "$ROOT/bench/profile.py" "$1" "$KEEP/$1.few" "$few" "$KEEP/$1.many" "$many" --top "$TOP"
}

main() {
    local name
    read_options "CASES USERS RATE SECONDS_EACH TICK_US TOP BUILD KEEP" "$@"
    command -v valgrind >/dev/null || die "valgrind is not installed (Debian package valgrind)"
    KEEP=${KEEP:-$WORK}
    mkdir -p "$KEEP"
    for name in $CASES; do profile "$name"; done
}

main "$@"
