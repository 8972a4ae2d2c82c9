# The course on a fresh machine:  make lab (read it) · make test (prove it) · make help (everything else)
#
#   make lab PYTHON=/path/to/python3.12     with a Python of your choice (3.11 or newer)
#   make lab TORCH_INDEX=<address>          with PyTorch's CPU-only index: a much smaller download on Linux (see README)
#   make lab PORT=9999 BROWSER=no           on another port, opening nothing
#   make test ARGS="tests/core -x"          some of the tests
#   make notebooks ONLY=02                  one lesson

PYTHON =
TORCH_INDEX =
PORT =
BROWSER = yes
JOBS = 2
ARGS =
ONLY =

BIN := .venv/bin
PEERS := .venv-peers/bin
CANDIDATES := $(if $(PYTHON),$(PYTHON),python3.11 python3.12 python3.13 python3.14 python3 python)
PIP := -m pip install --no-compile $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) -c constraints.txt

# What should be installed, as a number. A stamp that carries it in its name says "done": then pip is not even asked.
STATE := $(shell { echo "$(CURDIR)"; cat pyproject.toml constraints.txt; } | cksum | cut -d' ' -f1)
PEERS_STATE := $(shell { echo "$(CURDIR)"; cat pyproject.toml constraints.txt tests/benchmarks/peers.txt; } | cksum | cut -d' ' -f1)
LAB_READY := .venv/.lab-$(STATE)
TEST_READY := .venv/.test-$(STATE)
PEERS_READY := .venv-peers/.peers-$(PEERS_STATE)

# pip would byte-compile all of 130 packages, half of its time. Python does so itself, for what is imported, once: if it may.
unexport PYTHONDONTWRITEBYTECODE

# One thread per process: the tests run as many processes as there are cores, and sums come out the same everywhere.
export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help lab test lint types format exercises notebooks readme constraints screenshots bench clean

help: ## Say what can be made
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

lab: $(LAB_READY) ## Set everything up and open the course in JupyterLab
	@exec $(BIN)/coursekit lab $(if $(PORT),--port $(PORT)) $(if $(filter no,$(BROWSER)),--no-browser)

test: $(TEST_READY) ## Set everything up and run the whole test suite
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder --durations=10 $(ARGS)

lint: $(TEST_READY) ## Check style, format and the layers
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports

types: $(TEST_READY) ## Check types
	@$(BIN)/mypy

format: $(TEST_READY) ## Put the code into the house's format
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

exercises: $(TEST_READY) ## Generate exercises/ from solutions/
	@$(BIN)/coursekit release

notebooks: $(TEST_READY) ## Run the lessons' sources and store them with their outputs
	@$(BIN)/python notebooks/src/build.py $(ONLY)

readme: $(TEST_READY) ## Write the tables of README.md: lessons, packages, commands
	@$(BIN)/python docs/tables.py

constraints: $(TEST_READY) ## Write down the versions that are installed now as the ones to install everywhere
	@{ echo "# The versions that the course is tested with, for pip install -c; written by make constraints."; \
	   echo "# torch 2.13.0 names every build of it; which one (CPU or CUDA) is up to the index, see the README."; \
	   $(BIN)/python -m pip freeze --all --exclude-editable --exclude pip | sed 's/+[a-z0-9.]*$$//'; } > constraints.new
	@mv constraints.new constraints.txt

screenshots: $(TEST_READY) ## Look at the course in a browser; pictures go to screenshots/
	@COURSEKIT_SCREENSHOTS=screenshots $(BIN)/python -m pytest tests/project/test_lab_in_browser.py

bench: $(TEST_READY) $(PEERS_READY) ## Measure against other libraries
	@for script in tests/benchmarks/bench_*.py; do echo "== $$script"; $(PEERS)/python $$script || exit 1; done

clean: ## Remove the environments and every cache
	rm -rf .venv .venv-peers .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis screenshots

$(LAB_READY): | $(BIN)/python
	@echo "Installing what the lessons need into .venv (once; PyTorch is large) ..."
	@$(BIN)/python $(PIP) -e '.[lab]'
	@rm -f .venv/.lab-* && touch $@

$(TEST_READY): | $(BIN)/python
	@echo "Installing what the tests need into .venv (once; PyTorch is large) ..."
	@$(BIN)/python $(PIP) -e '.[test]'
	@rm -f .venv/.lab-* .venv/.test-* && touch $(LAB_READY) $@

$(PEERS_READY): | $(PEERS)/python
	@echo "Installing the libraries to compare with into .venv-peers (once) ..."
	@$(PEERS)/python $(PIP) -e '.[fast,forecasting,redis]' -r tests/benchmarks/peers.txt
	@rm -f .venv-peers/.peers-* && touch $@

.venv/bin/python .venv-peers/bin/python:
	@for candidate in $(CANDIDATES); do \
	    version=$$("$$candidate" --version 2>/dev/null) || continue; \
	    "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' && python=$$candidate && break; \
	    found="$$found $$candidate is $$version."; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "coursekit needs Python 3.11 or newer; looked for: $(CANDIDATES).$$found" \
	         "Install a newer one, or name it: make $(or $(MAKECMDGOALS),lab) PYTHON=/path/to/python3.12" >&2; exit 1; \
	fi; \
	echo "Creating $(@:/bin/python=) with $$version ..."; \
	"$$python" -m venv --clear $(@:/bin/python=) || { \
	    rm -rf $(@:/bin/python=); \
	    echo "$$python cannot make a virtual environment; on Debian and Ubuntu: sudo apt-get install python3-venv" >&2; exit 1; }
