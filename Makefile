# Everything starts from python3, pip, make and a shell.
#   make run    the demo on http://localhost:8000 (PORT= to change)
#   make test   every test on SQLite and PostgreSQL, and in a real browser
PYTHON ?= python3
VENV ?= .venv
export VENV

.DEFAULT_GOAL := help
.PHONY: help run test trials bench load figures check pictures translations format venv lock

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1	\2/p' Makefile

run: ## serve the demo: made-up people, a worker, the beat, the pages (PORT=8000)
	@$(PYTHON) scripts/bootstrap.py
	@$(VENV)/bin/python scripts/run_demo.py

test: ## run every test (ARGS="tests/people -x", LANES="sqlite postgres browser", PICTURES=1 keeps screenshots in var/screenshots)
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python scripts/run_tests.py $(ARGS)

trials: ## try races, kills and faults many times, each on both databases (ARGS="-k editors", LANES="sqlite postgres")
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python scripts/run_trials.py $(ARGS)

bench: ## measure pages and heavy work with 1,000 and 100,000 people (ARGS="--people 1000 --runs 5 --only home save")
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python -m bench $(ARGS)

load: ## 200 people at their self-check over HTTP, with and without pauses (ARGS="--people 50 --pause 0")
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python -m bench.load $(ARGS)

figures: ## write docs/figures.md anew from the results of test, trials, bench and load
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python scripts/make_figures.py

check: ## lint, types, import contracts, migrations, translations, words
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python scripts/run_checks.py $(ARGS)

pictures: ## take the README's pictures again, from the browser tests
	@$(PYTHON) scripts/bootstrap.py --dev
	@LANES=browser $(VENV)/bin/python scripts/run_tests.py tests/browser/test_demo.py
	@mkdir -p docs/images
	@for name in selfcheck selfcheck-phone board dashboard; do cp var/screenshots/readme-$$name.png docs/images/$$name.png; done

translations: ## collect new strings into the Japanese catalogue and compile it
	@$(PYTHON) scripts/bootstrap.py --dev
	@$(VENV)/bin/python scripts/check_translations.py --write

format: venv ## put the code into its one format
	@$(VENV)/bin/ruff check --fix-only --quiet .
	@$(VENV)/bin/ruff format --quiet .
	@find templates -name '*.html' -exec $(VENV)/bin/djade --target-version 5.2 {} +

venv: ## make .venv with everything in it
	@$(PYTHON) scripts/bootstrap.py --dev

COMPILE = $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" $(UPGRADE)

lock: venv ## pin the libraries of pyproject.toml again (UPGRADE=--upgrade takes newer ones)
	$(COMPILE) requirements-uv.in -o requirements-uv.txt
	$(COMPILE) pyproject.toml -o requirements.txt
	$(COMPILE) pyproject.toml --extra dev -c requirements.txt -o requirements-dev.txt
