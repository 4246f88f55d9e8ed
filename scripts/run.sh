#!/usr/bin/env bash
# From a bare Debian 12 to a running server: installs what is missing, builds, makes a certificate
# and a configuration for "localhost" under run/, and starts ringtaild in the foreground (Ctrl-C
# stops it). Run again, it only starts. Arguments go to ringtaild. To begin afresh: rm -r run
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
RUN=$ROOT/run
CONFIG=$RUN/ringtail.yaml

say() { echo "run: $*" >&2; }
die() { say "$*"; exit 1; }

# A self-signed certificate for localhost, unless there is one that is good for another day.
make_certificate() {
    if openssl x509 -checkend 86400 -noout -in "$RUN/localhost.pem" >/dev/null 2>&1; then return; fi
    say "making a self-signed certificate for localhost: run/localhost.pem"
    (
        umask 077
        openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 800 \
            -subj /CN=localhost -addext 'subjectAltName=DNS:localhost,IP:127.0.0.1' \
            -keyout "$RUN/localhost.key" -out "$RUN/localhost.pem.new" >"$RUN/openssl.log" 2>&1
    ) || { tail -n 20 "$RUN/openssl.log" >&2 && die "openssl could not make the certificate"; }
    chmod 644 "$RUN/localhost.pem.new"
    mv "$RUN/localhost.pem.new" "$RUN/localhost.pem"
}

# configs/minimal.yaml with @RUN@ replaced by the folder's path.
make_config() {
    local text
    if [[ -f $CONFIG ]]; then return; fi
    say "writing run/ringtail.yaml from configs/minimal.yaml"
    text=$(<"$ROOT/configs/minimal.yaml")
    printf '%s\n' "${text//@RUN@/"$RUN"}" >"$CONFIG.new"
    mv "$CONFIG.new" "$CONFIG"
}

print_hints() {
    cat <<TEXT

  Add users, in another terminal:
    build/release/ringtailctl -c run/ringtail.yaml user add alice@localhost secret
    build/release/ringtailctl -c run/ringtail.yaml user add bob@localhost secret
  Connect any XMPP client of this machine:
    account alice@localhost, password secret, server 127.0.0.1
    port 5222 (STARTTLS) or 5223 (direct TLS); accept the self-signed certificate
  Settings: run/ringtail.yaml    Data: run/data    Stop: Ctrl-C

TEXT
}

main() {
    "$ROOT/scripts/deps.sh" run
    "$ROOT/scripts/build.sh" release ringtaild ringtailctl
    mkdir -p "$RUN/data"
    chmod 700 "$RUN/data"
    make_certificate
    make_config
    print_hints
    cd "$ROOT"
    exec "$ROOT/build/release/ringtaild" -c "run/ringtail.yaml" "$@"
}

main "$@"
