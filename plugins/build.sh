#!/bin/sh
# Builds the built-in plugins anew. Their components are kept in the tree, so that building Souk needs no target but the machine's own;
# `built.txt` says of which sources they were made, and a test compares it with what is there.
# rustup target add wasm32-wasip2
set -eu
cd "$(dirname "$0")"
root=$(cd .. && pwd -P)
target=${CARGO_TARGET_DIR:-}
if [ -z "$target" ]; then
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
fi
# Messages of a panic name files; where those lie on this machine is nobody's business, and would make other bytes elsewhere.
RUSTFLAGS="--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}/registry/src=crates --remap-path-prefix=$root=souk"
export RUSTFLAGS
build() {
    CARGO_TARGET_DIR=$target cargo build --locked --release --target wasm32-wasip2 --package "$1"
    cp "$target/wasm32-wasip2/release/$1.wasm" "$2"
}
# The creator holds the interpreter.
build interpreter interpreter/interpreter.wasm
build creator creator/package/creator.wasm
build research research/package/research.wasm
find . ../wit -type f ! -name built.txt ! -name '*.md' ! -name souk.json ! -path './target/*' | LC_ALL=C sort | xargs sha256sum >built.txt
