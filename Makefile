.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LONG ?=

.PHONY: help setup run graphiql test test-long check fix schema client lock migration

help: ## What can be done
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: .venv/ready ## Create the environment from the pinned requirements

.venv/ready: requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with PYTHON=…")'
	@echo "Installing into .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup .venv/graphiql ## Serve on 127.0.0.1:8000 (PORT=…), with a demo in an empty database
	@$(BIN)/rolodesk serve --migrate --demo

.venv/graphiql: .venv/ready $(wildcard web/*.js web/*.jsx web/*.css web/index.html web/package*.json)
	@web/build.sh $@

graphiql: setup ## Build GraphiQL's bundle again (Node 20.19 or newer)
	@web/build.sh .venv/graphiql

test: setup ## Run the tests (minutes)
	$(BIN)/pytest -m "not long"

.venv/clients: .venv/ready tests/clients/package-lock.json
	@tests/clients/install.sh $@

.venv/partner/ready: .venv/ready clients/python/requirements.txt
	@echo "Installing the partner client's environment into .venv/partner …"
	@$(PYTHON) -m venv .venv/partner
	@.venv/partner/bin/pip install --quiet --disable-pip-version-check --require-hashes -r clients/python/requirements.txt
	@touch $@

client: .venv/partner/ready ## Generate the partner client from schema.graphql
	@cd clients/python && PYTHONPATH=. ../../.venv/partner/bin/ariadne-codegen >/dev/null

test-long: setup .venv/graphiql .venv/clients .venv/partner/ready ## Run what is too long for every run
	$(BIN)/pytest -m long $(LONG) || [ $$? -eq 5 ] # 5: there are none

check: setup ## Format, lint, types, the rooms' one direction, the schema in step
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/rolodesk schema --check schema.graphql

fix: setup ## Format, and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

schema: setup .venv/partner/ready ## Write schema.graphql from the code, and what is generated from it
	$(BIN)/rolodesk schema > .venv/schema.graphql && mv .venv/schema.graphql schema.graphql
	@$(MAKE) --no-print-directory client

lock: setup ## Pin what pyproject.toml asks for: names, versions and hashes
	@for extra in "" "--extra=dev"; do \
		$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
			--no-emit-find-links --python-version 3.11 $$extra pyproject.toml -o requirements$${extra:+-dev}.txt >/dev/null; done
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --python-version 3.11 --extra=dev clients/python/pyproject.toml -o clients/python/requirements.txt >/dev/null

migration: setup ## Draft a migration from the tables: make migration m="what changes"
	$(BIN)/rolodesk migration "$(m)"

bench: setup ## Compare with hand-written SQL and with loaders, or with asyncpg (ENGINE=postgres); long; more=--quick is short
	$(BIN)/python -m benchmarks$(if $(filter postgres,$(ENGINE)),.postgres) $(more)
