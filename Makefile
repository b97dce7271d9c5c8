# Souk. Every target finds or installs what it needs first and says so; `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# Tools that Souk installs for itself live outside the clone, so that a fresh clone finds them again.
SOUK_CACHE_DIR ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/souk
export SOUK_CACHE_DIR

# rustup's directory is not on every non-interactive shell's PATH.
export PATH := $(PATH):$(HOME)/.cargo/bin:$(SOUK_CACHE_DIR)/tools/bin

CARGO ?= cargo
DEMO_ARGS ?=
TEST_ARGS ?=
BENCH_ARGS ?=
# Programs that were built together are run as they are: cargo would build each alone once more, with other features.
RELEASED = $(or $(CARGO_TARGET_DIR),target)/release

.PHONY: help setup postgres kafka greenmail build demo test lint fmt fmt-check clippy deny deploy tree bench bench-full

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## find or install everything: Rust components, C compiler, PostgreSQL, Java, Kafka, GreenMail, cargo-deny
	@sh scripts/setup.sh all

postgres:
	@sh scripts/setup.sh build postgres

kafka:
	@sh scripts/setup.sh kafka

greenmail:
	@sh scripts/setup.sh greenmail

# The development profile: on two cores it builds several times faster than a release, its hashing and compression
# are optimized all the same, and `make test` uses the same artifacts. Selecting the whole workspace keeps the
# features of the dependencies as they are for the tests, so that nothing is compiled twice.
build: postgres ## build every program (development profile)
	$(CARGO) build --locked --workspace --bins

demo: build ## start Souk on a database of its own, import a sample catalogue, walk the journey, keep serving
	$(CARGO) run --locked --quiet --bin souk-demo -- $(DEMO_ARGS)

# The end-to-end tests start the real binary, so it is built before the first of them runs.
test: postgres kafka greenmail ## run all tests, with a real PostgreSQL, a real Kafka and a real mail server
	$(CARGO) build --locked --workspace --bins --tests
	$(CARGO) test --locked --workspace $(TEST_ARGS)
	$(CARGO) test --locked --workspace --lib --manifest-path plugins/Cargo.toml $(TEST_ARGS)

lint: fmt-check clippy deny deploy tree ## formatting, clippy, licences and bans, compose file and manifests, house rules

fmt: ## format all Rust code
	$(CARGO) fmt --all
	$(CARGO) fmt --all --manifest-path plugins/Cargo.toml

fmt-check:
	@sh scripts/setup.sh build lint
	$(CARGO) fmt --all --check
	$(CARGO) fmt --all --check --manifest-path plugins/Cargo.toml

clippy:
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(CARGO) clippy --locked --workspace --all-targets --manifest-path plugins/Cargo.toml -- -D warnings

deny:
	@sh scripts/setup.sh deny
	@sh scripts/check-dependencies.sh

deploy:
	@sh scripts/check-deploy.sh

tree:
	@sh scripts/check-tree.sh

bench: postgres kafka ## measure the budgets against floors taken in the same run (release profile)
	$(CARGO) build --locked --release --package souk --package souk-test-kafka
	$(RELEASED)/souk-with-kafka $(RELEASED)/souk bench --report target/bench/report.json $(BENCH_ARGS)

bench-full: ## the same at the size that the budgets speak of: 100,000 plugins, 1,000,000 events
	@$(MAKE) bench BENCH_ARGS="--plugins 100000 --events 1000000 $(BENCH_ARGS)"
