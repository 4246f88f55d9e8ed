#!/usr/bin/env bash
# Every micro benchmark a few times: each still does what it says. Nothing is measured.
#   bench/micro/smoke.sh BUILD_DIR
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${1:?"usage: bench/micro/smoke.sh BUILD_DIR"}
WORK=$(mktemp -d)
# shellcheck source-path=SCRIPTDIR source=../lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap 'rm -rf "$WORK"' EXIT

make_certificate
export RINGTAIL_MICRO_TLS=$WORK
count=0
while read -r name times _; do
    "$BUILD/ringtail-micro" --once "$name" $((times / 50 + 1)) || die "failed: $name"
    count=$((count + 1))
done < <("$BUILD/ringtail-micro" --list)
[[ $count -gt 20 ]] || die "only $count cases"
if "$BUILD/ringtail-micro" --once nothing 1 2>/dev/null; then die "there is no case nothing"; fi
say "$count cases"
