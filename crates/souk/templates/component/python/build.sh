#!/bin/sh
# Builds plugin.wasm: the source and the Python interpreter in one component. Without --stub-wasi it would import sockets, which no sandbox of Souk has.
set -eu
cd "$(dirname "$0")"
[ -d .venv ] || python3 -m venv .venv
.venv/bin/pip install --quiet --requirement requirements.txt
.venv/bin/componentize-py --wit-path wit --world plugin componentize --stub-wasi plugin --output plugin.wasm
