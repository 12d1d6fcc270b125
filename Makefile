# Every target sets the project up first (quiet when that is done).
PYTHON := .venv/bin/python
PYTEST := PYTHONHASHSEED=0 $(PYTHON) -m pytest
ARGS ?=

# Tests start hundreds of processes; each would compile the program anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup test test-cov test-unit test-integration test-e2e test-slow test-shell test-browser test-faults test-pythons simulate kills risk-kills crashes reloads imports soak coin-days lint format typecheck bench screens run-cli clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-20s%s\n", $$1, $$2 }' Makefile

setup: ## make .venv and install everything, development tools too
	@./start_cli.sh --setup dev

test: setup ## run all tests but those of the tiers below
	@$(PYTEST) -n 4 --dist worksteal -q $(ARGS)

test-cov: setup ## run what `test` runs and report what that does not reach
	@$(PYTEST) -n 2 -q --cov --cov-report=term-missing:skip-covered $(ARGS)

test-unit: setup ## run the fast, isolated tests
	@$(PYTEST) -n 2 --dist worksteal -q tests/unit $(ARGS)

test-integration: setup ## run the tests on real files and databases
	@$(PYTEST) -n 2 -q tests/integration $(ARGS)

test-e2e: setup ## run the tests that start the commands
	@$(PYTEST) -n 2 -q tests/e2e $(ARGS)

test-slow: setup ## run the benchmarks once, small, and the other tests' proofs with more of everything
	@$(PYTEST) -n 4 --dist worksteal -q -m slow $(ARGS)

test-shell: setup ## drive the interactive shell in a terminal, every command of it
	@$(PYTEST) -n 3 --dist worksteal -q -m shell $(ARGS)

test-browser: setup ## open reports in a headless Chromium; skipped where there is none
	@./start_cli.sh --setup browser || echo "notice: Playwright cannot be installed: its tests are skipped"
	@$(PYTEST) -q -m browser tests/browser $(ARGS)

test-faults: setup ## steer, kill and starve live runs, play fault schedules: minutes of it
	@$(PYTEST) -n 4 --dist worksteal -q -m live $(ARGS)

test-pythons: ## run what `test` runs with each Python of PYTHONS, in an environment of its own: minutes each
	@for python in $(or $(PYTHONS),python3.11 python3.12 python3.13); do \
	  own=.venv-$$($$python -c 'import sys; print(*sys.version_info[:2], sep=".")') && \
	  $$python -m venv $$own && $$own/bin/python -m pip install -qq --editable '.[dev]' && \
	  echo "== $$own" && \
	  PYTHONHASHSEED=0 $$own/bin/python -m pytest -n 4 --dist worksteal -q $(ARGS) || exit 1; \
	done

simulate: setup ## play fault schedules: make simulate SEED=7, or SEEDS=1000 FIRST=0 COUNTS=file; VENUE=binance
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults --venue $(or $(VENUE),practice) $(if $(SEED),--seed $(SEED),--seeds $(or $(SEEDS),1000) --first $(or $(FIRST),0) $(if $(COUNTS),--counts $(COUNTS)))

lint: setup ## check style, formatting and the direction of imports
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@.venv/bin/lint-imports

format: setup ## rewrite what ruff can put right
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

typecheck: setup ## mypy, strict
	@$(PYTHON) -m mypy

bench: setup ## time the workloads: make -s bench ARGS="--only one --json"
	@PYTHONHASHSEED=0 $(PYTHON) -m benchmarks $(ARGS)

screens: setup ## take the screens that the docs show anew, from the shell in a terminal
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.shell_screens

kills: setup ## kill live runs at random moments: make kills KILLS=500, VENUE=binance
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults.killing --kills $(or $(KILLS),500) --venue $(or $(VENUE),practice)

risk-kills: setup ## kill runs with breakers at random moments: make risk-kills KILLS=100
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults.risk_kills --kills $(or $(KILLS),100)

crashes: setup ## have live runs die at every named point: make crashes TIMES=20
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults.crashing --times $(or $(TIMES),20)

reloads: setup ## reload a strategy of a live run, well and badly: make reloads RELOADS=300
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults.reloading --reloads $(or $(RELOADS),300) $(ARGS)

imports: setup ## a month of minutes at its limit, killed again and again: make imports KILLS=20
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.sources.importing --kills $(or $(KILLS),20) $(ARGS)

soak: setup ## trade live on real threads: make soak MINUTES=20 ARGS="--until 2024-12-04"
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults.soaking --minutes $(or $(MINUTES),20) $(ARGS)

coin-days: setup ## trade coins at the Binance peer for days of its time: make coin-days DAYS=3 RATE=600
	@PYTHONHASHSEED=0 $(PYTHON) -m tests.faults.coin_days --days $(or $(DAYS),3) --rate $(or $(RATE),600)

run-cli: ## run a command: make run-cli ARGS="init-db"
	@./start_cli.sh $(ARGS)

clean: ## remove what tools left behind; .venv and data stay
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis htmlcov .coverage
	@find backend tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
