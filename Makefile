# `make demo` and `make test` do everything on a fresh machine; what they install goes into .venv and .venvs.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# One at a time in an environment, and one build of the source at a time, also under make --jobs.
PIP := flock $(VENV) $(BIN)/python -m pip install --quiet --disable-pip-version-check
# The other Pythons that the tests run on: every one from 3.10 that is found, beside $(PYTHON).
OTHERS := $(shell $(PYTHON) tests/pythons.py 2>/dev/null)

PROGRAMS := $(patsubst tests/%/Makefile,programs-%,$(wildcard tests/*/Makefile))
C_FILES := $(wildcard csrc/*.[ch] tests/*/*.[ch] tests/*/programs/*.[ch] tests/*/*.cpp)
TEST_FOLDERS := $(sort $(patsubst %/,%,$(dir $(wildcard tests/*/*.py))))
SOURCES := $(wildcard csrc/*) setup.py pyproject.toml vgpu_embed/core_build.py vgpu_embed/embed/redirect.py \
           vgpu_embed/virtual/memory.cdef \
           $(wildcard vgpu_embed/tables/*.tsv vgpu_embed/tables/*.cdef vgpu_embed/tables/*.py) \
           $(wildcard vgpu_embed/devices/*.toml vgpu_embed/devices/*/*.toml vgpu_embed/devices/*.py) \
           vgpu_embed/smi/binding_build.py
MODULES := $(wildcard vgpu_embed/*.py vgpu_embed/*/*.py vgpu_embed/*/*/*.py)

.PHONY: demo test test-here test-others test-torch test-gpu bench bench-gpu soak check check-types check-style check-tables \
        build hosts ggml node real debs needed $(PROGRAMS) docs tables format clean
.DELETE_ON_ERROR:

demo: build ggml hosts
	@tests/demo.sh

# ---- what the targets need ----

$(VENV)/tests.stamp: tests/requirements.txt tests/every_python.txt
	@$(PYTHON) tests/pythons.py --check
	$(PYTHON) -m venv $(VENV)
	$(PIP) -r tests/requirements.txt
	touch $@

# CUDA's compiler.
$(VENV)/cuda.stamp: tests/cuda/requirements.txt $(VENV)/tests.stamp
	$(PIP) -r tests/cuda/requirements.txt
	touch $@

# The runtimes of CUDA 11 and 12, each in a folder of its own: their files have the same names.
$(VENV)/cuda%.stamp: vgpu_embed/tables/headers.txt $(VENV)/tests.stamp
	$(PIP) --no-deps --upgrade --target $(VENV)/cuda$* $$(grep nvidia-cuda-runtime-cu$* vgpu_embed/tables/headers.txt)
	touch $@

$(VENV)/check.stamp: docs/requirements.txt $(VENV)/tests.stamp
	$(PIP) -r docs/requirements.txt
	touch $@

$(VENV)/build.stamp: $(VENV)/tests.stamp $(SOURCES)
	flock setup.py $(PIP) --no-build-isolation --no-deps -e .
	touch $@

# A process with a policy writes no bytecode, and would compile all modules at each start.
build: $(VENV)/build.stamp
	@$(BIN)/python -m compileall -q vgpu_embed

ggml: $(VENV)/tests.stamp
	@$(BIN)/python tests/real/fetch.py >/dev/null

node: $(VENV)/tests.stamp
	@$(BIN)/python tests/real/node.py >/dev/null

real: ggml node $(VENV)/cuda.stamp $(VENV)/cuda11.stamp $(VENV)/cuda12.stamp
	@$(BIN)/python tests/real/fetch.py trace-processor >/dev/null

hosts:
	@$(MAKE) --no-print-directory -C tests/hosts all

debs: $(VENV)/tests.stamp
	@$(BIN)/python tests/coexist/debs.py >/dev/null

# The programs of a folder of tests, which are otherwise built by the first test that needs one.
$(PROGRAMS): build $(VENV)/cuda.stamp $(VENV)/cuda11.stamp $(VENV)/cuda12.stamp
	@PYTHONPATH=tests $(BIN)/python -c 'import support; support.built(support.TESTS / "$(@:programs-%=%)")'

# All that the tests need.
needed: build real hosts debs $(PROGRAMS) $(OTHERS:%=.venvs/%/build.stamp)

# ---- tests ----

test:
	@$(MAKE) --no-print-directory --jobs 3 --output-sync needed
	@$(MAKE) --no-print-directory test-here test-others

test-here: build real hosts
	$(BIN)/python -m pytest -n 2 --dist loadgroup

# On the others: what depends on the embedded Python, over an installed wheel.
test-others: build real hosts $(OTHERS:%=.venvs/%/build.stamp)
	@for version in $(OTHERS); do \
	    echo "== Python $$version"; \
	    .venvs/$$version/bin/pytest -n 2 --dist loadgroup -m every_python \
	        $$(grep -rl every_python tests --include='test_*.py') || exit 1; \
	done

.venvs/%/build.stamp: tests/every_python.txt $(SOURCES) $(MODULES)
	$$($(PYTHON) tests/pythons.py --path $*) -m venv .venvs/$*
	.venvs/$*/bin/python -m pip install --quiet --disable-pip-version-check -r tests/every_python.txt
	flock setup.py .venvs/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation \
	    --no-deps --force-reinstall .
	touch $@

# PyTorch, unmodified, on virtual GPUs. Not part of the tests: it fetches 3 GB once.
test-torch: .venvs/torch/build.stamp
	.venvs/torch/bin/pytest tests/pytorch

.venvs/torch/build.stamp: tests/pytorch/requirements.txt $(SOURCES) $(MODULES)
	@$(PYTHON) tests/pythons.py --check
	$(PYTHON) -m venv .venvs/torch
	.venvs/torch/bin/python -m pip install --quiet --disable-pip-version-check -r tests/pytorch/requirements.txt
	.venvs/torch/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps \
	    --force-reinstall .
	touch $@

# The long part: every mutation of the safeguards (writes docs/mutations.md), fuzzers for ten minutes each. Under an hour.
soak: test-others
	$(BIN)/python -m pytest -n 2 tests/loader --all-mutations
	$(BIN)/python -m pytest -n 2 tests/tools --soak --timeout 3600

# What a call costs, over the fake driver and on a virtual GPU; what libggml-cuda.so and node-llama-cpp pay. Never part
# of the tests: machines differ. Writes docs/costs.md.
bench: build ggml node
	@mkdir -p tests/bench/build
	@for program in calls virtual_gpu; do \
	    cc -O2 -Wall -Wextra -Werror -o tests/bench/build/$$program tests/bench/$$program.c -pthread -ldl || exit 1; \
	done
	@$(BIN)/python tests/bench/bench.py

# What policies cost PyTorch, over a real driver. Writes its section of docs/costs.md.
bench-gpu:
	PYTHON=$(PYTHON) tests/gpu/run.sh costs.py

# Over a real driver: a C program, PyTorch, CuPy and JAX under four policies. Writes docs/gpu.md.
test-gpu:
	PYTHON=$(PYTHON) tests/gpu/run.sh

# ---- checks ----

check: $(VENV)/check.stamp build
	@$(MAKE) --no-print-directory --jobs 2 --output-sync check-types check-style check-tables docs

check-types:
	$(BIN)/mypy --strict vgpu_embed setup.py docs/reference.py docs/virtual.py docs/command_line.py
	MYPYPATH=tests:tests/hosts $(BIN)/mypy --strict tests/*.py $(TEST_FOLDERS)

check-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/clang-format --style=file:csrc/.clang-format --dry-run --Werror $(C_FILES)

check-tables:
	$(BIN)/python -m vgpu_embed.tables.generate --check

docs: $(VENV)/check.stamp build
	$(BIN)/python docs/reference.py
	$(BIN)/python docs/virtual.py
	$(BIN)/python docs/command_line.py
	$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build

format: $(VENV)/check.stamp
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format --style=file:csrc/.clang-format -i $(C_FILES)

# Writes the committed tables from NVIDIA's headers.
tables: $(VENV)/check.stamp
	$(BIN)/python -m vgpu_embed.tables.generate

clean:
	rm -rf $(VENV) .venvs build docs/_build tests/*/build
	rm -f vgpu_embed/*.so vgpu_embed/libvgpu-cuda.python vgpu_embed/devices/profiles.json
	rm -rf vgpu_embed/virtual/lib vgpu_embed/smi/bin vgpu_embed/smi/_nvml.py vgpu_embed.egg-info
