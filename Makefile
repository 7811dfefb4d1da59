# stillwake. On a fresh machine with Python 3.11 or 3.12, git and make:
#
#   make demo    sets up, makes talking portraits of a photograph and of a drawing, says where they lie
#   make test    sets up and runs the tests
#
# Another Python: make demo PYTHON=/path/to/python3.12

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EQUIPPED := $(VENV)/.ready-tests
EXTRAS := dev,diffusion,remote
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
SUITS := import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))

.PHONY: help demo test test-all bench docs train-hands train-drawn-faces train-drawn-hands train-hair lint clean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r verb words; do printf '%-14s %s\n' "$$verb" "$$words"; done

# A usable environment is kept and brought up to date; one made by another Python, or half made, is made anew.
$(READY): pyproject.toml constraints.txt
	@found=""; \
	for python in $(PYTHON) python3.11 python3.12 python3 python; do \
	  if "$$python" -c '$(SUITS)' >/dev/null 2>&1; then found="$$python"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "Cannot set up: no Python 3.11 or 3.12 with the venv module was found; install one (on Debian and Ubuntu: python3.11 and python3.11-venv) or name it: make PYTHON=/path/to/python3.11." >&2; \
	  exit 1; \
	fi; \
	echo "Setting up $(VENV) with $$("$$found" --version); the first time this takes some minutes." >&2; \
	$(BIN)/python -m pip --version >/dev/null 2>&1 && $(BIN)/python -c '$(SUITS)' >/dev/null 2>&1 || "$$found" -m venv --clear $(VENV)
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(PIP) install -e '.[dev]'
	@# OpenCV's ordinary build, which mediapipe asks for, needs the system's libGL; the headless one is the same without windows.
	@$(BIN)/python -c 'import cv2' 2>/dev/null || $(PIP) install -c constraints.txt --force-reinstall --no-deps opencv-contrib-python-headless
	@touch $(READY)

# The tests run real diffusion pipelines, tiny ones, so they need torch: make test EXTRAS=dev,remote does without.
$(EQUIPPED): $(READY)
	@PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt $(PIP) install -e '.[$(EXTRAS)]'
	@touch $(EQUIPPED)

demo: $(READY) ## talking portraits of a photograph and of a drawing, in demo/
	@$(BIN)/stillwake demo -o demo --overwrite

test: $(EQUIPPED) ## the tests that a change must pass, on two cores
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal

test-all: $(EQUIPPED) ## these and the slow ones
	@$(BIN)/python -m pytest -q -m "" -n 2 --dist worksteal

bench: $(READY) ## the numbers of docs/measured.md, measured on this machine
	@$(BIN)/python -m benchmarks

docs: $(READY) ## the pages that are made out of the code
	@$(BIN)/python -c 'from pathlib import Path; from stillwake.readiness.table import checks_table; Path("docs/checks.md").write_text(checks_table()); from stillwake.inspection.table import inspection_page; Path("docs/inspection.md").write_text(inspection_page()); from stillwake.route.page import with_tables; page = Path("docs/plan.md"); page.write_text(with_tables(page.read_text())); from stillwake.engines.diffusion.table import with_models; page = Path("docs/generators-local.md"); page.write_text(with_models(page.read_text()))'

train-hands: $(READY) ## the net that counts a hand's digits, again; an hour or two on a CPU
	@$(PIP) install -c constraints.txt -e '.[train]'
	@$(BIN)/python -m training.hands

train-drawn-faces: $(READY) ## the nets that find and read drawn faces, again; under two hours on two cores
	@$(PIP) install -c constraints.txt -e '.[train]'
	@$(BIN)/python -m training.drawn_faces

train-drawn-hands: $(READY) ## the net that finds hands in drawings, again; an hour and a half on two cores
	@$(PIP) install -c constraints.txt -e '.[train]'
	@$(BIN)/python -m training.hands.finder

train-hair: $(READY) ## the net that tells hair, again; three quarters of an hour on two cores
	@$(PIP) install -c constraints.txt -e '.[train]'
	@$(BIN)/python -m training.hair

lint: $(EQUIPPED) ## formatting, style, types
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

clean: ## everything that was made here
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks build dist demo out
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
