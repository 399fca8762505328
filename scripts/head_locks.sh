#!/bin/sh
# Puts a heading on each lock file, and takes out lines that name a package index.
set -eu
for lock in core server build dev; do
    file=requirements/$lock.txt
    {
        echo "# Written by \`make lock\` from pyproject.toml. Do not edit."
        grep -v -E '^(#|--index-url|--extra-index-url|--find-links|--trusted-host)' "$file"
    } >"$file.new"
    mv "$file.new" "$file"
done
