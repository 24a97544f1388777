# A new enough Python: the first of these that there is; `make demo PYTHON=python3.13` names one.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	command -v $$p >/dev/null 2>&1 && $$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo demo-train demo-talk demo-evaluate test test-slow check bench clean

demo: $(VENV)/.core
	$(BIN)/kame-data build --config demo --out out/demo

# Bundled questions to a trained tiny model, on a CPU.
demo-train: $(VENV)/.train
	$(BIN)/kame-data run demo

# A spoken question to a small model, in real time: what is heard, asked, read and said, and a page of it.
demo-talk: $(VENV)/.tandem
	@mkdir -p out/talk
	$(BIN)/kame-data tandem --config demo --out out/talk/answer.wav --events out/talk/events.jsonl \
		--page out/talk/session.html

# Three spoken questions to four systems: heard, measured and rated.
demo-evaluate: $(VENV)/.evaluate
	$(BIN)/kame-data evaluate --config demo --out out/evaluate

test: $(VENV)/.dev
	@{ command -v chromium || command -v chromium-browser; } >/dev/null || \
		echo "make: no chromium here: the tests of the report in a browser are SKIPPED (apt-get install chromium)" >&2
	$(BIN)/python -m pytest -n auto --dist loadgroup -m "not slow" $(PYTEST)

# Real clusters, full disks, the guides, whole ways by the command line: what of the tests takes longest.
test-slow: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto --dist loadgroup -m slow $(PYTEST)

# What a change must pass besides the tests.
check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.core
	$(BIN)/python benchmarks/build.py
	$(BIN)/python benchmarks/speech.py
	$(BIN)/python benchmarks/report.py

clean:
	rm -rf $(VENV) out dist

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "make: no Python 3.11 or newer found; install one, or name it: make demo PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.train: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

$(VENV)/.tandem: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[tandem]'
	@touch $@

$(VENV)/.evaluate: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[tandem,evaluate]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev,asr,evaluate,google,moonshine,coqui,train,tandem,dask,ray,s3]'
	@touch $@
