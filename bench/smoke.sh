#!/usr/bin/env bash
# A short run of everything against a server of this build: nothing lost, nothing doubled.
#   bench/smoke.sh BUILD_DIR
set -euo pipefail

BUILD=${1:?"usage: bench/smoke.sh BUILD_DIR"}
WORK=$(mktemp -d)
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

finish() {
    stop_all
    rm -rf "$WORK"
}
trap finish EXIT

# expect NAME VALUE: in the last report.
expect() {
    local got
    got=$(value "$1" "$WORK/report")
    [[ $got == "$2" ]] || die "$1 is $got, not $2"
}

# bench SCENARIO OPTION...: runs it with the report in $WORK/report and on standard output.
bench() {
    local code=0
    "$BUILD/ringtail-bench" "$@" --users 20 >"$WORK/report" || code=$?
    cat "$WORK/report"
    [[ $code == 0 ]] || die "failed: $*"
    echo
}

chat() {
    bench "$@" --rate 200 --warmup 500ms
    expect lost 0
    expect doubled 0
    expect out_of_order 0
    expect errors 0
}

start_server 2
import_users 20
start_relay 0
chat one_to_one --port "$PORT" --server-pid "$SERVER" --seconds 2
chat one_to_one --port "$TLS_PORT" --server-pid "$SERVER" --seconds 1 --tls --burst 4
chat relay --port "$RELAY_PORT" --server-pid "$RELAY" --seconds 1
bench login --port "$PORT" --server-pid "$SERVER" --mechanism PLAIN
expect logins 20
bench idle --port "$TLS_PORT" --server-pid "$SERVER" --tls --seconds 200ms --settle 200ms
expect lost_sessions 0
