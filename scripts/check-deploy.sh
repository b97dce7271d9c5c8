#!/bin/sh
# Checks docker-compose.yml and the manifests in deploy/kubernetes/ with tools/check-deploy: against the schemas of
# Kubernetes, and against the rules of this house. Offline but for the crates it is built from, and never skipped.
set -eu

cd "$(dirname "$0")/.."
PATH=$PATH:${HOME:-}/.cargo/bin
cache=${SOUK_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/souk}

# Compiling the schemas takes minutes, once per machine: the artifacts outlive the clone.
export CARGO_TARGET_DIR="$cache/target-deploy"
tool=tools/check-deploy/Cargo.toml
cargo fmt --manifest-path "$tool" --check
# Its tests plant a fault of every kind and expect each to be found.
cargo test --locked --quiet --manifest-path "$tool" </dev/null
cargo run --locked --quiet --manifest-path "$tool" -- . </dev/null

# Where Docker is, its own opinion as well. Compose refuses to render while a required secret is unset; these are never used.
if docker compose version >/dev/null 2>&1; then
    POSTGRES_PASSWORD=check-only SOUK_KEK=check-only docker compose --profile small config --quiet
    echo "check-deploy: docker compose accepts docker-compose.yml"
fi
