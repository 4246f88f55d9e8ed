#!/usr/bin/env bash
# The release's measurement on EC2, step by step (README.md has the whole story and the costs):
#   bench/ec2/run.sh up | build | serve | ladder | collect | down | all
# --dry-run before the step prints what would be run, and runs nothing.
#
# Settings, from the environment: SERVER_TYPE (c7g.xlarge), USERS (50000, for each server), RATES
# (messages a second, for each server), SCENARIO (one_to_one or muc_light), SECONDS_EACH, SSH_KEY.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
SERVER_TYPE=${SERVER_TYPE:-c7g.xlarge}
USERS=${USERS:-50000}
RATES=${RATES:-"2500 5000 7500 10000 15000 20000 30000 40000 60000 80000"}
SCENARIO=${SCENARIO:-one_to_one}
SECONDS_EACH=${SECONDS_EACH:-60}
SSH_KEY=${SSH_KEY:-$HOME/.ssh/id_ed25519}
STATE=$HERE/state # not in git: Terraform's state, the password, what was collected
FIRST_WORKER_PORT=7000
DRY=false

say() { echo "ec2: $*" >&2; }
die() { say "$*"; exit 1; }

# Everything that touches the world goes through here.
run() {
    if $DRY; then
        printf '%q ' "$@"
        echo
    else
        "$@"
    fi
}

terraform_here() {
    run terraform -chdir="$HERE" "$1" -var "server_type=$SERVER_TYPE" \
        -var "operator_cidr=$(own_address)/32" -var "ssh_public_key=$(public_key)" \
        -var "database_password=$(password)" "${@:2}"
}

public_key() { if $DRY; then echo "KEY"; else cat "$SSH_KEY.pub"; fi; }
own_address() {
    if $DRY; then echo 203.0.113.7; else curl -fsS https://checkip.amazonaws.com; fi
}

# Made up once, and kept beside the state.
password() {
    if $DRY; then
        echo PASSWORD
        return
    fi
    [[ -s $STATE/password ]] || (umask 077 && od -An -N16 -tx1 /dev/urandom | tr -d ' \n' \
        >"$STATE/password")
    cat "$STATE/password"
}

# output FILTER: of Terraform, through jq.
output() {
    if $DRY; then
        case $1 in
        *servers*) printf '%s\n' SERVER-0 SERVER-1 ;;
        *loads*) printf '%s\n' LOAD-0 LOAD-1 LOAD-2 ;;
        *) echo "${1##*.}" | tr a-z A-Z ;;
        esac
    else
        terraform -chdir="$HERE" output -json | jq -r "$1"
    fi
}

servers() { output ".servers.value[].$1"; }
loads() { output ".loads.value[].$1"; }

SSH_OPTIONS=(-i "$SSH_KEY" -o StrictHostKeyChecking=accept-new
    -o UserKnownHostsFile="$STATE/known_hosts" -o ServerAliveInterval=30)
on() { run ssh "${SSH_OPTIONS[@]}" "admin@$1" "${@:2}" </dev/null; }
put() { run scp -q "${SSH_OPTIONS[@]}" "$2" "admin@$1:$3"; }
get() { run scp -q "${SSH_OPTIONS[@]}" "admin@$1:$2" "$3"; }

up() {
    run terraform -chdir="$HERE" init
    terraform_here apply -auto-approve
}

# The same commit on all machines, each of which compiles it for itself: two minutes.
build() {
    local address
    run git -C "$ROOT" archive --output="$STATE/ringtail.tar.gz" HEAD
    for address in $(servers public) $(loads public); do
        put "$address" "$STATE/ringtail.tar.gz" ringtail.tar.gz
        on "$address" "mkdir -p ringtail && tar -C ringtail -xzf ringtail.tar.gz &&
            sudo ringtail/scripts/deps.sh run && ringtail/scripts/build.sh release" &
    done
    wait
}

# config NUMBER
config() {
    sed -e "s|@DB_HOST@|$(output .database.value.host)|" -e "s|@DB_USER@|bench|" \
        -e "s|@DB_PORT@|5432|" -e "s|@DB_PASSWORD@|$(password)|" -e "s|@DB_NAME@|ringtail$1|" \
        "$HERE/ringtail.yaml"
}

# Each server has a database of its own on the one PostgreSQL: they are no cluster. Users get the
# keys of the first one, since deriving so many takes longer than the measurement.
serve() {
    local address number=0 file=$STATE/ringtail.yaml
    for address in $(servers public); do
        if $DRY; then file=/dev/stdout; fi
        (umask 077 && config $number >"$file")
        put "$address" "$file" ringtail.yaml
        put "$address" "$HERE/serve.sh" serve.sh
        on "$address" "sh serve.sh '$(output .database.value.host)' '$(password)' $number $USERS"
        number=$((number + 1))
    done
}

# The workers for one server, a process on each load machine.
workers() {
    local address list=''
    for address in $(loads private); do list+=${list:+,}$address:$((FIRST_WORKER_PORT + $1)); done
    echo "$list"
}

# All servers at once, each led by a coordinator of its own on the first load machine; every rate
# until p99 breaks. The servers note their CPU time each second meanwhile.
ladder() {
    local leader address number count bench=ringtail/build/release/ringtail-bench
    leader=$(loads public | head -n 1)
    count=$(servers private | wc -l)
    for address in $(loads public); do
        for ((number = 0; number < count; number++)); do
            on "$address" "ulimit -n 1000000; nohup $bench worker \
                --listen 0.0.0.0:$((FIRST_WORKER_PORT + number)) >worker-$number.log 2>&1 &"
        done
    done
    number=0
    for address in $(servers private); do
        on "$leader" "$bench coordinate --workers $(workers $number) $SCENARIO --host $address \
            --label $SERVER_TYPE-$number --users $USERS --rates '$RATES' --arrival-rate 500 \
            --seconds ${SECONDS_EACH}s --warmup 10s --stop-p99 1s --threads 2 \
            --json result-$number.jsonl --html result-$number.html" &
        number=$((number + 1))
    done
    wait
}

# Results of the generator, CPU time of the servers, and of the database as its monitoring saw it.
collect() {
    local to=$STATE/results-$SERVER_TYPE-$SCENARIO leader address number=0
    leader=$(loads public | head -n 1)
    run mkdir -p "$to"
    for address in $(servers public); do
        get "$leader" "result-$number.*" "$to/"
        get "$address" cpu.log "$to/cpu-$number.log"
        number=$((number + 1))
    done
    run sh -c "aws logs get-log-events --log-group-name RDSOSMetrics --log-stream-name \
        '$(output .database.value.resource)' --region '$(output .region.value)' \
        >'$to/database.json'"
    say "now: ringtail-bench cost --server $SERVER_TYPE $to/result-*.jsonl"
}

# Nothing may stay that costs.
down() {
    terraform_here destroy -auto-approve
    run aws resourcegroupstaggingapi get-resources --tag-filters Key=Project,Values=ringtail-bench
}

all() {
    up
    build
    serve
    ladder
    collect
    down
}

main() {
    if [[ ${1:-} == --dry-run ]]; then
        DRY=true
        shift
    fi
    [[ $# == 1 && $1 =~ ^(up|build|serve|ladder|collect|down|all)$ ]] ||
        die "usage: bench/ec2/run.sh [--dry-run] up|build|serve|ladder|collect|down|all"
    $DRY || mkdir -p "$STATE"
    "$1"
}

main "$@"
