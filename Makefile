# make run: everything from nothing to a report. make test: what .ci/run runs. make help: the rest.

# Names tried in this order; the first that is new enough wins. `make PYTHON=python3.12` chooses.
PYTHON ?= python3 python3.14 python3.13 python3.12 python3.11
VENV := .venv
BIN := $(VENV)/bin

# A stamp's name carries its file's checksum: what has not changed is never installed again,
# whatever the files' dates say (a fresh clone, a branch switched to and fro).
checksum = $(firstword $(shell cksum < $(1)))
CREATED := $(VENV)/.created
RUN_LOCK := $(call checksum,requirements/run.txt)
RUN := $(VENV)/.run-$(RUN_LOCK)
TEST := $(VENV)/.test-$(RUN_LOCK)-$(call checksum,requirements/test.txt)
PROJECT := $(VENV)/.project-$(call checksum,pyproject.toml)

# Warnings are left out: they are about the machine's own pip settings, not about the project.
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-header --allow-unsafe pyproject.toml

.DELETE_ON_ERROR:
.PHONY: help install run asv asv-dashboard declare test fast monitor-demo picture lint format lock clean

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile

install: $(RUN) $(PROJECT) ## create .venv with the pinned dependencies and the project

run: install ## measure the catalogue at the quick profile and say where the report is
	$(BIN)/leakbench run --profile quick

# Interpreters that answer, and not those that are only on the PATH, as pyenv's are.
ASV_PYTHONS ?= $(shell for v in 3.11 3.12 3.13; do python$$v -c pass 2>/dev/null && echo $$v; done)
ASV := PATH=$(abspath $(BIN)):$$PATH $(BIN)/asv

asv: install $(TEST) ## measure HEAD with asv in environments of its own, and publish; ASV_PYTHONS=3.11
	@test -e ~/.asv-machine.json || $(ASV) machine --yes >/dev/null
	@git diff --quiet HEAD -- || echo "make: the work tree has changes that are in no commit: not measured" >&2
	$(ASV) run --show-stderr $(foreach version,$(ASV_PYTHONS),-E virtualenv:$(version)) $(ASV_OPTIONS) HEAD^!
	@git rev-parse --verify --quiet main >/dev/null || { \
	  echo "make: measured; the dashboard draws main, which is not here: git fetch origin main:main" >&2; exit 1; }
	$(ASV) publish

asv-dashboard: install $(TEST) ## open the published dashboard; needs no network
	$(ASV) preview --browser

declare: install ## write asv's declaration of all cases anew
	$(BIN)/python benchmarks/declare.py

test: install $(TEST) ## run every test, one on each core
	$(BIN)/python -m pytest --numprocesses auto --dist worksteal

fast: install $(TEST) ## run the quick tests: what measures is left out, but for a few
	$(BIN)/python -m pytest -m "not slow" --numprocesses auto --dist worksteal

monitor-demo: install ## watch a real Prometheus tell a leaking service from its mended twin
	$(BIN)/python -m leakbench.monitor.demo

picture: install ## measure the session map and render the README's picture; needs Chromium
	$(BIN)/python docs/picture.py

lint: install $(TEST) ## ruff and mypy, as strict as they come
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: install $(TEST) ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: install $(TEST) ## write the lock files anew; UPGRADE=1 takes newer versions
	$(COMPILE) $(if $(UPGRADE),--upgrade) --extra libraries --extra servers --extra monitor \
		requirements/run.in --output-file requirements/run.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) --all-extras requirements/test.in --output-file requirements/test.txt

clean: ## remove everything that make made, except results
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache harness/*.egg-info

$(CREATED):
	@for python in $(PYTHON); do \
	  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  "$$python" -c 'import ensurepip, venv' 2>/dev/null || { without_venv=$$python; continue; }; \
	  "$$python" -m venv --clear $(VENV) && touch $@ && exit 0; exit 1; \
	done; \
	if [ -n "$$without_venv" ]; then \
	  echo "make: $$without_venv lacks the venv module; on Debian and Ubuntu: apt-get install python3-venv"; \
	else \
	  echo "make: leakbench needs Python 3.11 or newer; tried: $(PYTHON). Name another: make PYTHON=/path/to/python"; \
	fi >&2; exit 1

$(RUN): $(CREATED)
	$(PIP) --only-binary :all: --require-hashes --requirement requirements/run.txt
	@rm -f $(VENV)/.run-* && touch $@

# psleak is published as source alone: built with the locked setuptools, not with one fetched for it.
$(TEST): $(RUN)
	$(PIP) --no-build-isolation --require-hashes --requirement requirements/test.txt
	@rm -f $(VENV)/.test-* && touch $@

$(PROJECT): $(RUN)
	$(PIP) --no-build-isolation --no-deps --editable .
	@rm -f $(VENV)/.project-* && touch $@
