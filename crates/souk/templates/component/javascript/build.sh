#!/bin/sh
# Builds plugin.wasm: the source and a small JavaScript engine (QuickJS) in one component.
set -eu
cd "$(dirname "$0")"
npm install --no-audit --no-fund
npm run build
