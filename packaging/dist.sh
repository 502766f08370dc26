#!/bin/sh
# Makes what is handed out, in target/dist: for each target a tarball, for Linux also a Debian package, and
# SHA256SUMS over all of them. From the same commit and the same Rust come the same bytes.
#
#   packaging/dist.sh              this machine's target, and static ones for Linux if they can be built here
#   packaging/dist.sh TARGET...    these, and no others
#
# SOURCE_DATE_EPOCH is the time of every file (otherwise the time of the commit), TIKTOK_UP_COMMIT the commit
# where there is no repository. docs/PACKAGING.md says more.
set -eu
umask 022
export LC_ALL=C TZ=UTC0
cd "$(dirname "$0")/.."

name=tiktok-up
source=$PWD
target_dir=${CARGO_TARGET_DIR:-$source/target}
cargo_home=${CARGO_HOME:-$HOME/.cargo}
dist=$target_dir/dist
host=$(rustc -vV | sed -n 's/^host: //p')
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)

say() { printf '%s\n' "$*" >&2; }
die() { say "dist.sh: $*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }

# --- the commit, and the time that every file gets

if [ -z "${TIKTOK_UP_COMMIT:-}" ] && [ -e .git ]; then
    TIKTOK_UP_COMMIT=$(git rev-parse --short=12 HEAD)
    # What is not committed cannot be looked up again.
    [ -z "$(git status --porcelain)" ] || TIKTOK_UP_COMMIT=$TIKTOK_UP_COMMIT-dirty
fi
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    [ -e .git ] || die "there is no repository here: set SOURCE_DATE_EPOCH to the time of the release"
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
fi
export TIKTOK_UP_COMMIT="${TIKTOK_UP_COMMIT:-unknown}" SOURCE_DATE_EPOCH
# GNU's date, or that of the BSDs and macOS.
stamp=$(date -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S 2>/dev/null ||
    date -r "$SOURCE_DATE_EPOCH" +%Y%m%d%H%M.%S)

# --- building

# Flags of rustc, with the character between them that lets a path have spaces. Of several that fit a path the
# last one counts, so folders that may lie within another come after it.
flags() {
    [ -z "${RUSTFLAGS:-}" ] || printf '%s ' "$RUSTFLAGS" | tr -s ' ' '\037'
    printf -- '--remap-path-prefix=%s\037--remap-path-prefix=%s\037--remap-path-prefix=%s' \
        "$source=/source" "$cargo_home=/cargo" "$target_dir=/target"
}

build() {
    say "building $name $version for $1"
    # SQLite's and ring's C names no folder of this machine, either.
    c="-ffile-prefix-map=$cargo_home=/cargo -ffile-prefix-map=$target_dir=/target"
    CARGO_ENCODED_RUSTFLAGS=$(flags) CARGO_INCREMENTAL=0 CARGO_TARGET_DIR=$target_dir \
        CFLAGS="${CFLAGS:+$CFLAGS }$c" \
        cargo build --release --locked --features cloud,postgres --bin "$name" --target "$1"
}

# Why a static target cannot be built here; nothing if it can. Finds its C compiler, which links as well.
lacks() {
    [ -d "$(rustc --print target-libdir --target "$1")" ] || echo "its Rust library (rustup target add $1)"
    found=
    for compiler in $(compilers "$1"); do
        if has "$compiler"; then found=$compiler; break; fi
    done
    [ -n "$found" ] || echo "a C compiler ($(compilers "$1" | tr '\n' ' ' | sed 's/ $//; s/ / or /g'))"
}

compilers() {
    variable=CC_$(echo "$1" | tr - _)
    eval "given=\${$variable:-}"
    if [ -n "$given" ]; then
        echo "$given"
        return
    fi
    echo "${1%%-*}-linux-musl-gcc"
    # Debian's package musl-tools: for the processor that it runs on.
    case $host in "${1%%-*}"-*) echo musl-gcc ;; esac
}

build_static() {
    for compiler in $(compilers "$1"); do
        if has "$compiler"; then break; fi
    done
    lower=$(echo "$1" | tr - _)
    upper=$(echo "$lower" | tr '[:lower:]' '[:upper:]')
    (
        export "CC_$lower=$compiler" "CARGO_TARGET_${upper}_LINKER=$compiler"
        build "$1"
    )
    runs_alone "$1"
}

# A static binary needs no other file; only root can look, and only on the same processor.
runs_alone() {
    case $host in "${1%%-*}"-*-linux-*) ;; *) return 0 ;; esac
    [ "$(id -u)" = 0 ] || return 0
    empty=$(mktemp -d)
    cp "$target_dir/$1/release/$name" "$empty/"
    alone=0
    chroot "$empty" "/$name" --version >/dev/null || alone=$?
    rm -r "$empty"
    [ "$alone" = 0 ] || die "the binary for $1 does not run in an empty folder: it is not static"
}

# --- staging: the folder that is packed

# The texts are made by a binary that runs here, and are the same for all targets.
texts() {
    texts=$dist/texts
    rm -rf "$texts"
    mkdir -p "$texts/man" "$texts/completions"
    "$target_dir/$1/release/$name" man --dir "$texts/man"
    "$target_dir/$1/release/$name" completions bash >"$texts/completions/$name.bash"
    "$target_dir/$1/release/$name" completions zsh >"$texts/completions/_$name"
    "$target_dir/$1/release/$name" completions fish >"$texts/completions/$name.fish"
}

stage() {
    stage=$dist/$name-$version-$1
    rm -rf "$stage"
    mkdir -p "$stage"
    cp "$target_dir/$1/release/$name" "$stage/"
    cp README.md CHANGELOG.md LICENSE-APACHE LICENSE-MIT "$stage/"
    mkdir "$stage/docs"
    cp docs/*.md "$stage/docs/"
    cp -R "$dist/texts/man" "$dist/texts/completions" "$stage/"
    case $1 in *-linux-*) cp -R packaging/systemd "$stage/" ;; esac
}

# Every file gets the same time, and rights that depend on nothing here.
settle() {
    find "$1" -type d -exec chmod 755 {} +
    find "$1" -type f -exec chmod 644 {} +
    find "$1" -type f -name "$name" -path "*/bin/*" -exec chmod 755 {} +
    [ ! -f "$1/$name" ] || chmod 755 "$1/$name"
    find "$1" -exec touch -h -t "$stamp" {} +
}

# A tarball whose bytes depend on the files alone: sorted, of nobody, and without gzip's own time.
pack() {
    case $(tar --version 2>/dev/null) in
        *GNU*) owner='--owner=0 --group=0 --numeric-owner' ;;
        *) owner='--uid 0 --gid 0 --numeric-owner' ;;
    esac
    # shellcheck disable=SC2086 # several words
    (cd "$dist" && find "$1" | sort | tar --no-recursion --format=ustar $owner -cf - -T -) |
        gzip -9n >"$dist/$1.tar.gz"
    say "made $dist/$1.tar.gz"
}

# --- the Debian package: no scripts of a maintainer, nothing is started or made by installing it

debian_architecture() {
    case $1 in
        x86_64-*) echo amd64 ;;
        aarch64-*) echo arm64 ;;
        armv7-*) echo armhf ;;
        riscv64*) echo riscv64 ;;
        *) die "there is no name of Debian for $1" ;;
    esac
}

debian() {
    root=$dist/deb
    rm -rf "$root"
    share=$root/usr/share
    mkdir -p "$root/DEBIAN" "$root/usr/bin" "$share/doc/$name" "$share/man/man1" \
        "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d" \
        "$root/usr/lib/systemd" "$root/usr/lib/sysusers.d"
    cp "$stage/$name" "$root/usr/bin/"
    cp README.md "$share/doc/$name/"
    cp packaging/debian/copyright "$share/doc/$name/"
    gzip -9nc CHANGELOG.md >"$share/doc/$name/changelog.gz"
    for page in "$stage"/man/*.1; do
        gzip -9nc "$page" >"$share/man/man1/${page##*/}.gz"
    done
    cp "$stage/completions/$name.bash" "$share/bash-completion/completions/$name"
    cp "$stage/completions/_$name" "$share/zsh/vendor-completions/"
    cp "$stage/completions/$name.fish" "$share/fish/vendor_completions.d/"
    mkdir -p "$root/usr/lib/systemd/system" "$root/usr/lib/systemd/user"
    cp packaging/systemd/*.service packaging/systemd/*.timer "$root/usr/lib/systemd/system/"
    cp packaging/systemd/user/* "$root/usr/lib/systemd/user/"
    cp packaging/systemd/tiktok-up.sysusers "$root/usr/lib/sysusers.d/tiktok-up.conf"
    # A binary that is linked here may need the C library of this machine, or a newer one.
    depends=
    case $1 in
        *-gnu*) depends="Depends: libc6 (>= $(getconf GNU_LIBC_VERSION | cut -d' ' -f2)), libgcc-s1" ;;
    esac
    size=$(find "$root" -type f -exec cat {} + | wc -c)
    {
        echo "Package: $name"
        echo "Version: $version-1"
        echo "Architecture: $(debian_architecture "$1")"
        echo "Maintainer: The tiktok-up authors <tiktok-up@localhost>"
        echo "Installed-Size: $((size / 1024 + 1))"
        [ -z "$depends" ] || echo "$depends"
        # The system's certificate authorities come on top of those in the program.
        echo "Suggests: ca-certificates"
        echo "Section: utils"
        echo "Priority: optional"
        echo "Description: publish to TikTok from a terminal, a server or a script"
        sed 's/^/ /' packaging/debian/description
    } >"$root/DEBIAN/control"
    settle "$root"
    deb=$dist/${name}_$version-1_$(debian_architecture "$1").deb
    dpkg-deb --root-owner-group -Zxz --build "$root" "$deb" >/dev/null
    say "made $deb"
}

# --- SHA256SUMS

sums() {
    if has sha256sum; then sum=sha256sum; else sum='shasum -a 256'; fi
    (
        cd "$dist"
        for file in *.tar.gz *.deb; do
            [ ! -e "$file" ] || $sum "$file"
        done >SHA256SUMS
        cat SHA256SUMS
    )
}

# ---

targets=$*
if [ -z "$targets" ]; then
    targets=$host
    for static in x86_64-unknown-linux-musl aarch64-unknown-linux-musl; do
        missing=$(lacks "$static" | sed '2,$s/^/and /' | tr '\n' ' ')
        if [ -z "$missing" ]; then
            [ "$static" = "$host" ] || targets="$targets $static"
        else
            say "not built for $static: this machine lacks $missing"
        fi
    done
fi

rm -rf "$dist"
mkdir -p "$dist"
build "$host"
texts "$host"
deb_for=
for target in $targets; do
    case $target in
        "$host") ;;
        *-linux-musl) build_static "$target" ;;
        *) build "$target" ;;
    esac
    stage "$target"
    settle "$stage"
    pack "${stage##*/}"
    # One package for a processor: the first of its targets, which is that of this machine.
    case $target in
        *-linux-*)
            case " $deb_for " in
                *" ${target%%-*} "*) ;;
                *)
                    if has dpkg-deb; then
                        debian "$target"
                        deb_for="$deb_for ${target%%-*}"
                    fi
                    ;;
            esac
            ;;
    esac
    rm -rf "$stage"
done
has dpkg-deb || say "no Debian package: this machine lacks dpkg-deb"
# The texts stay: `cargo deb` and `cargo generate-rpm` take them from there.
rm -rf "$dist/deb"
sums
