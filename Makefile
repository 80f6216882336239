# One word per job; `make` alone lists them. Everything lands in $(VENV) and build/.
#
#   PYTHON=/path/to/python3   interpreter the environment is made from
#   VENV=/path/to/venv        where the environment is made
#   ARGS="-k loader -x"       passed on to pytest
PYTHON ?= python3
VENV   ?= .venv
ARGS   ?=

BIN       := $(VENV)/bin
MADE      := $(VENV)/.irtd-made
INSTALLED := $(VENV)/.irtd-installed
TEST      := $(VENV)/.irtd-group-test
LINT      := $(VENV)/.irtd-group-lint

# The Python modules are used in place (editable install); only these make a reinstall necessary.
NATIVE := pyproject.toml CMakeLists.txt cpp/CMakeLists.txt \
  $(wildcard src/*.cpp src/*.hpp cpp/src/*.cpp cpp/src/*.hpp cpp/include/irtd/*.hpp)

# Tools of the environment first, so that cmake and ninja from PyPI serve where the system has none.
USE_VENV = PATH="$$(cd "$(BIN)" && pwd):$$PATH"

# ThreadSanitizer needs a memory map it knows; where allowed, run it without address randomisation.
SETARCH = $$(setarch -R true 2>/dev/null && echo setarch -R)

export PYTHON
.DELETE_ON_ERROR:
.NOTPARALLEL:  # pip must not run twice at once in one environment
.PHONY: help setup demo test bench bench-peers lint stubs check-stubs cpp-test tsan clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: $(INSTALLED)  ## system packages (apt, if missing), .venv, the package in it

demo: $(INSTALLED)  ## synthetic dumps to batches; DATA=<dump> SOURCE=<key> for a dump of yours
ifdef DATA
	@test -n "$$SOURCE" || { echo "make demo DATA=<dump> needs SOURCE=<key>; the keys:"; "$(BIN)/irtd" sources; exit 2; }
	"$(BIN)/irtd" demo --data "$$DATA" --source "$$SOURCE"
else
	"$(BIN)/irtd" demo
endif

test: $(INSTALLED) $(TEST)  ## the whole Python suite, each benchmark once for its answer
	"$(BIN)/python" -m pytest $(ARGS)

bench: $(INSTALLED) $(TEST)  ## benchmarks beside their peers, against benchmarks/floors.toml
	"$(BIN)/python" -m pytest benchmarks --benchmark-enable --benchmark-only $(ARGS)

bench-peers: $(INSTALLED) $(TEST)  ## environments of other loaders under build/peers, for make bench
	"$(BIN)/python" .ci/peers.py

lint: $(INSTALLED) $(TEST) $(LINT)  ## ruff, clang-format, layers, types
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	find cpp src -name '*.[ch]pp' -print0 | xargs -0 -r "$(BIN)/clang-format" --dry-run -Werror
	"$(BIN)/lint-imports"
	"$(BIN)/python" -m mypy

stubs: $(INSTALLED) $(LINT)  ## write irtd_fast/_core.pyi from the compiled core
	"$(BIN)/python" .ci/stubs.py

check-stubs: $(INSTALLED) $(LINT)  ## compare the stub with the compiled core
	"$(BIN)/python" .ci/stubs.py --check
	"$(BIN)/python" -m mypy.stubtest --allowlist .ci/stubtest_allowlist.txt irtd_fast._core

cpp-test: $(INSTALLED)  ## C++ tests under AddressSanitizer and UBSan
	.ci/bootstrap.sh --tests
	$(USE_VENV) cmake --workflow --preset asan

tsan: $(INSTALLED)  ## C++ tests under ThreadSanitizer
	.ci/bootstrap.sh --tests
	$(USE_VENV) $(SETARCH) cmake --workflow --preset tsan

clean:  ## remove what the build and the tools made, .venv included; stores stay
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .benchmarks
	find irtd_fast tests benchmarks .ci -name __pycache__ -type d -prune -exec rm -rf {} +

$(MADE): .ci/bootstrap.sh
	.ci/bootstrap.sh
	"$$PYTHON" -m venv "$(VENV)"
	@touch "$@"

$(INSTALLED): $(MADE) .ci/install.py $(NATIVE)
	"$(BIN)/python" .ci/install.py package
	@touch "$@"

$(TEST): $(MADE) .ci/install.py pyproject.toml
	"$(BIN)/python" .ci/install.py group test
	@touch "$@"

$(LINT): $(MADE) .ci/install.py pyproject.toml
	"$(BIN)/python" .ci/install.py group lint
	@touch "$@"
