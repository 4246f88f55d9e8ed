#!/usr/bin/env bash
# A PostgreSQL server of its own for tests, in a folder that may be thrown away afterwards.
#
#   scripts/scratch_pg.sh start DIR    prints the conninfo of an empty database ringtail_test
#   scripts/scratch_pg.sh stop DIR     stops that server (DIR stays)
#   scripts/scratch_pg.sh again DIR    starts it again on its data and port, also when it was killed
#
# DIR is made if need be; on start it must hold no server yet. Its Unix socket, for which no
# password is asked, is in DIR and open to the same user and to root only. It also listens on
# 127.0.0.1, where the password is the content of DIR/password. As root, the server runs as the
# user postgres.
set -euo pipefail

say() { echo "scratch_pg: $*" >&2; }
die() { say "$*"; exit 1; }

find_programs() {
    PG_BIN=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -n 1 || true)
    PG_BIN=${PG_BIN%/initdb}
    [[ -n $PG_BIN ]] ||
        die "no PostgreSQL server under /usr/lib/postgresql (Debian package postgresql)"
}

# Runs a PostgreSQL program as the server's user, without the caller's PG* variables and working
# folder.
pg() {
    local program=$PG_BIN/$1 as=()
    shift
    if [[ $(id -u) == 0 ]]; then as=(runuser -u postgres --); fi
    (cd "$DIR" && env -u PGDATA -u PGPORT -u PGHOST -u PGUSER -u PGDATABASE -u PGOPTIONS \
        -u PGPASSWORD LC_ALL=C "${as[@]}" "$program" "$@")
}

# Runs it with its output in DIR/log; shows that log's tail when it fails.
pg_step() {
    if ! pg "$@" >>"$DIR/log" 2>&1 </dev/null; then
        tail -n 20 "$DIR/log" >&2
        die "failed: $1 in $DIR"
    fi
}

make_folder() {
    mkdir -p "$DIR"
    [[ ! -e $DIR/data ]] || die "$DIR holds a server already"
    chmod 700 "$DIR"
    (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' >"$DIR/password" && touch "$DIR/log")
    if [[ $(id -u) == 0 ]]; then
        chown postgres: "$DIR" "$DIR/password" "$DIR/log"
        runuser -u postgres -- test -w "$DIR" ||
            die "the user postgres cannot reach $DIR: choose another folder"
    fi
}

is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

choose_port() {
    PORT=$((20000 + RANDOM % 10000))
    until is_free "$PORT"; do PORT=$((20000 + RANDOM % 10000)); done
}

start_on_port() {
    pg pg_ctl -D "$DIR/data" -l "$DIR/server.log" -w -o "-c unix_socket_directories='$DIR' \
        -c listen_addresses=127.0.0.1 -c port=$PORT" start >>"$DIR/log" 2>&1 </dev/null
}

# Another program may take the port between the look and the start: some tries.
start_server() {
    local try
    for try in 1 2 3 4 5; do
        choose_port
        if start_on_port; then
            echo "$PORT" >"$DIR/port"
            return
        fi
        say "start on port $PORT failed (try $try)"
    done
    tail -n 20 "$DIR/server.log" >&2
    die "the server does not start (whole log: $DIR/server.log)"
}

start() {
    find_programs
    make_folder
    pg_step initdb -D "$DIR/data" -U postgres -E UTF8 --locale=C --no-sync \
        --auth-local=trust --auth-host=scram-sha-256 --pwfile="$DIR/password"
    start_server
    pg_step createdb -h "$DIR" -p "$PORT" -U postgres ringtail_test
    echo "host=$DIR port=$PORT user=postgres dbname=ringtail_test"
}

# The processes of one that was killed may take a moment to go.
again() {
    local try
    find_programs
    PORT=$(<"$DIR/port")
    for try in 1 2 3 4 5 6 7 8 9 10; do
        if start_on_port; then return; fi
        sleep 0.3
    done
    tail -n 20 "$DIR/server.log" >&2
    die "the server does not come back on port $PORT (try $try)"
}

stop() {
    find_programs
    if [[ -f $DIR/data/postmaster.pid ]]; then
        pg_step pg_ctl -D "$DIR/data" -m immediate -w stop
    fi
}

main() {
    [[ $# == 2 && $1 =~ ^(start|stop|again)$ ]] ||
        die "usage: scripts/scratch_pg.sh start|stop|again DIR"
    DIR=$(realpath -m "$2")
    "$1"
}

main "$@"
