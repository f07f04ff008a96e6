# make train   set up .venv, train the Catch agent, evaluate it, say where curve and animation are
# make test    set up .venv, run the tests; make -j2 test runs them in two processes
# make test-integrations   set up .venv-integrations with RLlib, TorchRL, skrl, ap_gym, Stable-Baselines3, Optuna, MLflow, Weights & Biases and
#              huggingface_hub, run their tests there, on the oldest and the newest Gymnasium too; opens a page
#              in Chromium (apt-get installs it, as root, where chromedriver is missing)
# make docs    set up .venv-docs, build the site strictly into build/site; make docs-serve also serves it on port 8000
# make demo    build the demo alone, which runs the packaged agents in the browser: docs/_build/demo, for any static web server
# make test-site   build the site and open its pages in Chromium (test-pages alone does that), and test-demo
# make test-demo   lint and test the demo: its modules in node, its pages in Chromium (apt-get installs both, as root,
#              where they are missing), and golden traces from Python (SCREENSHOTS=folder keeps the pictures;
#              TIMED=1 also checks the time to the first move and the frames per second: on an idle machine)
# make kernels   the tests of the compiled kernels, once with bounds checking and once interpreted
# make fuzz MINUTES=10   property tests with new random examples, hostile calls and corrupted files, for that long
# make soak MINUTES=10   kill trainings at random moments, resume them, and compare them with one that never stopped
#              (REPORT=docs/results/soak.json writes the report, which docs/guarantees.md quotes)
# make tables  regenerate the tables of README.md, docs/results.md and docs/ablations.md from docs/results/*.json
# make check   ruff, mypy and the tests
# make bench   set up .venv-bench and .venv-jax with the peers, measure everything, write docs/performance.md
#              (QUICK=1: a first look, in build/bench)
# make clean   remove these environments and caches (trained runs in runs/ stay)
#
# PYTHON=python3.12 make ...   chooses the interpreter that .venv is made with (3.11 to 3.14)
# OUT=runs/mine make train     chooses the folder of the run

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Most modules of the libraries are never imported: the first process that imports one compiles it.
INSTALL := python -m pip install --no-compile

# A folder of its own for every call, so that a finished run is never in the way.
ifndef OUT
OUT := runs/catch-$(shell date +%Y%m%d-%H%M%S)
endif

INTEGRATIONS := .venv-integrations
# Ray pins Gymnasium: the oldest and the newest that we declare lie in folders beside, which hide the one that it installs.
OLDEST := gymnasium==1.1.0
NEWEST := $(shell grep ^gymnasium== constraints.txt)
WITH = PYTHONPATH=$(INTEGRATIONS)/$(1) $(INTEGRATIONS)/bin/python
# tests/integrations/conftest.py ends a test that takes too long; this ends the run if that does not help.
NO_HANG := -o faulthandler_timeout=2400 -o faulthandler_exit_on_timeout=true
# The test of web pages opens them in Chromium, which pip cannot install. A file says that it is there: a target that always
# has something to do would let the longest tests, which need it, wait until all others have begun.
BROWSER := build/.browser
# The examples of Atari and MiniGrid train for minutes: once is enough.
NO_EXAMPLES := -k "not test_the_example_trains"
DEMO := docs/demo
ESLINT := $(DEMO)/node_modules/.bin/eslint --config $(DEMO)/eslint.config.js
ANY_GYMNASIUM := tests/integrations/test_torchrl.py tests/integrations/test_skrl.py tests/integrations/test_atari.py tests/integrations/test_minigrid.py

BENCH := .venv-bench
# JAX, gymnax, envpool and bsuite are measured in a virtual environment of their own.
JAX := .venv-jax
# A first look leaves the published figures alone.
QUICKLY := $(if $(QUICK),--quick)
MEASURED := $(if $(QUICK),build/bench,benchmarks/results)
PERFORMANCE := $(if $(QUICK),build/bench/performance.md,docs/performance.md)
BENCHMARKS := environments before peers sb3_vec_env size wrapper training jax_training phases presets overhead

DOCS := .venv-docs
SITE := build/site
PORT := 8000

# What the kernels compute. Bounds checking compiles other code, which needs a cache of its own.
KERNELS := tests/ram_envs/sensors tests/ram_envs/tasks tests/ram_envs/envs/test_compiled.py tests/properties/test_sensors.py tests/properties/test_environments.py
MINUTES := 10

.PHONY: train tables test test-agents test-others test-integrations test-libraries test-oldest-gymnasium test-newest-gymnasium demo test-demo node docs docs-serve test-site test-pages kernels fuzz soak check bench clean

train: $(STAMP)
	$(BIN)/ram train RAM-CatchGame-v0 --out "$(OUT)"
	$(BIN)/ram evaluate "$(OUT)" --episodes 10000
	@echo "Learning curve and animation:"
	@ls "$(OUT)"/*.png "$(OUT)"/*.gif

tables: $(STAMP)
	$(BIN)/python -m paper tables

# Two parts that take about equally long, for make -j2.
test: test-agents test-others

test-agents: $(STAMP)
	$(BIN)/python -m pytest tests/agents

test-others: $(STAMP)
	$(BIN)/python -m pytest --ignore=tests/agents

# Warnings are no errors here: other libraries raise them about themselves.
test-integrations: test-libraries test-oldest-gymnasium test-newest-gymnasium

test-libraries: $(INTEGRATIONS)/.installed $(BROWSER)
	$(INTEGRATIONS)/bin/python -m pytest -W default $(NO_HANG) tests/integrations

test-oldest-gymnasium: $(INTEGRATIONS)/.installed
	$(call WITH,$(OLDEST)) -m pytest -W default $(NO_EXAMPLES) tests/ram_envs/envs tests/ram_envs/wrappers tests/ram_envs/test_libraries.py tests/agents/integrations $(ANY_GYMNASIUM)

test-newest-gymnasium: $(INTEGRATIONS)/.installed
	$(call WITH,$(NEWEST)) -m pytest -W default $(NO_EXAMPLES) $(ANY_GYMNASIUM)

demo: $(STAMP)
	$(BIN)/python $(DEMO)/build.py --out docs/_build/demo

test-demo: $(VENV)/.selenium $(DEMO)/node_modules/.installed $(BROWSER)
	$(ESLINT) $(DEMO) agents/pictures/page tests/site
	node --test tests/site/demo/unit/*.test.js
	$(if $(SCREENSHOTS),DEMO_SCREENSHOTS="$(abspath $(SCREENSHOTS))") $(BIN)/python -m pytest $(if $(TIMED),-m "slow or not slow") tests/site/demo

node:
	@command -v npm > /dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; } \
	  || { echo "Install node and npm: they lint and test the scripts of the demo." >&2; exit 1; }

$(BROWSER):
	@command -v chromedriver > /dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium chromium-driver; } \
	  || { echo "Install Chromium (or Chrome) and chromedriver: the tests of web pages open them in it." >&2; exit 1; }
	@mkdir -p $(@D) && touch $@

docs: $(DOCS)/.installed
	$(DOCS)/bin/python -m docs.site --out $(SITE)

docs-serve: docs
	$(DOCS)/bin/python -m http.server --directory $(SITE) $(PORT)

test-site: test-pages test-demo

test-pages: docs $(BROWSER)
	RAM_SITE=$(SITE) $(DOCS)/bin/python -m pytest -W default $(NO_HANG) tests/site --ignore=tests/site/demo

kernels: $(STAMP)
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(VENV)/numba-boundscheck $(BIN)/python -m pytest $(KERNELS) tests/ram_envs/envs
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -W "ignore:overflow encountered in scalar:RuntimeWarning" \
		-k "not (threads_share or who_ or evenly or likely)" $(KERNELS)

fuzz: $(STAMP)
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES)

soak: $(STAMP)
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(if $(REPORT),--out "$(REPORT)")

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

bench: $(BENCH)/.installed $(JAX)/.installed
	for name in $(BENCHMARKS); do $(BENCH)/bin/python benchmarks/$$name.py $(QUICKLY) --out $(MEASURED)/$$name.json || exit 1; done
	$(BENCH)/bin/python -m torch.distributed.run --standalone --nproc-per-node 2 benchmarks/time_to.py $(QUICKLY) --out $(MEASURED)
	$(BENCH)/bin/python benchmarks/report.py --results $(MEASURED) --out $(PERFORMANCE)

clean:
	rm -rf $(VENV) $(INTEGRATIONS) $(BENCH) $(JAX) $(DOCS) $(DEMO)/node_modules docs/_build build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache
	find ram_envs agents paper benchmarks docs tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, but $(PYTHON) is %d.%d: use make PYTHON=python3.12" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/$(INSTALL) -c constraints.txt -e ".[dev]"
	@touch $@

$(VENV)/.selenium: $(STAMP) constraints-integrations.txt
	$(BIN)/$(INSTALL) -c constraints-integrations.txt selenium
	@touch $@

$(DEMO)/node_modules/.installed: $(DEMO)/package.json $(DEMO)/package-lock.json | node
	npm ci --prefix $(DEMO)
	@touch $@

$(INTEGRATIONS)/.installed: setup.cfg pyproject.toml constraints.txt constraints-integrations.txt
	$(PYTHON) -m venv $(INTEGRATIONS)
	grep -v ^gymnasium== constraints.txt | cat - constraints-integrations.txt > $(INTEGRATIONS)/constraints.txt
	$(INTEGRATIONS)/bin/$(INSTALL) -c $(INTEGRATIONS)/constraints.txt -e ".[agents,rllib,torchrl,skrl,sb3,hub,tracking,export,apgym,atari,minigrid]" pytest selenium onnxruntime
	for gymnasium in $(OLDEST) $(NEWEST); do \
		$(INTEGRATIONS)/bin/$(INSTALL) --no-deps --upgrade --target $(INTEGRATIONS)/$$gymnasium $$gymnasium || exit 1; \
	done
	@touch $@

$(DOCS)/.installed: setup.cfg pyproject.toml constraints.txt constraints-docs.txt
	$(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/$(INSTALL) -c constraints.txt -c constraints-docs.txt -e ".[docs]" pytest selenium
	@touch $@

$(BENCH)/.installed: setup.cfg benchmarks/requirements.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/$(INSTALL) -r benchmarks/requirements.txt -e ".[agents,sb3]"
	@touch $@

$(JAX)/.installed: benchmarks/requirements-jax.txt
	$(PYTHON) -m venv $(JAX)
	$(JAX)/bin/$(INSTALL) -r benchmarks/requirements-jax.txt
	@touch $@
