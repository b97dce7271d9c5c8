#!/bin/sh
set -eu
npx prettier@3.3.3 --write "$1"
rm -rf "$TMPDIR/format-cache"
