#!/usr/bin/env bash
# Installs the Debian packages that are missing: scripts/deps.sh run | test ("test" includes "run").
# The lists are in scripts/packages/. At once, and without network, when nothing is missing.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=$(realpath -m "${RINGTAIL_CACHE:-$ROOT/.cache}")
LOG=$CACHE/deps.log
APT=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)

say() { echo "deps: $*" >&2; }
die() { say "$*"; exit 1; }

# "package" or "command|package" of a list, without comments.
entries_of() { sed 's/[[:space:]]*#.*//; /^[[:space:]]*$/d' "$ROOT/scripts/packages/$1.txt"; }

# Names of the packages of the given entries that are not there.
missing_of() {
    local entry wanted=() have
    for entry in "$@"; do
        if [[ $entry != *"|"* ]]; then
            wanted+=("$entry")
        elif ! command -v "${entry%%|*}" >/dev/null; then
            wanted+=("${entry##*|}")
        fi
    done
    have=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
    comm -23 <(printf '%s\n' "${wanted[@]}" | sort -u) \
        <(sed -n 's/^installed //p' <<<"$have" | sort -u)
}

as_root() {
    if [[ $(id -u) == 0 ]]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    say "installing: $*"
    if [[ $(id -u) != 0 ]] && ! command -v sudo >/dev/null; then
        die "root is needed to install packages, and there is no sudo." \
            "As root: $ROOT/scripts/deps.sh $LIST"
    fi
    mkdir -p "$CACHE"
    # A foreign source of the system that does not answer is no reason to stop: the next step
    # decides.
    as_root "${APT[@]}" update >"$LOG" 2>&1 || say "apt-get update had errors (see $LOG); going on"
    if ! as_root "${APT[@]}" install -y --no-install-recommends "$@" >>"$LOG" 2>&1 </dev/null; then
        tail -n 25 "$LOG" >&2
        die "apt-get could not install the packages (whole log: $LOG)"
    fi
}

main() {
    local entries missing
    LIST=${1:-}
    case $LIST in
        run) mapfile -t entries < <(entries_of run) ;;
        test) mapfile -t entries < <(entries_of run && entries_of test) ;;
        *) die "usage: scripts/deps.sh run|test" ;;
    esac
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        die "this script knows Debian (12 or later) only: there is no apt here." \
            "Install by hand what $ROOT/scripts/packages/$LIST.txt lists"
    fi
    mapfile -t missing < <(missing_of "${entries[@]}")
    if [[ ${#missing[@]} -gt 0 ]]; then install_packages "${missing[@]}"; fi
}

main "$@"
