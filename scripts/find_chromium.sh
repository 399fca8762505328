#!/bin/sh
# Prints the path of a Chromium for the browser tests, and installs one where there is none and it may.
#
#   scripts/find_chromium.sh [PYTHON with the playwright package]
#
# VERAFACE_CHROMIUM, where set, is taken as it is.
set -eu

find_installed() {
    for name in chromium chromium-browser google-chrome google-chrome-stable; do
        command -v "$name" && return
    done
    for path in "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome" \
        "/Applications/Chromium.app/Contents/MacOS/Chromium"; do
        [ -x "$path" ] && echo "$path" && return
    done
    return 1
}

install_debian() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "Installing Debian's chromium for the browser tests" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2 </dev/null &&
        apt-get install -y -qq --no-install-recommends chromium >&2 </dev/null || return 1
    # Opens pages in a fraction of the time; tests take it where it is.
    apt-get install -y -qq --no-install-recommends chromium-headless-shell >&2 </dev/null || true
}

install_playwright() {
    [ -n "$1" ] || return 1
    echo "Installing Playwright's Chromium for the browser tests" >&2
    "$1" -m playwright install chromium >&2 </dev/null || return 1
    "$1" -c '
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
'
}

if [ -n "${VERAFACE_CHROMIUM:-}" ]; then
    [ -x "$VERAFACE_CHROMIUM" ] && echo "$VERAFACE_CHROMIUM" && exit
    echo "VERAFACE_CHROMIUM names $VERAFACE_CHROMIUM, which is not a program" >&2
    exit 1
fi
find_installed && exit
if install_debian; then find_installed && exit; fi
install_playwright "${1:-}" && exit
cat >&2 <<'MESSAGE'
The browser tests need Chromium or Chrome, and none was found or could be installed. Install one:
  Debian          apt-get install chromium
  macOS, Windows  Google Chrome
or name one: VERAFACE_CHROMIUM=/path/to/chromium make test
MESSAGE
exit 1
