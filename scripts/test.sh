#!/usr/bin/env bash
# Runs every test: installs what is missing, builds the preset "dev" (ASan and UBSan), starts a
# PostgreSQL of its own in a scratch folder and hands over to ctest. Arguments go to ctest:
#   scripts/test.sh                everything
#   scripts/test.sh -R unit_jid    only these tests
# Ends with ctest's summary and exit code.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRATCH=

clean_up() {
    trap - INT TERM HUP
    if [[ -n $SCRATCH ]]; then
        "$ROOT/scripts/scratch_pg.sh" stop "$SCRATCH" || true
        rm -rf "$SCRATCH"
    fi
}

start_postgresql() {
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    SCRATCH=$(mktemp -d)
    RINGTAIL_TEST_PG=$("$ROOT/scripts/scratch_pg.sh" start "$SCRATCH")
    export RINGTAIL_TEST_PG
    echo "test: PostgreSQL: $RINGTAIL_TEST_PG" >&2
}

main() {
    "$ROOT/scripts/deps.sh" test
    "$ROOT/scripts/build.sh" dev
    start_postgresql
    cd "$ROOT"
    ctest --preset dev --output-on-failure -j2 "$@" </dev/null
}

main "$@"
