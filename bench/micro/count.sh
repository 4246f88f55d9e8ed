#!/usr/bin/env bash
# Instructions that each micro benchmark takes, counted by callgrind: the same on each run and,
# with the same compiler and libraries, on each machine.
#   bench/micro/count.sh [--build DIR] [CASE...]
# Prints a line a case: its name, instructions for one time, what one time is.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
BUILD=$ROOT/build/release
WORK=$(mktemp -d)
# shellcheck source-path=SCRIPTDIR source=../lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap 'rm -rf "$WORK"' EXIT

# count CASE COUNT: instructions inside of micro_measured.
count() {
    local log=$WORK/$1.log
    valgrind --tool=callgrind --callgrind-out-file=/dev/null --collect-atstart=no \
        --toggle-collect=micro_measured "$BUILD/ringtail-micro" --once "$1" "$2" >"$log" 2>&1 ||
        die "$1 failed: $(tail -n 5 "$log")"
    awk '/Collected :/ { print $NF }' "$log"
}

main() {
    local wanted name times what total
    if [[ ${1:-} == --build ]]; then
        BUILD=$2
        shift 2
    fi
    wanted=" $* "
    command -v valgrind >/dev/null || die "valgrind is not installed (Debian package valgrind)"
    make_certificate
    export RINGTAIL_MICRO_TLS=$WORK
    while read -r name times what; do
        [[ $# == 0 || $wanted == *" $name "* ]] || continue
        total=$(count "$name" "$times")
        [[ $total -gt 0 ]] || die "$name: callgrind saw nothing of it"
        awk -v name="$name" -v total="$total" -v times="$times" -v what="$what" 'BEGIN {
            printf "%-16s %12.1f  %s\n", name, total / times, what }'
    done < <("$BUILD/ringtail-micro" --list)
}

main "$@"
