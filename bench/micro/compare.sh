#!/usr/bin/env bash
# What changed between two commits, in instructions of the micro benchmarks: builds both (release)
# in scratch worktrees, with the benchmarks as they are here, and prints a table.
#   bench/micro/compare.sh COMMIT_A COMMIT_B [CASE...]
# A commit may be "." for the tree as it is here, built in build/release.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ROOT=$(cd "$HERE/../.." && pwd)
export RINGTAIL_CACHE=${RINGTAIL_CACHE:-$ROOT/.cache}
WORK=$(mktemp -d)
TREES=()
# shellcheck source-path=SCRIPTDIR source=../lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"

finish() {
    local tree
    for tree in "${TREES[@]}"; do git -C "$ROOT" worktree remove --force "$tree"; done
    rm -rf "$WORK"
}
trap finish EXIT

# What older commits do not have, and what all are to be measured with. A benchmark of something
# that a commit does not know is left out there.
bring_benchmarks() {
    rm -rf "$1/bench/micro"
    cp -r "$HERE" "$1/bench/micro"
    grep -q 'add_subdirectory(micro)' "$1/bench/CMakeLists.txt" ||
        echo 'add_subdirectory(micro)' >>"$1/bench/CMakeLists.txt"
}

# build COMMIT NAME: prints the folder with the programs.
build() {
    local tree=$WORK/$2
    if [[ $1 == . ]]; then
        "$ROOT/scripts/build.sh" release ringtail-micro >&2
        echo "$ROOT/build/release"
        return
    fi
    git -C "$ROOT" worktree add --detach --quiet "$tree" "$1" >&2
    bring_benchmarks "$tree"
    (cd "$tree" && cmake --preset release -DRINGTAIL_CACHE="$RINGTAIL_CACHE" &&
        cmake --build --preset release --target ringtail-micro) >"$tree.log" 2>&1 </dev/null ||
        die "$1 does not build: $(tail -n 20 "$tree.log")"
    echo "$tree/build/release"
}

# Ratios away from 1 by more than a hundredth are marked; less may be how the linker put things.
table() {
    awk 'NR == FNR { a[$1] = $2; next }
        { name = $1; b = $2; $1 = $2 = ""; sub(/^ +/, "")
          ratio = a[name] ? b / a[name] : 0
          mark = (ratio > 1.01) ? " ▲" : (ratio < 0.99) ? " ▼" : ""
          printf "| %s | %.1f | %.1f | %.3f%s | %s |\n", name, a[name], b, ratio, mark, $0 }' \
        "$1" "$2"
}

main() {
    local a b
    [[ $# -ge 2 ]] || die "usage: bench/micro/compare.sh COMMIT_A COMMIT_B [CASE...]"
    TREES=()
    for name in a b; do
        commit=$([[ $name == a ]] && echo "$1" || echo "$2")
        if [[ $commit != . ]]; then TREES+=("$WORK/$name"); fi
    done
    a=$(build "$1" a)
    b=$(build "$2" b)
    "$HERE/count.sh" --build "$a" "${@:3}" >"$WORK/a.txt"
    "$HERE/count.sh" --build "$b" "${@:3}" >"$WORK/b.txt"
    echo "| case | $1 | $2 | ratio | one time is |"
    echo "|---|---|---|---|---|"
    table "$WORK/a.txt" "$WORK/b.txt"
}

main "$@"
