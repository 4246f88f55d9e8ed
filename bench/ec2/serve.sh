#!/bin/sh
# Runs on a server of the rig: serve.sh DATABASE-HOST PASSWORD NUMBER USERS. Makes the database and
# the users, starts ringtaild, and notes its CPU time each second in cpu.log.
set -eu

export PGHOST="$1" PGUSER=bench PGPASSWORD="$2" PGDATABASE=ringtail
NUMBER=$3 USERS=$4
BUILD=ringtail/build/release

command -v psql >/dev/null || sudo apt-get -qq install -y postgresql-client
sudo install -d -m 700 -o "$(id -un)" /var/lib/ringtail
psql -qc "CREATE DATABASE ringtail$NUMBER" || echo "it is there already"
(ulimit -n 1000000 && exec nohup "$BUILD/ringtaild" -c ringtail.yaml >server.log 2>&1) &
PID=$!
for _ in $(seq 100); do
    ! grep -q event=ready server.log || break
    sleep 0.1
done
grep event=ready server.log

echo 'u0@localhost,secret' >users
"$BUILD/ringtailctl" -c ringtail.yaml user import users --derive
PGDATABASE=ringtail$NUMBER psql -qc "INSERT INTO account (domain_id, name, credentials)
    SELECT a.domain_id, 'u' || n, a.credentials
    FROM account a, generate_series(1, $USERS - 1) n WHERE a.name = 'u0'"

# Seconds since 1970, and nanoseconds of all threads.
nohup sh -c 'while cat /proc/'"$PID"'/task/*/schedstat >/tmp/cpu 2>/dev/null; do
    awk -v t="$(date +%s)" "{ n += \$1 } END { print t, n }" /tmp/cpu; sleep 1; done' \
    >cpu.log 2>/dev/null &
