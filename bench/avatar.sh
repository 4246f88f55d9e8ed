#!/usr/bin/env bash
# What it costs that a user with many online contacts changes the avatar (module pep): CPU time of
# the server for the broadcast, how long it takes until the last contact has heard, resident memory
# before and after, and how long others wait for an answer meanwhile.
#
#   bench/avatar.sh [--contacts N] [--rounds N] [--shards N] [--build DIR]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release
CONTACTS=1000 ROUNDS=20 SHARDS=2
WORK=$(mktemp -d)
PORT='' SERVER='' # set by lib.sh
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"
trap 'stop_all; rm -rf "$WORK"' EXIT

read_options "CONTACTS ROUNDS SHARDS BUILD" "$@"
# shellcheck disable=SC2034 # read by lib.sh
MODULES="roster: { max_items: $((CONTACTS + 10)) }, caps: {}, blocking: {}, vcard: {}, pep: {}"
start_server "$SHARDS"
import_users $((CONTACTS + 3))
"$ROOT/bench/avatar.py" --port "$PORT" --pid "$SERVER" --contacts "$CONTACTS" --rounds "$ROUNDS"
