#!/usr/bin/env bash
# What each session module adds to a one-to-one message (both ends, 300 bytes): instructions,
# counted by valgrind on the simulated ring, without the kernel and without a database. Each row is
# a module that is there, or one that both clients use as well; two runs of unlike length leave out
# start and login. The figures are the same in each run but for a thousandth.
#
#   bench/module_cost.sh [--build DIR] [--only "ROW..."]
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BUILD=$ROOT/build/release ONLY=''
FEW=200 MANY=1200
# The simulated server has a listener with a shaper.
ALWAYS='shaper: {rates: [{name: slow, max_rate: 1000}]}'
LIST="<iq type='set' id='l'><query xmlns='jabber:iq:privacy'><list name='x'><item type='jid'
 value='x@localhost' action='deny' order='1'/></list></query></iq>"
# shellcheck source-path=SCRIPTDIR source=lib.sh disable=SC1091
. "$ROOT/bench/lib.sh"

# Of a row: sets MODULES and STANZAS. What comes after a "+" is used, not only there.
row() {
    STANZAS=()
    case $1 in
    none) MODULES='' ;;
    presence) MODULES='presence: {}' STANZAS=("<presence/>") ;;
    caps) MODULES='presence: {}, disco: {}, caps: {}' STANZAS=("<presence/>") ;;
    sm+) MODULES='sm: {}' STANZAS=("<enable xmlns='urn:xmpp:sm:3' resume='true'/>") ;;
    carbons+)
        MODULES='carbons: {}'
        STANZAS=("<iq type='set' id='c'><enable xmlns='urn:xmpp:carbons:2'/></iq>")
        ;;
    csi+) MODULES='csi: {}' STANZAS=("<inactive xmlns='urn:xmpp:csi:0'/>") ;;
    privacy+)
        MODULES='privacy: {}'
        STANZAS=("$LIST" "<iq type='set' id='d'><query xmlns='jabber:iq:privacy'><default name='x'/>
</query></iq>")
        ;;
    blocking+)
        MODULES='privacy: {}, blocking: {}'
        STANZAS=("<iq type='set' id='b'><block xmlns='urn:xmpp:blocking'><item jid='x@localhost'/>
</block></iq>")
        ;;
    inbox) MODULES='mam: {}, inbox: {}' ;;
    all)
        MODULES='ping: {}, disco: {}, presence: {}, roster: {}, sm: {}, csi: {}, carbons: {},
          privacy: {}, blocking: {}, amp: {}, caps: {}, last: {}, stream_limits: {}, mam: {},
          inbox: {}'
        STANZAS=("<presence/>")
        ;;
    *) MODULES="$1: {}" ;;
    esac
}
ROWS='none ping presence roster caps last amp stream_limits sm sm+ csi csi+ carbons carbons+
 privacy privacy+ blocking+ mam inbox all'

instructions() {
    local said
    said=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$BUILD/ringtail-messages" \
        "modules: {$ALWAYS${MODULES:+, $MODULES}}" "$1" "${STANZAS[@]}" 2>&1) ||
        die "ringtail-messages failed: $said"
    awk '/Collected :/ { print $4 }' <<<"$said"
}

main() {
    local name few many each none=0
    read_options "BUILD ONLY" "$@"
    command -v valgrind >/dev/null || die "valgrind is not installed (Debian package valgrind)"
    echo "module           instructions a message   more than none"
    for name in none ${ONLY:-${ROWS#none}}; do
        row "$name"
        few=$(instructions "$FEW")
        many=$(instructions "$MANY")
        each=$(((many - few) / (MANY - FEW)))
        if [[ $name == none ]]; then none=$each; fi
        printf '%-16s %22d %16d\n' "$name" "$each" $((each - none))
    done
}

main "$@"
