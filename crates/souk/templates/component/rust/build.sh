#!/bin/sh
# Builds plugin.wasm. Once before: rustup target add wasm32-wasip2
set -eu
cd "$(dirname "$0")"
cargo build --release --target wasm32-wasip2 --target-dir target
cp target/wasm32-wasip2/release/plugin.wasm plugin.wasm
