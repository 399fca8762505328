# Every target sets up what it needs by itself. `make` alone lists them.

PYTHON ?= python3# which Python makes the virtual environments
ARGS ?=# more arguments: make run ARGS='--port 8000', make test ARGS='-k verdict'

VENV := .venv
CORE_VENV := .venv-core
TEST_VENV := .venv-test
LOCK_VENV := .venv-lock
AUDIT_VENV := .venv-audit
DOCS_VENV := .venv-docs
TOOLS := tests/tools
UV_VERSION := 0.13.9
SETUP := PYTHON='$(PYTHON)' sh scripts/setup_venv.sh

.DEFAULT_GOAL := help
.PHONY: help run test references tools lint audit sbom format wheel lock size screenshots benchmark extension docs space clean hooks

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.ready ## serve the page at http://127.0.0.1:7860
	$(VENV)/bin/veraface serve $(ARGS)

test: lint tools ## check style and types, then run every test
	chromium="$$(sh scripts/find_chromium.sh $(TEST_VENV)/bin/python)" && \
	VERAFACE_CHROMIUM="$$chromium" $(TEST_VENV)/bin/python -m pytest -n auto --dist worksteal $(ARGS)

references: tools $(TEST_VENV)/.ready ## take the pictures anew that tests compare the page with; look at each
	chromium="$$(sh scripts/find_chromium.sh $(TEST_VENV)/bin/python)" && \
	VERAFACE_CHROMIUM="$$chromium" VERAFACE_UPDATE_REFERENCES=1 \
		$(TEST_VENV)/bin/python -m pytest tests/server/test_page_scenes.py $(ARGS)

lint: $(TEST_VENV)/.ready ## check style, types and known ways to be unsafe
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .
	$(TEST_VENV)/bin/python -m mypy --strict
	$(TEST_VENV)/bin/bandit --quiet --configfile pyproject.toml --recursive src

format: $(TEST_VENV)/.ready ## put the code in the project's style
	$(TEST_VENV)/bin/ruff check --fix .
	$(TEST_VENV)/bin/ruff format .

hooks: $(TEST_VENV)/.ready ## check style and types at every commit from now on
	$(TEST_VENV)/bin/python -m pre_commit install

extension: tools ## build the browser extension into dist/ and build/extension/, and check it
	$(PYTHON) scripts/build_extension.py
	@if [ -e $(TOOLS)/node_modules/.ready ]; then \
		NO_UPDATE_NOTIFIER=1 $(TOOLS)/node_modules/.bin/web-ext lint --source-dir build/extension --no-config-discovery; \
	else echo "Built, but not checked: npm is missing."; fi

wheel: $(VENV)/.ready ## build the package into dist/
	$(VENV)/bin/python -m hatchling build -t wheel -d dist

size: $(CORE_VENV)/.ready ## print what the installed program takes on disk, largest first
	$(CORE_VENV)/bin/python scripts/installed_size.py

screenshots: $(TEST_VENV)/.ready ## take the README's pictures of the page anew
	chromium="$$(sh scripts/find_chromium.sh $(TEST_VENV)/bin/python)" && \
	VERAFACE_CHROMIUM="$$chromium" $(TEST_VENV)/bin/python scripts/screenshots.py

benchmark: $(TEST_VENV)/.ready ## measure speed, memory and size here, beside others (ARGS='--only latency')
	$(TEST_VENV)/bin/python benchmarks/run.py $(ARGS)

# What is locked stays as it is unless it no longer fits pyproject.toml; UPGRADE=1 takes the newest of all.
COMPILE = $(LOCK_VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-annotate --no-header $(if $(UPGRADE),--upgrade)
# What the container holds beyond the core.
SERVER_EXTRAS := --extra links --extra provenance --extra redis --extra telemetry --extra video
lock: $(LOCK_VENV)/.ready ## resolve requirements/*.txt anew from pyproject.toml (UPGRADE=1: newest versions)
	$(COMPILE) pyproject.toml -o requirements/core.txt >/dev/null
	$(COMPILE) --group build -c requirements/core.txt -o requirements/build.txt >/dev/null
	$(COMPILE) pyproject.toml --all-extras --group dev \
		-c requirements/pins.in \
		-c requirements/core.txt -c requirements/build.txt -o requirements/dev.txt >/dev/null
	$(COMPILE) pyproject.toml $(SERVER_EXTRAS) -c requirements/core.txt -c requirements/dev.txt \
		-o requirements/server.txt >/dev/null
	$(COMPILE) --group docs -c requirements/core.txt -c requirements/dev.txt -o requirements/docs.txt >/dev/null
	$(COMPILE) --group audit -c requirements/core.txt -c requirements/dev.txt -o requirements/audit.txt >/dev/null
	sh scripts/head_locks.sh

audit: $(AUDIT_VENV)/.ready ## look up what is installed with the package among known weaknesses; asks the internet
	$(AUDIT_VENV)/bin/python scripts/audit.py $(ARGS)

sbom: $(AUDIT_VENV)/.ready ## write what is installed with the package to build/sbom.json (CycloneDX)
	mkdir -p build
	$(AUDIT_VENV)/bin/cyclonedx-py requirements --output-reproducible --of JSON -o build/sbom.json \
		--pyproject pyproject.toml requirements/core.txt

docs: $(DOCS_VENV)/.ready ## build the documentation as a site into build/site/
	NO_MKDOCS_2_WARNING=1 $(DOCS_VENV)/bin/mkdocs build --strict --quiet

space: ## put a Hugging Face Space together in build/space/
	$(PYTHON) scripts/make_space.py

clean: ## remove the virtual environments and everything built
	rm -rf $(VENV) $(CORE_VENV) $(TEST_VENV) $(LOCK_VENV) $(AUDIT_VENV) $(DOCS_VENV) $(TOOLS)/node_modules build dist \
		.mypy_cache .pytest_cache .ruff_cache .hypothesis

# The virtual environments; each is set up again only when what it is made from changes.

# With all that a server can do: clips, Content Credentials, links.
$(VENV)/.ready: pyproject.toml scripts/setup_venv.sh requirements/server.txt requirements/build.txt
	$(SETUP) $(VENV) --lock requirements/server.txt --lock requirements/build.txt --project

$(CORE_VENV)/.ready: pyproject.toml scripts/setup_venv.sh requirements/core.txt requirements/build.txt
	$(SETUP) $(CORE_VENV) --lock requirements/core.txt --lock requirements/build.txt --project

$(TEST_VENV)/.ready: pyproject.toml scripts/setup_venv.sh requirements/dev.txt
	$(SETUP) $(TEST_VENV) --lock requirements/dev.txt --project

$(AUDIT_VENV)/.ready: scripts/setup_venv.sh requirements/audit.txt
	$(SETUP) $(AUDIT_VENV) --lock requirements/audit.txt

$(DOCS_VENV)/.ready: scripts/setup_venv.sh requirements/docs.txt
	$(SETUP) $(DOCS_VENV) --lock requirements/docs.txt

$(LOCK_VENV)/.ready: Makefile scripts/setup_venv.sh
	$(SETUP) $(LOCK_VENV) --package uv==$(UV_VERSION)

# What tests need from npm; without npm those tests are skipped.

tools:
	@if command -v npm >/dev/null; then $(MAKE) -s $(TOOLS)/node_modules/.ready; \
	else echo "npm is missing: the extension is not linted, and pages are not checked by axe-core."; fi

$(TOOLS)/node_modules/.ready: $(TOOLS)/package.json $(TOOLS)/package-lock.json $(TOOLS)/.npmrc
	cd $(TOOLS) && npm ci
	touch $@
