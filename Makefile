.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup run test test-long check fix schema migration bench

help: ## What can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/ready ## Create the environment from the pinned requirements

.venv/ready: requirements-dev.txt pyproject.toml
	python3 -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . || $(BIN)/pip install --quiet --no-deps -e .
	@touch $@

test: setup ## Run the tests (minutes)
	$(BIN)/pytest -m "not long"

check: setup ## Format, lint, types, the rooms' one direction, the schema in step
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: setup ## Format, and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
