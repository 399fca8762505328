#!/bin/sh
# Link FOLDER/node_modules to what its lock file names.
#
#   scripts/setup_node.sh FOLDER
#
# The packages are installed once per lock, beside those of Python (see setup_venv.sh), and shared by all checkouts.
# FOLDER/node_modules/.ready is the sign for make.
set -eu

cd "$1"
rm -rf node_modules
cache=${VERAFACE_VENVS:-${XDG_CACHE_HOME:-${HOME:-}/.cache}/veraface/venvs}
if ! mkdir -p "$cache" 2>/dev/null || ! [ -w "$cache" ]; then
    npm ci
    touch node_modules/.ready
    exit
fi
# Some packages are programs for one system.
shared=$cache/node-$({ uname -sm && cat package.json package-lock.json .npmrc; } | cksum | tr ' ' -)
if ! [ -e "$shared/node_modules/.ready" ]; then
    # Published with one symbolic link once it is complete; another checkout may be faster.
    build=$(mktemp -d "$shared.XXXXXX")
    trap 'rm -rf "$build"' EXIT
    trap 'exit 1' HUP INT TERM
    cp package.json package-lock.json .npmrc "$build"
    (cd "$build" && npm ci && touch node_modules/.ready)
    if ln -sn "$(basename "$build")" "$shared" 2>/dev/null; then trap - EXIT HUP INT TERM; fi
fi
ln -s "$shared/node_modules" node_modules
touch node_modules/.ready
