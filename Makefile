# SPDX-License-Identifier: Apache-2.0
# make demo    the whole path on examples/memory_d5.toml
# make test    every test, the linter, the type checker
# make help    the rest
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
CONFIG ?= examples/memory_d5.toml
OUT ?= out/memory_d5

.PHONY: help demo test lint lock clean

help:
	@grep -E '^# make' Makefile | cut -c3-

# The environment is made anew from the lock whenever the lock or the package's description changes.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "synfab needs Python 3.11, not %d.%d; call make PYTHON=python3.11" % sys.version_info[:2])'
	@for tool in g++ make git; do command -v $$tool > /dev/null || { echo "synfab needs $$tool: apt-get install g++ make git"; exit 3; }; done
	@$(PYTHON) -c 'import ensurepip' 2> /dev/null || { echo "synfab needs Python's venv module: apt-get install python3-venv"; exit 3; }
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(READY)
	$(BIN)/synfab run $(CONFIG) -o $(OUT)

test: $(READY) lint
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

# make lock    pins every dependency, with hashes, from pyproject.toml
# Of torch the CPU build is pinned; its page is TORCH. Where pip knows no CPU build, tell it the page:
# PIP_FIND_LINKS=https://download.pytorch.org/whl/cpu/torch/ make test
TORCH ?= https://download.pytorch.org/whl/cpu/torch/
lock:
	echo 'torch==2.13.0+cpu' > .torch.in
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
	  --find-links $(TORCH) --extra dev --build-isolation --constraints .torch.in pyproject.toml build-requirements.in -o requirements.lock
	sed -i 's/^torch==2.13.0+cpu/torch==2.13.0/' requirements.lock
	rm .torch.in

# make clean   removes what was built, and the environment
clean:
	rm -rf $(VENV) out build dist
