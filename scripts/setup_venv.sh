#!/bin/sh
# Set up a virtual environment that holds exactly what lock files name, checked by hash, and this checkout.
#
#   scripts/setup_venv.sh FOLDER LOCK...
#
# The locked packages are installed once per set of locks, into ${VERAFACE_VENVS:-~/.cache/veraface/venvs}/KEY, and
# shared by all checkouts. FOLDER is a small environment of this checkout alone: it sees the shared packages through a
# .pth file and holds the project itself (editable) and the commands. PYTHON names the Python to use. FOLDER/.ready is
# written last, so that make can tell a complete environment from a broken one.
set -eu

venv=$1
shift
: "${PYTHON:=python3}"

fail() {
    printf '\n' >&2
    printf '%s\n' "$@" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for python in "$PYTHON" python3.13 python3.12 python3.11 python3.14; do
        if new_enough "$python"; then
            [ "$python" = "$PYTHON" ] || echo "$PYTHON is missing or older than 3.11: using $python" >&2
            return
        fi
    done
    fail "Veraface needs Python 3.11 or newer; here: $("$PYTHON" --version 2>&1 || true)" \
        "Install one, or name one that is installed: make PYTHON=/path/to/python3.12"
}

# Debian and Ubuntu ship Python without pip and without the part of venv that installs pip.
make_venv() {
    if "$python" -m venv "$1" >/dev/null 2>&1; then return; fi
    rm -rf "$1"
    if "$python" -m venv --without-pip "$1" >/dev/null 2>&1 &&
        "$python" -m pip --python "$1/bin/python" install --quiet pip; then return; fi
    rm -rf "$1"
    if "$python" -m virtualenv --quiet "$1" >/dev/null 2>&1; then return; fi
    rm -rf "$1"
    fail "$python cannot make a virtual environment: its venv module is missing or incomplete." \
        "On Debian and Ubuntu: apt-get install python3-venv" \
        "Elsewhere: $python -m pip install virtualenv" \
        "Then run make again."
}

# Where complete shared environments are; in the checkout itself if the home directory cannot be written to.
find_cache() {
    cache=${VERAFACE_VENVS:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/veraface/venvs}
    if ! mkdir -p "$cache" 2>/dev/null || ! [ -w "$cache" ]; then
        cache=$PWD/.venvs
        mkdir -p "$cache"
    fi
    cache=$(cd "$cache" && pwd)
}

# One key for the same locks and the same Python. This script counts too: it decides how the locks are installed.
key() {
    "$python" -c '
import hashlib, platform, sys
digest = hashlib.sha256(f"{sys.version}{sys.base_prefix}{sys.platform}{platform.machine()}".encode())
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        digest.update(file.read())
print(digest.hexdigest()[:16])
' scripts/setup_venv.sh "$@"
}

usable() {
    [ -e "$1/.complete" ] && new_enough "$1/bin/python"
}

# Build under a name of its own and publish it with one symbolic link: an environment that is not complete, because
# its build failed, was killed or is still running in another checkout, is never used.
build_shared() {
    find "$cache" -maxdepth 1 -type d -name "$(basename "$shared").*" ! -exec test -e '{}/.complete' ';' \
        -mtime +0 -exec rm -rf '{}' + # left by a build that was killed a day ago or earlier
    build=$(mktemp -d "$shared.XXXXXX")
    trap 'rm -rf "$build"' EXIT
    trap 'exit 1' HUP INT TERM
    echo "Setting up $build with $("$python" --version)"
    make_venv "$build"
    for lock in "$@"; do
        echo "Installing $lock"
        # The locks are complete: nothing is resolved, nothing is built, the hash of every file is known.
        "$build/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            --require-hashes --no-deps --only-binary :all: --no-compile -r "$lock"
    done
    "$build/bin/python" -m pip check
    touch "$build/.complete"
    usable "$shared" || rm -f "$shared" # a link to an environment whose Python is gone
    if ln -sn "$(basename "$build")" "$shared" 2>/dev/null; then
        trap - EXIT HUP INT TERM
    fi # else another checkout was faster: the trap removes this build
}

# The small environment: the shared packages, their commands and the project.
make_local() {
    rm -rf "$venv"
    "$python" -m venv --without-pip "$venv"
    # git must not see the environment, whatever its name.
    echo '*' >"$venv/.gitignore"
    ln -s "$shared" "$venv/shared"
    "$venv/bin/python" - "$shared" <<'PYTHON'
import os
import sys
import sysconfig
from pathlib import Path

shared = Path(sys.argv[1])
here = Path(sys.prefix)
packages = Path(sysconfig.get_path("purelib"))
theirs = shared / packages.relative_to(here)
(packages / "_shared.pth").write_text(f"import site; site.addsitedir({str(theirs)!r})\n")
for command in (shared / "bin").iterdir():
    ours = here / "bin" / command.name
    if ours.exists() or ours.is_symlink() or command.is_symlink() or command.name.startswith(("activate", "Activate")):
        continue
    content = command.read_bytes()
    if content.startswith(b"#!") and b"python" in content.splitlines()[0]:
        ours.write_bytes(f"#!{sys.executable}\n".encode() + content.partition(b"\n")[2])
        ours.chmod(0o755)
    else:
        os.symlink(command, ours)
PYTHON
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --no-deps --no-build-isolation --editable .
}

find_python
find_cache
shared=$cache/$(key "$@")
rm -f "$venv/.ready"
usable "$shared" || build_shared "$@"
make_local
touch "$venv/.ready"
