# Two commands set up all they need: `make demo` and `make test`.
# Needed: git, make, Python 3.11 or newer, and an index to install packages from.
# No Redis needed: without a server on PATH (6.2 or newer) the environment's own runs.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip -qq --disable-pip-version-check --no-input

.DEFAULT_GOAL := help
# One environment, so one thing at a time, whatever -j says.
.NOTPARALLEL:
.DELETE_ON_ERROR:

.PHONY: help
help: ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

.PHONY: demo
demo: $(VENV)/.demo ## see it work on real input (under a minute)
	@$(BIN)/hybridcache demo

.PHONY: test
test: lint ## check everything: format, lint, types, rooms, tests
	@echo "== pytest"
	@$(BIN)/python -m pytest

.PHONY: lint
lint: $(VENV)/.test ## check everything but the tests
	@echo "== ruff format"
	@$(BIN)/ruff format --check --quiet . || { echo "to format: $(BIN)/ruff format"; exit 1; }
	@echo "== ruff check"
	@$(BIN)/ruff check --quiet .
	@echo "== mypy"
	@$(BIN)/mypy
	@echo "== pyright"
	@$(BIN)/pyright
	@echo "== lint-imports"
	@$(BIN)/lint-imports --no-logo

.PHONY: bench
bench: $(VENV)/.bench ## measure, print a table, write JSON
	@$(BIN)/python -m benchmarks

.PHONY: soak
soak: $(VENV)/.test ## hostile bytes, load with faults, the longest tests (minutes)
	@echo "== soak.fuzz"
	@$(BIN)/python -m soak.fuzz --seconds 60
	@echo "== soak.load"
	@$(BIN)/python -m soak.load
	@echo "== pytest -m soak"
	@$(BIN)/python -m pytest -m soak tests/integration

.PHONY: dashboard
dashboard: $(VENV)/.demo ## see the dashboard live, with faults (needs prometheus)
	@$(BIN)/python -m dashboard $(ARGS)

.PHONY: dashboard-test
dashboard-test: $(VENV)/.test ## test the dashboard (needs prometheus and chromium)
	@$(BIN)/python -m pytest -m browser tests/browser/test_page.py

.PHONY: browser-test
browser-test: $(VENV)/.test ## test what a browser sees of the HTTP cache (needs chromium)
	@$(BIN)/python -m pytest -m browser tests/browser/test_cached_page.py

.PHONY: proxy
proxy: $(VENV)/.test ## run the caching reverse proxy (ARGS="--origin http://...")
	@$(BIN)/python examples/reverse_proxy.py $(ARGS)

.PHONY: clean
clean: ## remove the environment and every cache
	@rm -rf $(VENV) .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ------------------------------------------------------------ the environment
# A stamp is a file that says what was installed; a changed pyproject.toml outdates it.
# The first Python that is new enough is taken; `make PYTHON=...` names another.

CANDIDATES := $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)

$(VENV)/.made:
	@set -e; found=; \
	for candidate in $(CANDIDATES); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; \
	    then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	    echo "hybridcache needs Python 3.11 or newer; tried: $(CANDIDATES)." >&2; \
	    echo "Name one with: make $(or $(MAKECMDGOALS),test) PYTHON=/path/to/python3.11" >&2; exit 1; \
	fi; \
	echo "== environment in $(VENV): $$("$$found" --version), a minute the first time"; \
	rm -rf $(VENV); \
	if ! "$$found" -m venv $(VENV); then \
	    rm -rf $(VENV); \
	    echo "$$found could not make a virtual environment. On Debian and Ubuntu its venv" >&2; \
	    echo "module is a package of its own: apt install python3-venv (or python3.11-venv)." >&2; \
	    exit 1; \
	fi
	@# pip 25.1 is the first that reads [dependency-groups].
	@$(PIP) install --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable '.[cli]' --group server
	@touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable '.[cli]' --group test --group lint
	@touch $@

$(VENV)/.bench: $(VENV)/.made pyproject.toml
	@$(PIP) install --editable . --group bench
	@touch $@
