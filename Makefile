# Every command of the project. Needs Python 3.10 or newer, make and a package registry; all else goes into .venv.
PYTHON ?= $(shell for p in python3.12 python3.13 python3.11 python3.10 python3; do \
	"$$p" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && { echo "$$p"; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# What people set for pip elsewhere must not lead away from .venv, nor from the wheels that the locks name; mirrors are theirs.
export PIP_USER := 0
export PIP_NO_BINARY := :none:
unexport PIP_DRY_RUN PIP_PREFIX PIP_REQUIRE_HASHES PIP_ROOT PIP_TARGET
# Without bytecode every worker, and every command that a test starts, would compile its sources anew.
unexport PYTHONDONTWRITEBYTECODE

# An interrupted set-up, or an upgrade of Python, leaves a .venv without a pip that works: it is made again.
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
ifneq ($(wildcard $(VENV)/.),)
ifneq ($(shell $(BIN)/python -c 'import pip' >/dev/null 2>&1 && echo works),works)
$(info $(VENV) is incomplete: it is made again)
$(shell rm -rf $(VENV))
endif
endif
endif

.DEFAULT_GOAL := help
.PHONY: help run test test-runtimes soak simulate mutants lint format bench clean locks package infra contracts screenshots conformance

help:  ## what can be made
	@awk -F ':.*##' '/^[a-z-]+:.*##/ { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

NO_VENV := Python 3.10 or newer, with its venv module, is needed; Debian and Ubuntu have it in a package: apt-get install python3-venv
$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "$(NO_VENV)" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(NO_VENV)" >&2; exit 1; }

# Each lock is a superset of the one before it: a stamp says which were installed.
$(VENV)/.local $(VENV)/.dev $(VENV)/.bench: $(VENV)/.%: locks/%.txt $(BIN)/python
	$(PIP) install --require-hashes --no-deps -r $<
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

run: $(VENV)/.local  ## the local cloud and the main job on real input (ONCE=1: end by itself; PORT=9800; STATE=folder)
	$(BIN)/ota-modules run $(if $(ONCE),--once) $(if $(PORT),--port $(PORT)) $(if $(STATE),--state $(STATE))

# Some tests of template.yml need the vendor's own tool, from npm; they are skipped where there is none.
NODE := $(if $(shell command -v npm 2>/dev/null),node_modules/.package-lock.json)
node_modules/.package-lock.json: package.json package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# Tests wait more than they work: two workers a core and more. What counts calls by the second, or lets processes be late, is
# marked `quiet`, and has nothing beside it but its like, which hardly work at all. The files that take longest come first.
PYTEST := $(BIN)/pytest --dist=loadfile --no-loadscope-reorder
QUIET = $(shell grep -rl --include='test_*.py' 'mark\.quiet' tests)
test: $(VENV)/.dev $(NODE)  ## every test
	$(PYTEST) --numprocesses=5 -m 'not quiet' tests/simulation tests/e2e tests/deploy tests
	$(PYTEST) --numprocesses=6 -m quiet $(QUIET)

# The platform's runtimes; each has an environment of its own beside .venv.
RUNTIMES := 3.10 3.12
HANDLER_TESTS := tests/handler

test-runtimes: $(addprefix .runtime-,$(RUNTIMES))  ## the function's own tests on Python 3.10 and 3.12, where they are installed

.runtime-%: $(VENV)/.dev
	@python=$$($(BIN)/python -c 'from deploy.interpreters import find; print(find("$*") or "")'); \
	test -n "$$python" || { echo "no Python $* on this machine: its tests are skipped"; exit 0; }; \
	test $(VENV)-$*/.dev -nt locks/dev.txt || { "$$python" -m venv $(VENV)-$* && \
		$(VENV)-$*/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps -r locks/dev.txt && \
		touch $(VENV)-$*/.dev; }; \
	$(VENV)-$*/bin/python -m pytest $(HANDLER_TESTS)

soak: $(VENV)/.dev  ## random faults, one plan after another (SEED=1 MINUTES=10; RUN= and PLAN= for one run alone)
	$(BIN)/python -m tests.e2e.soak --seed $(or $(SEED),1) --minutes $(or $(MINUTES),10) \
		$(if $(RUN),--run $(RUN)) $(if $(PLAN),--plan '$(PLAN)')

simulate: $(VENV)/.dev  ## the function on virtual time, for 200 seeds drawn anew, for SEEDS=1-1000, or one PLAN again with its trace
	$(BIN)/python -m tests.simulation $(if $(SEEDS),--seeds $(SEEDS)) $(if $(PLAN),--plan '$(PLAN)')

mutants: $(VENV)/.dev  ## plant faults in copies of the function: each must be found
	$(BIN)/python -m tests.mutants

lint: $(VENV)/.dev  ## ruff, mypy --strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev  ## rewrite the code in the house's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

package: $(VENV)/.local  ## the function's zip for each runtime, and dist/function (RUNTIME=python3.12: for that one)
	$(BIN)/python -m deploy.package $(if $(RUNTIME),--runtime $(RUNTIME))

infra: $(VENV)/.local  ## the ROS template of template.yml, as a file of its own
	$(BIN)/python -m deploy.infra

contracts: $(VENV)/.local  ## the schemas, AsyncAPI and OpenAPI documents of events/, from the function's own models
	$(BIN)/python -m deploy.contracts

screenshots: $(VENV)/.dev  ## the pictures in docs/screenshots: the page (needs Chromium) and a terminal
	$(BIN)/python -m tools.screenshots
	$(BIN)/python -m tools.terminal

locks:  ## pin every dependency anew, with hashes
	@command -v uv >/dev/null || { echo "uv is needed to make locks" >&2; exit 1; }
	for extra in local dev bench; do uv pip compile --universal --python-version 3.10 --generate-hashes --no-emit-index-url \
		--no-emit-package ota-modules --custom-compile-command "make locks" --quiet --extra $$extra pyproject.toml -o locks/$$extra.txt; done
	uv pip compile --python-version 3.10 --python-platform x86_64-manylinux2014 --constraint locks/dev.txt --generate-hashes \
		--no-annotate --no-emit-index-url --custom-compile-command "make locks" --quiet handler/requirements.in \
		$(foreach p,cffi cryptography deprecated jmespath pycparser pycryptodome wrapt,--no-emit-package $(p)) -o handler/requirements.txt

bench: $(VENV)/.bench  ## the tables of BENCHMARKS.md, in one run (about fifteen minutes; the machine should be quiet; `python -m bench --only start` for one table)
	$(BIN)/python -m bench

conformance: $(VENV)/.dev  ## ask a platform what its documentation leaves open (TARGET=account PRODUCT=… INSTANCE=…; default: the local cloud)
	$(BIN)/python -m tests.conformance $(if $(TARGET),--target $(TARGET)) $(if $(PRODUCT),--product '$(PRODUCT)') \
		$(if $(INSTANCE),--instance '$(INSTANCE)')

clean:  ## forget what was installed and built
	rm -rf $(VENV) $(VENV)-* node_modules dist build
