# The front door. Each target is one verb; `make test` is what CI runs.
.DEFAULT_GOAL := help
.PHONY: help up setup dev test check fmt bench chaos contract docs test-real pin clean
PY := .venv/bin/python

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup:  ## make .venv with the pinned packages that running needs
	@sh scripts/setup.sh runtime

dev:
	@sh scripts/setup.sh dev

up: setup  ## start Pointsman here; Ctrl-C ends it (ARGS="--port 3200" to add options)
	@exec .venv/bin/pointsman up $(ARGS)

test: dev  ## check the shape of the code, then run every test (ARGS="tests/unit" for some)
	@sh scripts/system_packages.sh
	@$(MAKE) --no-print-directory check
	@$(PY) -m pytest $(ARGS)

check: dev  ## lint, types, layers
	@$(PY) -m ruff format --check --quiet . && $(PY) -m ruff check --quiet .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-cache >/dev/null || .venv/bin/lint-imports --no-cache

fmt: dev  ## format, and mend what can be mended
	@$(PY) -m ruff format --quiet . && $(PY) -m ruff check --fix --quiet .

bench: dev  ## measure against nginx and the bare prototype (writes bench/results/)
	@sh scripts/system_packages.sh
	@$(PY) -m bench $(ARGS)

chaos: dev  ## the fault scenarios alone
	@$(PY) -m pytest tests/chaos $(ARGS)

contract: dev  ## every client with every provider family, and the page that says so
	@PYTHONPATH=tests $(PY) -m compatibility
	@$(PY) -m pytest tests/contract/matrix tests/contract/providers tests/contract/langchain $(ARGS)

docs: dev  ## write the generated reference pages anew
	@$(PY) -m scripts.write_reference

test-real: dev  ## long runs against other products, by hand and before a release
	@$(PY) -m pytest tests -m real $(ARGS)

pin:  ## write the constraints files anew
	@sh scripts/pin.sh $(ARGS)

clean:  ## remove what the targets made
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-artifacts
