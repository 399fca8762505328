# Every target sets up what it needs by itself. `make` alone lists them.

PYTHON ?= python3# which Python makes the virtual environments
ARGS ?=# more arguments: make run ARGS='--port 8000', make test ARGS='-k verdict'

VENV := .venv
TEST_VENV := .venv-test
PY := $(TEST_VENV)/bin/python
TOOLS := tests/tools
SETUP := PYTHON='$(PYTHON)' sh scripts/setup_venv.sh
# Type checks of torch and the like are kept beside the packages, for all checkouts.
export MYPY_CACHE_DIR ?= $(TEST_VENV)/shared/mypy-cache
# Without cached bytecode, every process that a test starts would compile what it imports.
unexport PYTHONDONTWRITEBYTECODE
PYTEST = chromium="$$(sh scripts/find_chromium.sh $(PY))" && VERAFACE_CHROMIUM="$$chromium" $(PY) -m pytest

.DEFAULT_GOAL := help
.PHONY: help run test unit test-deep coverage references tools chromium lint audit sbom format wheel lock size \
	screenshots benchmark extension docs space clean clean-cache hooks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.ready ## serve the page at http://127.0.0.1:7860
	$(VENV)/bin/veraface serve $(ARGS)

test: $(TEST_VENV)/.ready tools chromium ## run every test, style and types among them
	$(PYTEST) -n auto $(ARGS)

unit: $(TEST_VENV)/.ready ## run the fast tests only: no browser, server, training or installation
	$(PY) -m pytest -n auto -m unit $(ARGS)

test-deep: $(TEST_VENV)/.ready ## run property tests, API contract, fuzzing and soak with many more examples
	HYPOTHESIS_PROFILE=deep $(PY) -m pytest -n auto -m generative $(ARGS)

coverage: $(TEST_VENV)/.ready tools chromium ## run every test and measure which lines of src they run
	$(PYTEST) -n auto --cov --cov-report=term:skip-covered --cov-report=html:build/coverage $(ARGS)

references: tools $(TEST_VENV)/.ready ## take the images anew that tests compare the page with; look at each
	VERAFACE_UPDATE_REFERENCES=1; export VERAFACE_UPDATE_REFERENCES; \
	$(PYTEST) tests/server/test_page_scenes.py $(ARGS)

lint: $(TEST_VENV)/.ready ## check style, types and insecure constructs
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .
	$(PY) -m mypy --strict
	$(PY) -m bandit --quiet --configfile pyproject.toml --recursive src

format: $(TEST_VENV)/.ready ## put the code in the project's style
	$(TEST_VENV)/bin/ruff check --fix .
	$(TEST_VENV)/bin/ruff format .

hooks: $(TEST_VENV)/.ready ## check style and types at every commit from now on
	$(PY) -m pre_commit install

extension: tools ## build the browser extension into dist/ and build/extension/, and check it
	$(PYTHON) scripts/build_extension.py
	NO_UPDATE_NOTIFIER=1 $(TOOLS)/node_modules/.bin/web-ext lint --source-dir build/extension --no-config-discovery

wheel: $(VENV)/.ready ## build the package into dist/
	$(VENV)/bin/python -m hatchling build -t wheel -d dist

size: $(VENV)/.ready ## print what the installed program takes on disk, largest first
	$(VENV)/bin/python scripts/installed_size.py

screenshots: $(TEST_VENV)/.ready ## take the README's screenshots of the page again
	chromium="$$(sh scripts/find_chromium.sh $(PY))" && \
	VERAFACE_CHROMIUM="$$chromium" $(PY) scripts/screenshots.py

benchmark: $(TEST_VENV)/.ready ## measure speed, memory and size here, beside others (ARGS='--only latency')
	$(PY) benchmarks/run.py $(ARGS)

# What is locked stays as it is unless it no longer fits pyproject.toml; UPGRADE=1 takes the newest of all.
COMPILE = $(TEST_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header $(if $(UPGRADE),--upgrade)
# What the container holds beyond the core.
SERVER_EXTRAS := --extra links --extra provenance --extra redis --extra report --extra telemetry --extra video
lock: $(TEST_VENV)/.ready ## resolve requirements/*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	$(COMPILE) pyproject.toml -o requirements/core.txt >/dev/null
	$(COMPILE) --group build -c requirements/core.txt -o requirements/build.txt >/dev/null
	$(COMPILE) pyproject.toml --all-extras --group dev \
		-c requirements/pins.in \
		-c requirements/core.txt -c requirements/build.txt -o requirements/dev.txt >/dev/null
	$(COMPILE) pyproject.toml $(SERVER_EXTRAS) -c requirements/core.txt -c requirements/dev.txt \
		-o requirements/server.txt >/dev/null
	sh scripts/head_locks.sh

audit: $(TEST_VENV)/.ready ## look up what is installed with the package among known vulnerabilities; asks the internet
	$(PY) scripts/audit.py $(ARGS)

sbom: $(TEST_VENV)/.ready ## write what is installed with the package to build/sbom.json (CycloneDX)
	mkdir -p build
	$(TEST_VENV)/bin/cyclonedx-py requirements --output-reproducible --of JSON -o build/sbom.json \
		--pyproject pyproject.toml requirements/core.txt

docs: $(TEST_VENV)/.ready ## build the documentation as a site into build/site/
	NO_MKDOCS_2_WARNING=1 $(PY) -m mkdocs build --strict --quiet

space: ## put a Hugging Face Space together in build/space/
	$(PYTHON) scripts/make_space.py

clean: ## remove what was built and this checkout's environments
	rm -rf $(VENV) $(TEST_VENV) $(TOOLS)/node_modules build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

clean-cache: ## remove the packages that are kept for the environments of all checkouts
	rm -rf "$${VERAFACE_VENVS:-$${XDG_CACHE_HOME:-$$HOME/.cache}/veraface/venvs}" .venvs

# The environments: one to run, one for everything else. Each is set up again only when what it is made from changes,
# or when the shared packages it links to are gone (scripts/setup_venv.sh).

# With all that a server can do: video, Content Credentials, links.
$(VENV)/.ready: pyproject.toml scripts/setup_venv.sh requirements/server.txt requirements/build.txt $(VENV)/shared/.complete
	$(SETUP) $(VENV) requirements/server.txt requirements/build.txt

$(TEST_VENV)/.ready: pyproject.toml scripts/setup_venv.sh requirements/dev.txt $(TEST_VENV)/shared/.complete
	$(SETUP) $(TEST_VENV) requirements/dev.txt

$(VENV)/shared/.complete $(TEST_VENV)/shared/.complete:

# What tests need from npm; without npm those tests are skipped.
tools:
	@if command -v npm >/dev/null; then $(MAKE) -s $(TOOLS)/node_modules/.ready; \
	else echo "npm is missing: no browser extension, and no tests of it, of accessibility and in Node."; fi

$(TOOLS)/node_modules/.ready: $(TOOLS)/package.json $(TOOLS)/package-lock.json $(TOOLS)/.npmrc scripts/setup_node.sh
	sh scripts/setup_node.sh $(TOOLS)

# Installs one beside the packages where none is found; where that fails, tests say so.
chromium:
	@sh scripts/find_chromium.sh >/dev/null 2>&1 || true
