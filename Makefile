# Every command of the book: `make` alone lists them. tools/book.py knows their steps, and does them without make as well:
# `python tools/book.py book`.

# Notebooks for `make execute`: NB=all, or NB="paths"
NB   ?=
# of `make serve`
PORT ?= 8000

# The first Python that fits, unless the reader names one: make book BASE_PYTHON=/path/to/python3.12
BASE_PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { command -v "$$python"; break; }; done)

COMMANDS := help book test execute serve lab lint accessibility lighthouse pdf benchmark experiments mutation lock clean
execute: ARGUMENTS = $(NB)
serve: ARGUMENTS = $(PORT)

.DEFAULT_GOAL := help
.PHONY: $(COMMANDS)
$(COMMANDS):
	@test -n "$(BASE_PYTHON)" || { echo "The book needs Python 3.11, 3.12 or 3.13, and found none: install one, or name it with BASE_PYTHON=…"; exit 1; }
	@"$(BASE_PYTHON)" tools/book.py $@ $(ARGUMENTS)
