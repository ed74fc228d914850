# Every target is one line that can be pasted. The first one that needs it builds .venv from bare Python 3.11+ and make.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PORT ?= 8000
UV_COMPILE := $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make requirements" --quiet

# What decides about patients: pure, and so small that there is no excuse for a branch that nobody ever took.
PURE := cards/*,cds_service/facts/*,cds_service/engine/*,cds_service/fhir/read/*,cds_service/render/*,$\
	cds_service/knowledge/policy_file.py,cds_service/knowledge/template.py,cds_service/knowledge/vocabulary*.py

.DEFAULT_GOAL := help
.PHONY: help demo serve test test-postgres validate-fhir test-fhir-server coverage mutants sbom validate-deploy check bench golden lock docs fix \
	requirements clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-16s %s\n", $$1, $$2}'

# Rebuilt only when a requirements file or pyproject.toml changed. PYTHON=... chooses another interpreter.
$(STAMP): requirements.txt requirements-dev.txt pyproject.toml
	@python=$(PYTHON); for p in python3.11 python3.12 python3.13 python3 python; do \
		[ -n "$$python" ] || ! $$p -c 'import sys, venv, ensurepip; assert sys.version_info >= (3, 11)' 2>/dev/null || python=$$p; done; \
	[ -n "$$python" ] || { echo "No Python 3.11 or newer with venv was found: install one, or say make PYTHON=/path/to/python3.11" >&2; exit 1; }; \
	echo "Building $(VENV) with $$python (once; one to three minutes)"; $$python -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)  ## show the product: hand-made patients, real hook calls, the cards that come back
	@$(BIN)/ionwise demo

serve: $(STAMP)  ## run the service in sandbox mode on http://127.0.0.1:8000 (PORT=... for another port)
	@IONWISE_LOG_FORMAT=$${IONWISE_LOG_FORMAT:-text} $(BIN)/ionwise serve --sandbox --port $(PORT)

# A process per core, four at most: each of them loads everything for itself and comes to 0.8 GB.
test: $(STAMP)  ## run the whole test suite
	$(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal

test-postgres: $(STAMP)  ## run the storage tests on PostgreSQL too: IONWISE_TEST_POSTGRES_URL says which server
	@[ -n "$$IONWISE_TEST_POSTGRES_URL" ] || { \
		echo "IONWISE_TEST_POSTGRES_URL is not set. Any of these will do:" >&2; \
		echo "  .ci/with-postgresql make test-postgres     starts a private server of the installed PostgreSQL and stops it" >&2; \
		echo "  IONWISE_TEST_POSTGRES_URL=postgresql://user:password@127.0.0.1/postgres make test-postgres" >&2; \
		echo "The user must be allowed to create databases; the tests make their own and drop them." >&2; exit 1; }
	$(BIN)/python -m pytest -q tests/storage

# HAPI FHIR for the two targets below: a JDK and Maven build it once, from what Maven has already where that is enough.
HAPI := tests/fhir_server/hapi
$(HAPI)/target/classpath: $(HAPI)/pom.xml $(wildcard $(HAPI)/src/main/java/org/ionwise/tests/*.java)
	@for program in javac mvn; do command -v $$program >/dev/null || { \
		echo "$$program is not installed (Debian: apt-get install openjdk-17-jdk-headless maven)" >&2; exit 1; }; done
	@echo "Building HAPI FHIR in $(HAPI)/target (the first time Maven downloads about 350 MB)"
	@mvn -q -B -o -f $(HAPI)/pom.xml compile >/dev/null 2>&1 || mvn -q -B -f $(HAPI)/pom.xml compile
	@touch $@

validate-fhir: $(STAMP) $(HAPI)/target/classpath  ## HAPI's R4 validator over fixtures, suggested orders and value sets (needs a JDK and Maven)
	$(BIN)/python -m tests.fhir_server

test-fhir-server: $(STAMP)  ## run the tests on a real FHIR server: IONWISE_TEST_FHIR_URL says which (R4, they write to it)
	@[ -n "$$IONWISE_TEST_FHIR_URL" ] || { \
		echo "IONWISE_TEST_FHIR_URL is not set. Either of these will do:" >&2; \
		echo "  .ci/with-fhir-server make test-fhir-server     starts a HAPI FHIR server and stops it" >&2; \
		echo "  IONWISE_TEST_FHIR_URL=http://127.0.0.1:8080/fhir make test-fhir-server" >&2; exit 1; }
	$(BIN)/python -m pytest -q -m fhir_server tests/fhir_server

# Timings mean nothing while every line is counted. Tests that draw at random take no part: what they reach differs by run.
coverage: $(STAMP)  ## every line and branch of the rules and the core must be reached: fails below 100 %
	$(BIN)/python -m pytest -q tests/cards $(addprefix tests/unit/,facts engine fhir render knowledge) \
		--cov --cov-report= -m "not hypothesis" -k "not limit_mutation"
	$(BIN)/python -m coverage report --fail-under=100 --include="$(PURE)"

mutants: $(STAMP)  ## change the code of facts and families line by line: does a test notice? (ARGS="--sample 400" or a path)
	$(BIN)/python -m tests.mutation $(ARGS)

sbom: $(STAMP)  ## write the bill of materials of what is installed to run: sbom.json (CycloneDX)
	$(BIN)/python -W ignore::UserWarning -m cyclonedx_py requirements requirements.txt --pyproject pyproject.toml --output-format JSON --output-file sbom.json

validate-deploy: $(STAMP)  ## hold deploy/ to the schemas of its tools; systemd-analyze and nginx only where they are installed
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yaml
	deploy/validate

check: $(STAMP)  ## style, types, layers, the knowledge (with limit mutation), the generated docs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ionwise check --mutate
	$(BIN)/ionwise docs --check

bench: $(STAMP)  ## measure response times on small and large charts
	$(BIN)/python -m tests.bench

golden: $(STAMP)  ## rewrite cards/*/expected.json from the cases; review the diff
	$(BIN)/ionwise golden

lock: $(STAMP)  ## record rule versions and hashes in cards/lock.json
	$(BIN)/ionwise lock

docs: $(STAMP)  ## rewrite the generated docs
	$(BIN)/ionwise docs

fix: $(STAMP)  ## repair what ruff can repair by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(STAMP)  ## pin the newest allowed versions again, with hashes
	$(UV_COMPILE) --upgrade --extra build --output-file requirements.txt
	$(UV_COMPILE) --upgrade --extra build --extra dev --constraint requirements.txt --output-file requirements-dev.txt

clean:  ## remove .venv and everything that tools leave behind
	rm -rf $(VENV) $(HAPI)/target build dist *.egg-info .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
