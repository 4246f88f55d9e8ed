# shellcheck shell=bash
# What the scripts of bench/ share: a scratch server and a relay, started and ended by their pids.
# The caller sets BUILD (folder with the programs) and WORK (an empty scratch folder).

STARTED=()
# What the functions below set: ports and pids.
PORT='' TLS_PORT='' SERVER='' RELAY_PORT='' RELAY='' CONNINFO='' POSTMASTER=''

say() { echo "bench: $*" >&2; }
die() { say "$*"; exit 1; }

# read_options "NAME..." ARG...: `--some-name VALUE` sets SOME_NAME, for those names.
read_options() {
    local names=" $1 " name
    shift
    while [[ $# -gt 0 ]]; do
        name=${1#--}
        name=${name//-/_}
        name=${name^^}
        [[ $1 == --* && $names == *" $name "* && $# -ge 2 ]] ||
            die "no such option, or no value for it: $1"
        printf -v "$name" %s "$2"
        shift 2
    done
}

# A port of the loopback interface where nobody listens now.
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do
        :
    done
    echo "$port"
}

# Waits up to ten seconds for a command to succeed.
wait_for() {
    local i
    for ((i = 0; i < 100; i++)); do
        if "$@" >/dev/null 2>&1; then return 0; fi
        sleep 0.1
    done
    return 1
}

make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 30 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost \
        -keyout "$WORK/localhost.key" -out "$WORK/localhost.pem" >"$WORK/openssl.log" 2>&1 ||
        die "openssl could not make a certificate: $WORK/openssl.log"
}

# The modules that are always on, unless a script says otherwise.
BASE='ping: {}, disco: {}, version: {}, time: {}, presence: {}'

# make_config SHARDS: everything that a chat server has on; no archive, unless MODULES names it, and
# SQLite, unless STORAGE says otherwise. Few key derivation rounds, so that logins do not take
# longer than what is measured.
make_config() {
    PORT=$(free_port)
    TLS_PORT=$(free_port)
    cat >"$WORK/ringtail.yaml" <<YAML
data_dir: "$WORK/data"
domains: [${DOMAINS:-localhost}]
shards: $1
spin: ${SPIN:-false}
storage: { ${STORAGE:-backend: sqlite} }
auth: { mechanisms: [SCRAM-SHA-1, PLAIN], scram_iterations: 4096 }
listen:
  c2s:
    - { ip: 127.0.0.1, port: $PORT, tls: { mode: none }, plaintext_auth: true, backlog: 4096 }
    - ip: 127.0.0.1
      port: $TLS_PORT
      backlog: 4096
      tls: { mode: starttls, certificate: "$WORK/localhost.pem", key: "$WORK/localhost.key" }
modules: { $BASE${MODULES:+, $MODULES} }
log: { level: info, format: logfmt }
YAML
}

# What a server runs under (valgrind …).
WRAP=()

# start_server SHARDS [CPUS]: sets PORT, TLS_PORT and SERVER (its pid). CPUS as for taskset.
start_server() {
    local run=("${WRAP[@]}" "$BUILD/ringtaild" -c "$WORK/ringtail.yaml")
    mkdir -p "$WORK/data"
    chmod 700 "$WORK/data"
    [[ -f $WORK/localhost.pem ]] || make_certificate
    make_config "$1"
    if [[ -n ${2:-} ]]; then run=(taskset -c "$2" "${run[@]}"); fi
    : >"$WORK/server.log" # that of an earlier one says "ready" already
    "${run[@]}" 2>>"$WORK/server.log" &
    SERVER=$!
    STARTED+=("$SERVER")
    wait_for grep -q event=ready "$WORK/server.log" ||
        die "the server did not start: $(tail -n 5 "$WORK/server.log")"
}

# import_users COUNT: u0, u1 … with the password "secret"; their keys are derived now.
import_users() {
    seq 0 $(($1 - 1)) | sed 's/.*/u&@localhost,secret/' >"$WORK/users"
    "$BUILD/ringtailctl" -c "$WORK/ringtail.yaml" user import "$WORK/users" --derive >&2
}

# copy_users COUNT: u1 … beside u0, with its keys, straight into the database, which no server has
# open: to derive the keys of thousands takes long.
copy_users() {
    if [[ -n $CONNINFO ]]; then
        ask "INSERT INTO account (domain_id, name, credentials) SELECT domain_id, 'u' || n,
            credentials FROM account, generate_series(1, $1 - 1) n WHERE name = 'u0'"
        return
    fi
    python3 -c 'import sqlite3, sys
base = sqlite3.connect(sys.argv[1])
domain, keys = base.execute("SELECT domain_id, credentials FROM account").fetchone()
base.executemany("INSERT INTO account (domain_id, name, credentials) VALUES (?, ?, ?)",
                 ((domain, f"u{n}", keys) for n in range(1, int(sys.argv[2]))))
base.commit()' "$WORK/data/ringtail.sqlite" "$1"
}

# A PostgreSQL of its own with the settings of a production server; sets CONNINFO, POSTMASTER (its
# pid) and STORAGE.
start_postgresql() {
    chmod 755 "$WORK" # the server runs as another user when we are root
    CONNINFO=$("$ROOT/scripts/scratch_pg.sh" start "$WORK/pg")
    POSTMASTER=$(find "$WORK/pg" -name postmaster.pid -exec head -n 1 {} \;)
    # scratch_pg.sh is for tests: these are the settings of a production server
    ask "ALTER SYSTEM SET fsync = on" "ALTER SYSTEM SET synchronous_commit = on" \
        "ALTER SYSTEM SET full_page_writes = on" >/dev/null
    ask "SELECT pg_reload_conf()" >/dev/null
    STORAGE="backend: postgresql, conninfo: \"$CONNINFO\""
}

# ask SQL...
ask() {
    local sql=() one
    for one; do sql+=(-c "$one"); done
    psql -qAt "$CONNINFO" "${sql[@]}"
}

# For ringtail-bench: what SQLite inside of the server takes is the database's.
SQLITE=(--database-threads sqlite)

# start_relay CPU [SIZE]: sets RELAY_PORT and RELAY; of pairs, or rooms of SIZE.
start_relay() {
    RELAY_PORT=$(free_port)
    "$BUILD/ringtail-relay" 127.0.0.1 "$RELAY_PORT" "$@" &
    RELAY=$!
    STARTED+=("$RELAY")
}

# stop PID: ends what was started here, and waits for it.
stop() {
    kill "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

# CPU time of PostgreSQL's processes so far, in clock ticks.
database_ticks() {
    local pid sum=0 ticks
    for pid in "$POSTMASTER" $(pgrep -P "$POSTMASTER"); do
        ticks=$(sed 's/.*) //' "/proc/$pid/stat" 2>/dev/null | awk '{ print $12 + $13 }')
        sum=$((sum + ${ticks:-0}))
    done
    echo "$sum"
}

stop_postgresql() {
    if [[ -n $CONNINFO ]]; then "$ROOT/scripts/scratch_pg.sh" stop "$WORK/pg" >/dev/null; fi
}

stop_all() {
    local pid
    for pid in "${STARTED[@]}"; do stop "$pid"; done
    STARTED=()
}

# What was started ends, and the scratch folder goes: for `trap finish EXIT`.
finish() {
    stop_all
    stop_postgresql
    rm -rf "$WORK"
}

# value NAME FILE: one number of a report.
value() { awk -v name="$1" '$1 == name { print $2 }' "$2"; }

# median NAME FILE...: of that number in several reports.
median() {
    local name=$1 file
    shift
    for file; do value "$name" "$file"; done | sort -g |
        awk '{ v[NR] = $1 }
            END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}
