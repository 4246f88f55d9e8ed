#!/usr/bin/env bash
# Runs every fuzz target for a while, two at a time: scripts/fuzz.sh [SECONDS EACH]
# New inputs go to build/fuzz/tests/fuzz/found/<name>; what crashes is left there as crash-*.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

run_one() {
    local name=$1 seconds=$2 log=found/$1.log
    if ./fuzz_"$name" -max_total_time="$seconds" -max_len=4096 \
        -artifact_prefix="found/$name/crash-" "found/$name" "$ROOT/tests/fuzz/corpus/$name" \
        >"$log" 2>&1; then
        echo "fuzz: $name: $(grep -o 'Done [0-9]* runs.*' "$log")"
    else
        tail -n 60 "$log" >&2
        echo "fuzz: $name failed" >&2
        return 1
    fi
}
export -f run_one
export ROOT

main() {
    local seconds=${1:-60} names
    "$ROOT/scripts/deps.sh" test
    "$ROOT/scripts/build.sh" fuzz
    cd "$ROOT/build/fuzz/tests/fuzz"
    names=$(basename -a "$ROOT"/tests/fuzz/fuzz_*.c | sed 's/^fuzz_//; s/\.c$//')
    # shellcheck disable=SC2016 # $1 and $2 are the inner shell's
    printf '%s\n' "$names" | xargs -P2 -I{} bash -c 'run_one "$1" "$2"' _ {} "$seconds"
}

main "$@"
