# What a person or a machine does with Roomcast, by name. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# A registry that hiccups must not fail a build.
export CARGO_NET_RETRY ?= 5

CARGO_ALL := --workspace --locked
NPM_QUIET := --ignore-scripts --no-audit --no-fund --loglevel=error
HAS       := command -v
RUN_TESTS  = if $(HAS) cargo-nextest >/dev/null; \
	then cargo nextest run $(CARGO_ALL) --profile $(1) $(if $(TEST),-E 'test($(TEST))'); \
	else cargo test $(CARGO_ALL) --tests --no-fail-fast $(TEST); fi
# These modules of the system's tests, once more. Out of the whole workspace: one package by itself has other
# features, and would be built anew.
RUN_AGAIN  = if $(HAS) cargo-nextest >/dev/null; \
	then cargo nextest run $(CARGO_ALL) -E 'package(roomcast) & binary(system) & ($(foreach module,$(1),test(/^$(module)::/) |) none())'; \
	else cargo test $(CARGO_ALL) --test system --no-fail-fast -- $(addsuffix ::,$(1)); fi

TEST_NODE   := tests/node/node_modules/.package-lock.json
TEST_PYTHON := .venv/.ready
# The Python package, whose messages are written when it is installed.
PYTHON      := clients/python/pyproject.toml clients/python/contract.py clients/python/requirements.txt \
	docs/ERRORS.md $(wildcard proto/roomcast/v1/*.proto)
TYPESCRIPT  := clients/typescript/node_modules/.package-lock.json
CONSOLE     := console/node_modules/.package-lock.json
# What the edge embeds, and what it is made of: the client and its hooks are built into it.
CONSOLE_PAGE := console/dist/index.html
CONSOLE_SOURCE = $(shell find console/src clients/typescript/client/src clients/typescript/react/src -type f -not -path '*/generated/*')
FANOUT_NODE := bench/peers/node/node_modules/.package-lock.json
FANOUT_PYTHON := bench/peers/python/.venv/.ready

.PHONY: help setup tools run cluster test console clients lint audit prove fuzz bench fanout fanout-tools docs clean

help: ## List what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /make \1\t/' | expand -t 14

# --- set-up: each part is done once and again when its lock file changes -------------------------

setup: tools $(TEST_NODE) $(TEST_PYTHON) $(TYPESCRIPT) $(CONSOLE_PAGE) ## Bring everything the tests need (idempotent)

tools:
	@.ci/tools test

# Not `npm ci`: it insists on binaries (buf's, rollup's) for every other platform, which not every registry
# has.
$(TEST_NODE): tests/node/package-lock.json
	cd tests/node && npm install --no-save $(NPM_QUIET)
	@touch $@

$(TYPESCRIPT): clients/typescript/package-lock.json
	cd clients/typescript && npm install --no-save $(NPM_QUIET)
	@touch $@

$(CONSOLE): console/package-lock.json
	cd console && npm install --no-save $(NPM_QUIET)
	@touch $@

$(CONSOLE_PAGE): $(CONSOLE) $(CONSOLE_SOURCE) console/index.html console/vite.config.ts console/tools/pack.mjs
	cd console && npm run --silent build

$(TEST_PYTHON): tests/python/requirements.txt $(PYTHON) | tools
	python3 -m venv .venv
	.venv/bin/pip install --quiet --disable-pip-version-check --requirement $< \
		--requirement clients/python/requirements.txt --editable clients/python
	@touch $@

# --- running -------------------------------------------------------------------------------------

run: ## Build and run `roomcast dev` (ARGS="--http 127.0.0.1:9000" for its flags)
	@.ci/tools run
	@$(MAKE) --no-print-directory $(CONSOLE_PAGE)
	cargo run --locked --package roomcast -- dev $(ARGS)

cluster: ## PostgreSQL, Redis, two cores and two edges on this machine (docs/guides/cluster.md)
	@.ci/tools cluster
	@$(MAKE) --no-print-directory $(CONSOLE_PAGE)
	cargo build --locked --package roomcast
	@ROOMCAST=target/debug/roomcast exec deploy/cluster.sh

# --- testing -------------------------------------------------------------------------------------

test: setup lint ## Set-up, style, lints and every test
	$(call RUN_TESTS,default)
	cargo test --locked --doc --package roomcast-client
	@# What is delivered to sockets, without lanes; the guarantees, on the store of a cluster.
	export ROOMCAST_LANE=off; $(call RUN_AGAIN,edge guarantee)
	export ROOMCAST_TEST_STORE=postgres; $(call RUN_AGAIN,guarantee)
	@$(MAKE) --no-print-directory clients

console: $(CONSOLE_PAGE) ## Build the web console, which the edge serves under /console/

clients: $(TYPESCRIPT) $(CONSOLE_PAGE) $(TEST_PYTHON) ## Build and test the client libraries and the console against the built roomcast
	cargo build --locked --package roomcast
	cd clients/typescript && npm test
	cd clients/python && ../../.venv/bin/python -m pytest
	cd console && npm test

lint: setup
	cargo fmt --all --check
	tests/node/node_modules/.bin/buf lint proto
	@if $(HAS) cargo-deny >/dev/null; \
		then cargo deny --offline --locked check bans licenses sources; \
		else echo "cargo-deny is not installed: \`make audit\` installs it and checks dependencies"; fi
	cargo clippy $(CARGO_ALL) --all-targets -- -D warnings

audit: ## Check dependencies: advisories, licences, sources (installs cargo-deny when missing)
	@$(HAS) cargo-deny >/dev/null || cargo install --locked cargo-deny
	cargo deny --locked check

prove: setup ## The long proofs of a release build (TEST=name for one); each writes docs/evidence/<what>.md
	@mkdir -p docs/evidence
	cargo build --release --locked --package roomcast
	export ROOMCAST_PROVE=1 ROOMCAST_TEST_BINARY=$(CURDIR)/target/release/roomcast \
		ROOMCAST_TEST_COMMIT=$$(git rev-parse --short HEAD); $(call RUN_TESTS,prove $(if $(TEST),--no-capture))
	@if rustc +nightly --version >/dev/null 2>&1; \
		then $(MAKE) --no-print-directory fuzz; \
		else echo "no nightly Rust: \`make fuzz\` was left out"; fi

fuzz: ## Fuzz what comes from strangers, FUZZ_SECONDS=600 each (nightly Rust; installs cargo-fuzz when missing)
	@$(HAS) cargo-fuzz >/dev/null || cargo install --locked cargo-fuzz
	.ci/fuzz $(or $(FUZZ_SECONDS),600)

bench: ## Measure on this machine (ARGS="start" for one benchmark, "postgres" or "bus" for a cluster's, see --help)
	cargo run --release --locked --package roomcast-bench -- $(or $(ARGS),all)

fanout: fanout-tools $(FANOUT_NODE) $(FANOUT_PYTHON) ## Fan-out beside other servers (ARGS="rooms" for one benchmark, see --help; Linux)
	cargo build --release --locked --package roomcast --package roomcast-fanout
	target/release/roomcast-fanout $(or $(ARGS),room)

fanout-tools:
	@.ci/tools fanout

$(FANOUT_NODE): bench/peers/node/package-lock.json
	cd bench/peers/node && npm ci $(NPM_QUIET)
	@touch $@

$(FANOUT_PYTHON): bench/peers/python/requirements.txt | fanout-tools
	python3 -m venv bench/peers/python/.venv
	bench/peers/python/.venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# --- upkeep --------------------------------------------------------------------------------------

docs: ## Make docs/ERRORS.md and docs/reference from the code
	cargo run --quiet --locked --package roomcast -- reference docs

clean: ## Remove what can be made again; data in .roomcast stays
	cargo clean
	rm -rf .venv tests/node/node_modules clients/typescript/node_modules console/node_modules console/dist
