#!/usr/bin/env bash
# Checks a Promela model in all interleavings: spin.sh SCRATCH MODEL holds|fails [-DDEFINE...]
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

main() {
    local scratch=$1 model=$2 expected=$3 found=fails
    mkdir -p "$scratch"
    cd "$scratch"
    cp "$HERE/$model" .
    spin -a "${@:4}" "$model"
    cc -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c
    ./pan -m100000 -w22 >log 2>&1 || true
    cat log
    if grep -q 'max search depth too small\|out of memory\|reached -DMEMLIM' log; then
        echo "spin: the search was cut short" && exit 1
    fi
    if grep -q 'errors: 0$' log; then found=holds; fi
    if [[ $found == fails ]]; then spin -t -p "${@:4}" "$model" | tail -n 60; fi
    echo "spin: expected: $expected, found: $found"
    [[ $found == "$expected" ]]
}

main "$@"
