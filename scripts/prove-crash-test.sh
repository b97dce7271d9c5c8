#!/bin/sh
# Shows that the crash test can fail: it must, against a Souk that writes the checkpoints of its read models outside the
# transaction. Builds that Souk, runs the test against it, and builds the right one again.
set -eu
cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}
target=${CARGO_TARGET_DIR:-target}

echo "prove-crash-test: building a Souk whose checkpoints are not in the transaction"
$cargo build --locked --quiet --package souk --features faulty-checkpoint
cp "$target/debug/souk" "$target/debug/souk-faulty"
$cargo build --locked --quiet --workspace --bins --tests

echo "prove-crash-test: the crash test against it"
if SOUK_TEST_BINARY="$(cd "$target/debug" && pwd)/souk-faulty" $cargo test --locked --package souk-tests --test e2e -- crash; then
    echo "prove-crash-test: the test passed, so it proves nothing" >&2
    exit 1
fi
echo "prove-crash-test: the test failed, as it must; now against the right Souk"
$cargo test --locked --package souk-tests --test e2e -- crash
