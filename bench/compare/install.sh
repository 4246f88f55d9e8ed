#!/usr/bin/env bash
# Installs the servers that are compared, and what they need for PostgreSQL, from Debian:
#   bench/compare/install.sh [ejabberd] [prosody]
# At once, and without network, when nothing is missing. No service is started: the comparison runs
# its own processes on the loopback interface, with settings of its own.
set -euo pipefail

POLICY=/usr/sbin/policy-rc.d
APT=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)

say() { echo "install: $*" >&2; }
die() { say "$*"; exit 1; }

# What a server needs; the third column of README.md says why.
packages_of() {
    case $1 in
    ejabberd) echo ejabberd erlang-p1-pgsql postgresql postgresql-contrib ;;
    prosody) echo prosody lua-dbi-postgresql postgresql postgresql-contrib ;;
    *) die "there is no recipe for $1" ;;
    esac
}

missing_of() {
    local package
    for package; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            echo "$package"
    done
}

# Debian starts what it installs, unless this file says no. One that is there already is left alone.
forbid_services() {
    [[ ! -e $POLICY ]] || return 0
    trap 'rm -f "$POLICY"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}

main() {
    local server wanted=() missing
    for server in "${@:-ejabberd}"; do
        read -ra packages <<<"$(packages_of "$server")"
        wanted+=("${packages[@]}")
    done
    mapfile -t missing < <(missing_of "${wanted[@]}")
    if [[ ${#missing[@]} == 0 ]]; then return; fi
    [[ $(id -u) == 0 ]] || die "root is needed to install: ${missing[*]}"
    say "installing: ${missing[*]}"
    forbid_services
    "${APT[@]}" update || say "apt-get update had errors; going on"
    "${APT[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >&2
}

main "$@"
