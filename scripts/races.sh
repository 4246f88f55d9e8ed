#!/usr/bin/env bash
# Looks for data races: builds the preset "tsan" and runs under it the tests that cross threads: the
# rings, mail, helpers, moving connections, and the plays and pipelined logins on two shards.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
TESTS=(spsc mail helper conn_move conn_move_home boot)

main() {
    local targets=(ringtaild ringtailctl play_tcp) name
    for name in "${TESTS[@]}"; do
        targets+=("unit_shard_$name")
    done
    "$ROOT/scripts/deps.sh" test
    "$ROOT/scripts/build.sh" tsan "${targets[@]}"
    cd "$ROOT/build/tsan"
    for name in "${TESTS[@]}"; do
        echo "races: unit_shard_$name"
        "tests/unit_shard_$name"
    done
    echo "races: plays and pipelined logins"
    /usr/bin/python3 "$ROOT/tests/wire/run_real.py" ./ringtaild ./ringtailctl \
        tests/wire/play_tcp "$ROOT"/tests/wire/plays/*.play
}

main "$@"
