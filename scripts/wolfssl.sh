#!/usr/bin/env bash
# Builds the lean wolfSSL: Debian's own source package with Debian's patches (and cpuid.patch,
# ours), compiled with scripts/wolfssl/user_settings.h into a private static library that is fast
# and small.
#
#   scripts/wolfssl.sh [--force]     the last line of its output is the prefix:
#       <prefix>/include  <prefix>/user_settings.h  <prefix>/lib/libwolfssl.a  <prefix>/stamp
#   compile: -DWOLFSSL_USER_SETTINGS -I<prefix>/include -I<prefix>
#   link:    <prefix>/lib/libwolfssl.a -lm -lpthread
#
# A second call with nothing changed returns at once, without network. --force builds again,
# which also fetches the newest security update. Environment:
#   RINGTAIL_CACHE       where the result is kept (preset: .cache under the repository)
#   RINGTAIL_ARCH        amd64 or arm64 (preset: this machine's); another one is cross-compiled
#   RINGTAIL_ARM_CRYPTO  arm64: 1 uses the CPU's AES and SHA-2 instructions, 0 does not
#                        (preset: what this machine's CPU has; 1 when cross-compiling)
#   CC                   the compiler
# The system's apt configuration and package lists are read, never changed.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SCRIPT=$ROOT/scripts/wolfssl.sh
SETTINGS=$ROOT/scripts/wolfssl/user_settings.h
PATCH=$ROOT/scripts/wolfssl/cpuid.patch

say() { echo "wolfssl: $*" >&2; }
die() { say "$*"; exit 1; }

native_arch() { dpkg --print-architecture 2>/dev/null || echo unknown; }

# Do this CPU's features (Linux's names) include all that the armv8 files use?
cpu_has_arm_crypto() {
    local features
    features=" $(sed -n 's/^Features[[:space:]]*: //p' /proc/cpuinfo | head -n 1) "
    [[ $features == *" aes "* && $features == *" pmull "* && $features == *" sha2 "* ]]
}

choose_target() {
    NATIVE=$(native_arch)
    ARCH=${RINGTAIL_ARCH:-$NATIVE}
    ARM_CRYPTO=-
    case $ARCH in
        amd64) CROSS=x86_64-linux-gnu- ;;
        arm64) CROSS=aarch64-linux-gnu- ;;
        *) die "architecture '$ARCH' is not supported: amd64 or arm64 (RINGTAIL_ARCH)" ;;
    esac
    if [[ $ARCH == "$NATIVE" ]]; then CROSS=; fi
    CC=${CC:-${CROSS}gcc}
    if [[ $ARCH == arm64 ]]; then
        ARM_CRYPTO=1
        if [[ $ARCH == "$NATIVE" ]] && ! cpu_has_arm_crypto; then ARM_CRYPTO=0; fi
        ARM_CRYPTO=${RINGTAIL_ARM_CRYPTO:-$ARM_CRYPTO}
    fi
    CACHE=$(realpath -m "${RINGTAIL_CACHE:-$ROOT/.cache}/wolfssl")
    PREFIX=$CACHE/$ARCH
    LOG=$CACHE/$ARCH.log
    # Whatever changes the result, except the package's version.
    INPUTS=$({ cat "$SCRIPT" "$SETTINGS" "$PATCH" && echo "$ARCH $CC $ARM_CRYPTO"; } |
        sha256sum | cut -d' ' -f1)
}

is_fresh() {
    [[ -f $PREFIX/stamp && -f $PREFIX/lib/libwolfssl.a ]] &&
        grep -qxF "inputs $INPUTS" "$PREFIX/stamp"
}

need_tools() {
    local tool
    for tool in apt-get:apt dpkg-source:dpkg-dev xz:xz-utils make:make patch:patch \
        "$CC:gcc" "${CROSS}ar:binutils"; do
        command -v "${tool%%:*}" >/dev/null ||
            die "'${tool%%:*}' is missing (Debian package ${tool##*:};" \
                "scripts/deps.sh run installs it)"
    done
}

# Runs a step in a shell of its own, its output in the log; shows the log's tail when it fails.
step() {
    local what=$1 code=0
    shift
    say "$what"
    set +e # "if ! step" would switch off -e inside the step
    (set -e && "$@") >>"$LOG" 2>&1
    code=$?
    set -e
    if [[ $code != 0 ]]; then
        tail -n 25 "$LOG" >&2
        die "failed: $what (whole log: $LOG)"
    fi
}

# -- the source package: a private apt configuration, with deb-src for what the system has as deb --

# deb822 files: the stanzas of this release, with their URIs, keys and options, as deb-src.
sources_from_deb822() {
    awk -v codename="$1" 'BEGIN { RS = ""; FS = "\n" }
        function words_of(name,   i) {
            for (i = 1; i <= NF; i++)
                if (tolower($i) ~ "^" name ":") return substr($i, length(name) + 2)
            return ""
        }
        {
            suites = ""
            n = split(words_of("suites"), w, " ")
            for (i = 1; i <= n; i++)
                if (w[i] ~ "^" codename "(-updates|-security|/updates)?$") suites = suites " " w[i]
            if (suites == "" || " " words_of("components") " " !~ / main /) next
            if (" " words_of("types") " " !~ / deb /) next
            print "Types: deb-src\nSuites:" suites "\nComponents: main"
            for (i = 1; i <= NF; i++)
                if ($i !~ /^#/ && tolower($i) !~ /^(types|suites|components|architectures):/)
                    print $i
            print ""
        }' "${@:2}"
}

# One-line files: the same; the result is deb822 too (options become fields).
sources_from_lines() {
    awk -v codename="$1" '$1 == "deb" {
            options = ""
            if (match($0, /\[[^]]*\]/)) {
                options = substr($0, RSTART + 1, RLENGTH - 2)
                $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
            }
            if ($3 !~ "^" codename "(-updates|-security|/updates)?$" || $0 !~ / main( |$)/) next
            print "Types: deb-src\nURIs: " $2 "\nSuites: " $3 "\nComponents: main"
            n = split(options, o, " ")
            for (i = 1; i <= n; i++)
                if (split(o[i], kv, "=") == 2 && kv[1] != "arch") print kv[1] ": " kv[2]
            print ""
        }' "${@:2}"
}

debian_stanza() { # URI SUITE
    printf 'Types: deb-src\nURIs: %s\nSuites: %s\nComponents: main\n' "$1" "$2"
    printf 'Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n'
}

write_sources() { # FILE
    local id codename list parts file
    id=$(sed -n 's/^ID=//p' /etc/os-release)
    codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    [[ $id == debian && -n $codename ]] || die "this is not a Debian release (see /etc/os-release)"
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    : >"$1"
    for file in "$list" "$parts"/*.list; do
        if [[ -f $file ]]; then sources_from_lines "$codename" "$file" >>"$1"; fi
    done
    for file in "$parts"/*.sources; do
        if [[ -f $file ]]; then sources_from_deb822 "$codename" "$file" >>"$1"; fi
    done
    # A system that has no source for its own release, or none for its security updates.
    if ! grep -Eq "^Suites:.* $codename( |$)" "$1"; then
        debian_stanza http://deb.debian.org/debian "$codename" >>"$1"
    fi
    if ! grep -Eq "^Suites:.* $codename(-security|/updates)( |$)" "$1"; then
        debian_stanza http://deb.debian.org/debian-security "$codename-security" >>"$1"
    fi
}

write_apt_conf() { # FILE
    mkdir -p "$WORK"/apt/{sources,lists/partial,cache/archives/partial}
    write_sources "$WORK/apt/sources/debian.sources"
    cat >"$1" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$WORK/apt/sources";
Dir::State::lists "$WORK/apt/lists";
Dir::Cache "$WORK/apt/cache";
APT::Get::AllowUnauthenticated "false";
CONF
}

# An index that cannot be had is a note in the log: the download below decides.
update_lists() { apt-get -c "$WORK/apt.conf" update || echo "apt-get update failed"; }

download_source() {
    cd "$WORK/download"
    apt-get -c "$WORK/apt.conf" source --download-only --only-source wolfssl
    compgen -G 'wolfssl_*.dsc'
}

# dpkg-source applies Debian's patches and fails when one does not apply; diff makes sure. Then
# ours.
unpack_source() {
    dpkg-source --no-copy -x "$WORK"/download/wolfssl_*.dsc "$WORK/src"
    diff <(sed 's/[[:space:]]*#.*//; /^$/d' "$WORK/src/debian/patches/series") \
        "$WORK/src/.pc/applied-patches"
    patch -d "$WORK/src" -p1 -F0 <"$PATCH"
}

# -- the library --

list_sources() {
    local common=(aes asn chacha chacha20_poly1305 coding curve25519 ecc error fe_operations hash
        hmac kdf logging memory poly1305 pwdbased random rsa sha sha256 sha512 signature sp_int
        wc_encrypt wc_port wolfmath)
    local x86=(cpuid.c sp_x86_64.c sp_x86_64_asm.S aes_asm.S aes_gcm_asm.S chacha_asm.S
        poly1305_asm.S fe_x25519_asm.S sha256_asm.S sha512_asm.S)
    local arm=(sp_arm64.c port/arm/armv8-aes.c port/arm/armv8-chacha.c port/arm/armv8-poly1305.c
        port/arm/armv8-sha256.c port/arm/armv8-sha512.c port/arm/armv8-sha512-asm.S
        port/arm/armv8-curve25519.S)
    printf 'src/%s.c\n' internal keys ssl tls tls13 wolfio
    printf 'wolfcrypt/src/%s.c\n' "${common[@]}"
    case $ARCH in
        amd64) printf 'wolfcrypt/src/%s\n' "${x86[@]}" ;;
        arm64) printf 'wolfcrypt/src/%s\n' "${arm[@]}" ;;
    esac
}

# Flags beyond the common ones. Instruction sets are allowed per file and only where the file itself
# asks the CPU first (amd64), so that the rest of the library runs on every CPU of the architecture.
flags_of() { # FILE
    case $ARCH:$1 in
        amd64:*/aes.c) echo -maes ;;
        amd64:*/aes_asm.S) echo -DWOLFSSL_X86_64_BUILD -DHAVE_AESGCM ;;
        arm64:*/port/arm/*)
            if [[ $ARM_CRYPTO == 1 ]]; then echo -march=armv8-a+crypto -mstrict-align; fi
            ;;
    esac
}

write_makefile() {
    local file object objects=() flags
    flags="-O2 -g -fPIC -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat"
    flags+=" -Werror=format-security -Werror=implicit-function-declaration"
    flags+=" -ffile-prefix-map=$WORK=wolfssl -DWOLFSSL_USER_SETTINGS -I. -I$WORK/out"
    while read -r file; do
        object=obj/$(basename "$file").o
        objects+=("$object")
        printf '%s: %s\n\t%s %s %s -c -o $@ $<\n' \
            "$object" "$file" "$CC" "$flags" "$(flags_of "$file")"
    done < <(list_sources)
    printf 'libwolfssl.a: %s\n\t%sar rcs $@ $^\n' "${objects[*]}" "$CROSS"
}

compile() {
    mkdir -p "$WORK"/out/{include,lib} "$WORK/src/obj"
    if [[ $ARM_CRYPTO == 0 ]]; then echo '#define RT_ARM_CRYPTO 0' >"$WORK/out/user_settings.h"; fi
    cat "$SETTINGS" >>"$WORK/out/user_settings.h"
    cd "$WORK/src"
    write_makefile >Makefile.ringtail
    make -f Makefile.ringtail -j "$(nproc)" libwolfssl.a
    cp libwolfssl.a "$WORK/out/lib/"
    find wolfssl -name '*.h' -exec cp --parents -t "$WORK/out/include" {} +
    cp COPYING "$WORK/out/"
}

install_result() {
    { echo "inputs $INPUTS" && echo "version $1"; } >"$WORK/out/stamp"
    rm -rf "$PREFIX" "$PREFIX.new"
    cp -r "$WORK/out" "$PREFIX.new"
    mv "$PREFIX.new" "$PREFIX"
}

build() {
    local version
    need_tools
    WORK=$(mktemp -d)
    trap 'rm -rf "$WORK"' EXIT
    chmod 755 "$WORK" # apt fetches as its own user
    mkdir "$WORK/download"
    if [[ $(id -u) == 0 ]] && id _apt >/dev/null 2>&1; then chown _apt "$WORK/download"; fi
    : >"$LOG"
    write_apt_conf "$WORK/apt.conf"
    step "reading Debian's source index" update_lists
    step "fetching the source package" download_source
    version=$(sed -n '/^Version: /{s///p;q}' "$WORK"/download/wolfssl_*.dsc)
    step "unpacking wolfssl $version and applying Debian's patches" unpack_source
    step "compiling for $ARCH" compile
    install_result "$version"
    say "wolfssl $version is in $PREFIX"
}

main() {
    choose_target
    mkdir -p "$CACHE"
    if [[ ${1:-} == --force ]] || ! is_fresh; then
        exec 9>"$CACHE/$ARCH.lock"
        flock 9
        if [[ ${1:-} == --force ]] || ! is_fresh; then build; fi
    fi
    echo "$PREFIX"
}

main "$@"
