#!/usr/bin/env bash
# Runs a suite of spsc_relacy.cpp on the code of shard/: relacy.sh SCRATCH SUITE holds|fails [SED]
# SED spoils that code before (a memory order, a fence), to see that this is found out.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SHARD=$HERE/../../shard

say() { echo "relacy: $*"; }
die() { say "$*"; exit 1; }

# Functions of a C file: from the first line to the brace in column 0.
functions_of() {
    local file=$1 name
    for name in "${@:2}"; do
        grep -q "^[a-z].*\b$name(" "$file" || die "$file has no $name any more"
        sed -n "/^[a-z].*\b$name(/,/^}/p" "$file"
    done
}

# The ring and the handshake, with relacy's types; the memory comes from the test.
cut_out() {
    sed -e '/#include/d' -e 's/_Atomic size_t/rl::atomic<size_t>/' \
        -e 's/void \*\*slots/struct cell *slots/' "$SHARD/spsc.h" >spsc_under_test.h
    functions_of "$SHARD/spsc.c" spsc_push spsc_pop spsc_empty >spsc_under_test.c
    functions_of "$SHARD/mail.c" wake_if_asleep mail_waits mail_sleep mail_awake >mail_under_test.c
}

spoil() {
    cat spsc_under_test.c mail_under_test.c >before
    sed -i "$1" spsc_under_test.c mail_under_test.c
    if cat spsc_under_test.c mail_under_test.c | cmp -s - before; then
        die "\"$1\" changes nothing"
    fi
}

main() {
    local scratch=$1 suite=$2 expected=$3 found=holds fast=-O2
    mkdir -p "$scratch"
    cd "$scratch"
    cut_out
    if [[ -n ${4:-} ]]; then spoil "$4"; fi
    if [[ $expected == fails ]]; then fast=-O0; fi # found soon; compiling is what takes the time
    g++ -std=c++17 $fast -w -I. "$HERE/spsc_relacy.cpp" -o model
    ./model "$suite" || found=fails
    say "expected: $expected, found: $found"
    [[ $found == "$expected" ]]
}

main "$@"
