#!/usr/bin/env bash
# Builds one preset of CMakePresets.json into build/PRESET: scripts/build.sh PRESET [TARGET...]
# Builds the lean wolfSSL first if that has not been done. Quiet unless something fails; the whole
# output is in the log that it names. With nothing changed it takes a fraction of a second.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=$(realpath -m "${RINGTAIL_CACHE:-$ROOT/.cache}")

say() { echo "build: $*" >&2; }
die() { say "$*"; exit 1; }

# Runs a step with its output in the log; shows the log's tail when it fails.
step() {
    local what=$1
    shift
    say "$what"
    if ! "$@" >"$LOG" 2>&1 </dev/null; then
        tail -n 40 "$LOG" >&2
        die "failed: $what (whole log: $LOG)"
    fi
}

main() {
    local preset=${1:?"usage: scripts/build.sh PRESET [TARGET...]"} targets=()
    if [[ $# -gt 1 ]]; then targets=(--target "${@:2}"); fi
    "$ROOT/scripts/wolfssl.sh" >/dev/null
    mkdir -p "$CACHE"
    LOG=$CACHE/build-$preset.log
    cd "$ROOT"
    if [[ ! -f build/$preset/build.ninja ]]; then
        step "configuring $preset" cmake --preset "$preset" -DRINGTAIL_CACHE="$CACHE"
    fi
    step "compiling $preset" cmake --build --preset "$preset" "${targets[@]}"
}

main "$@"
