# The everyday commands. They need Python 3.10-3.13, pip and make; everything else goes into .venv, once.
#   make demo    train two small tutors and ask them
#   make test    all tests
#   make scores  train the three tutors on the embedded base, measure them, write the table of the README (twenty minutes)
PYTHON ?= python3

# HUB_VENV=DIR: use an environment that has everything already and install nothing.
ifdef HUB_VENV
VENV := $(abspath $(HUB_VENV))
RUNTIME :=
DEVELOPMENT :=
HUB := PYTHONPATH=$(CURDIR) $(VENV)/bin/python -m adapters_hub
else
VENV := .venv
RUNTIME := $(VENV)/.installed
DEVELOPMENT := $(VENV)/.installed-dev
HUB := $(VENV)/bin/hub
endif
PY := $(VENV)/bin/python
INPUTS := pyproject.toml constraints.txt $(wildcard plugins/*/pyproject.toml)
PLUGINS := $(foreach plugin,$(wildcard plugins/*/pyproject.toml),-e ./$(dir $(plugin)))

.PHONY: setup demo scores test lint types format bench docs clean
.DELETE_ON_ERROR:

setup: $(DEVELOPMENT)

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 10) <= sys.version_info < (3, 14) else "Python 3.10 to 3.13 is needed: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(INPUTS) | $(VENV)/bin/python
	$(PY) -m pip install --disable-pip-version-check --quiet -c constraints.txt -e . $(PLUGINS)
	@touch $@

$(VENV)/.installed-dev: $(INPUTS) | $(VENV)/bin/python
	$(PY) -m pip install --disable-pip-version-check --quiet -c constraints.txt -e '.[dev]' $(PLUGINS)
	@touch $@ $(VENV)/.installed

# What a user would type; HUB_YES because a checkout mounted from elsewhere may belong to another user id.
define typed
@printf '\n$$ hub %s\n' '$(1)'
@HUB_YES=1 $(HUB) $(1)
endef

demo: $(RUNTIME)
	$(call typed,train tutors/algoritmos tutors/sql --epochs 1)
	$(call typed,ask algoritmos "Escribe una función contar_pares(lista) que cuente los números pares.")
	$(call typed,switch sql)
	$(call typed,ask sql "¿Cómo obtengo el promedio de nota por curso?")
	$(call typed,list)

COURSES := matematicas algoritmos sql
scores: $(RUNTIME)
	$(call typed,train tutors/matematicas)
	$(call typed,eval matematicas)
	$(call typed,train tutors/algoritmos)
	$(call typed,eval algoritmos)
	$(call typed,train tutors/sql)
	$(call typed,eval sql)
	PYTHONPATH=. $(PY) tools/scores_table.py tutors $(COURSES)

test: $(DEVELOPMENT)
	$(PY) -m pytest -q -rs --durations=10

lint: $(DEVELOPMENT)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

types: $(DEVELOPMENT)
	$(PY) -m mypy

format: $(DEVELOPMENT)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

bench: $(DEVELOPMENT)
	@for script in benchmarks/*.py; do echo "== $$script"; PYTHONPATH=. $(PY) $$script || exit 1; done

docs: $(DEVELOPMENT)
	PYTHONPATH=. $(PY) tools/settings_page.py

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache adapters_hub.egg-info
