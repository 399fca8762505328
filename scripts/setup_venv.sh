#!/bin/sh
# Makes a virtual environment and installs exactly what the lock files name, checked by hash.
#
#   scripts/setup_venv.sh FOLDER [--lock FILE]... [--package NAME==VERSION]... [--project]
#
# --project adds this checkout itself, editable. PYTHON names the Python to use. FOLDER/.ready is written
# last, so that make can tell a finished environment from a broken one.
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

# Debian and Ubuntu ship Python without pip and without the part of venv that brings pip along.
make_venv() {
    echo "Setting up $venv with $("$python" --version)"
    rm -rf "$venv"
    if "$python" -m venv "$venv" >/dev/null 2>&1; then return; fi
    rm -rf "$venv"
    if "$python" -m venv --without-pip "$venv" >/dev/null 2>&1 &&
        "$python" -m pip --python "$venv/bin/python" install --quiet pip; then return; fi
    rm -rf "$venv"
    if "$python" -m virtualenv --quiet "$venv" >/dev/null 2>&1; then return; fi
    rm -rf "$venv"
    fail "$python cannot make a virtual environment: its venv module is missing or incomplete." \
        "On Debian and Ubuntu: apt-get install python3-venv" \
        "Elsewhere: $python -m pip install virtualenv" \
        "Then run make again."
}

install() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "$@"
}

rm -f "$venv/.ready"
if ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    find_python
    make_venv
fi
# git must not see the environment, whatever its name.
echo '*' >"$venv/.gitignore"

while [ $# -gt 0 ]; do
    case $1 in
        --lock)
            echo "Installing $2 into $venv"
            # The locks are complete: nothing is resolved, nothing is built, every file's hash is known.
            install --require-hashes --no-deps --only-binary :all: --no-compile -r "$2"
            shift 2
            ;;
        --package)
            install "$2"
            shift 2
            ;;
        --project)
            # hatchling comes from the lock as well, so that nothing without a known hash is fetched.
            install --no-deps --no-build-isolation --editable .
            "$venv/bin/python" -m pip check
            shift
            ;;
        *)
            fail "setup_venv.sh: what is $1?"
            ;;
    esac
done
touch "$venv/.ready"
