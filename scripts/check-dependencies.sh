#!/bin/sh
# Licences, bans and sources of every dependency; known vulnerabilities when the advisory database can be had.
set -eu

cd "$(dirname "$0")/.."
PATH=$PATH:${HOME:-}/.cargo/bin:${SOUK_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/souk}/tools/bin
export PATH

# Two versions of one crate are a warning that only `cargo deny check bans` by hand spells out: there are always some.
cargo deny --locked --log-level error check --hide-inclusion-graph bans licenses sources
for other in tools/check-deploy plugins; do
    cargo deny --locked --log-level error --config deny.toml --manifest-path "$other/Cargo.toml" check \
        --hide-inclusion-graph bans licenses sources
done

# The database is a git repository on a public host. A machine without a way there still checks all the rest.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
limit=''
if command -v timeout >/dev/null 2>&1; then limit='timeout 120'; fi
# shellcheck disable=SC2086
if $limit cargo deny fetch db >"$log" 2>&1 </dev/null; then
    cargo deny --locked check --hide-inclusion-graph --disable-fetch advisories
else
    echo "check-dependencies: SKIPPED the advisories: RustSec's database could not be fetched on this machine:"
    grep -i 'failed to' "$log" | head -n 1 | cut -c 1-160
fi
