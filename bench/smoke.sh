#!/usr/bin/env bash
# A short run of everything against a server of this build: nothing lost, nothing doubled.
#   bench/smoke.sh BUILD_DIR
set -euo pipefail

BUILD=${1:?"usage: bench/smoke.sh BUILD_DIR"}
WORK=$(mktemp -d)
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
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
    "$BUILD/ringtail-bench" --users 20 "$@" >"$WORK/report" || code=$?
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
    expect not_archived 0
    expect not_in_inbox 0
}

DOMAINS='localhost, d0.localhost, d1.localhost'
MODULES='mam: {}, inbox: {}, muc_light: {}, sm: {}, carbons: {}'
MODULES+=', register: { registration_timeout: 0 }'
start_server 2
import_users 20
for domain in d0 d1; do
    sed "s/localhost/$domain.&/" "$WORK/users" >"$WORK/users-$domain"
    "$BUILD/ringtailctl" -c "$WORK/ringtail.yaml" user import "$WORK/users-$domain" --derive >&2
done
start_relay 0
chat one_to_one --port "$PORT" --server-pid "$SERVER" --seconds 1 --threads 2 --expect-archive \
    --expect-inbox
chat one_to_one --port "$TLS_PORT" --server-pid "$SERVER" --seconds 1 --tls --burst 4
chat one_to_one --port "$PORT" --seconds 1 --sm --carbons --receipts --peers 10 --domain-count 2
expect receipts "$(value delivered "$WORK/report")"
chat muc_light --port "$PORT" --server-pid "$SERVER" --seconds 1 --threads 2 --expect-archive
chat relay --port "$RELAY_PORT" --server-pid "$RELAY" --seconds 1 --users 10
stop "$RELAY"
start_relay 0 5
chat relay_rooms --port "$RELAY_PORT" --server-pid "$RELAY" --seconds 1
chat mam_lookup --port "$PORT" --server-pid "$SERVER" --seconds 1
chat inbox_lookup --port "$PORT" --server-pid "$SERVER" --seconds 1
bench login_storm --port "$PORT" --server-pid "$SERVER" --rate 20 --seconds 1 --mechanism PLAIN
expect delivered 20
bench login_storm --port "$PORT" --prefix new --in-band --rate 20 --seconds 1
expect delivered 20
bench reconnect --port "$PORT" --server-pid "$SERVER" --rate 1000 --seconds 1
expect delivered 20
bench reconnect --port "$TLS_PORT" --tls --resume --rate 1000 --seconds 1
expect delivered 20
for file in "$(dirname "${BASH_SOURCE[0]}")"/scenarios/*.yaml; do
    case $file in *muc.yaml | *amoc*) continue ;; esac # of other servers, and of many domains
    bench "$file" --port "$PORT" --no-tls --rates 50 --rate 100000 --seconds 300ms --repeat 1 \
        --warmup 100ms --settle 100ms --history 1 --json "$WORK/results"
done
"$BUILD/ringtail-bench" report "$WORK/results" --html "$WORK/page.html"
WORKERS=()
for _ in 1 2; do
    WORKER=$(free_port)
    "$BUILD/ringtail-bench" worker --listen "127.0.0.1:$WORKER" &
    STARTED+=("$!")
    WORKERS+=("127.0.0.1:$WORKER")
    wait_for bash -c "exec 3<>/dev/tcp/127.0.0.1/$WORKER" || die "the worker does not listen"
done
chat muc_light --port "$PORT" --workers "${WORKERS[*]}" --seconds 1 --threads 2 \
    --html "$WORK/page.html"
chat one_to_one --port "$PORT" --watch "127.0.0.1:$WORKER" --database-pid "$SERVER" --seconds 1
[[ $(value database_cpu_us_message "$WORK/report") != 0* ]] || die "nothing was seen"
chat one_to_one --port "$PORT" --seconds 1 --counters "stat -c 'disk_bytes %s' '$WORK/report'"
[[ -n $(value disk_bytes_message "$WORK/report") ]] || die "nothing was counted"
grep -q "<svg class='plot'" "$WORK/page.html" || die "no plot in the page"
bench idle --port "$TLS_PORT" --server-pid "$SERVER" --tls --seconds 200ms --settle 200ms
expect sessions 20
