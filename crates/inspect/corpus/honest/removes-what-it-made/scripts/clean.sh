#!/bin/sh
rm -rf build dist ./node_modules
rm -rf "$TMPDIR/acme-cache" /tmp/acme-build
rm -rf /var/lib/apt/lists/*
rm -rf ~/.cache/acme
rm -f "$HOME/.acme/lock"
