# Copyright the Tollgate authors. SPDX-License-Identifier: Apache-2.0
#
# The entry points; each is a script of the same name in Scripts/, and passes ARGS on to it.

.DEFAULT_GOAL := help
.PHONY: help build demo test test-long simulate bench check package clean

help: ## list the entry points
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

build: ## release build: .build/release/tollgate and .build/release/toll
	@Scripts/install
	@Scripts/build $(ARGS)

demo: ## a whole market on this machine: chain, facilitator, gateway, API, agent (ARGS=--stay keeps it running)
	@Scripts/demo $(ARGS)

test: ## install what is missing, run the tests and the interop matrix; at most 20 minutes
	@Scripts/test $(ARGS)

test-long: ## what takes longer: the tests in release, 200 kills, checks of Circle's own token, the matrix three times
	@Scripts/test-long $(ARGS)

simulate: ## simulated worlds full of faults (SEEDS=10000 as many, SEED=42 one with its whole story)
	@SEEDS="$(SEEDS)" SEED="$(SEED)" FROM="$(FROM)" Scripts/simulate

bench: ## benchmarks against peers, as a table (ARGS="--json FILE" keeps the figures)
	@Scripts/bench $(ARGS)

check: ## format, house rules, documentation links
	@Scripts/check $(ARGS)

package: ## a Debian package of both programs, with a systemd unit, in .build/package
	@Scripts/package $(ARGS)

clean: ## remove what was built, installed and downloaded here
	rm -rf .build .cache .venv .venv-v1
