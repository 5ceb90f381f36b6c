# make demo, make test: nothing but Python 3.11 is needed beforehand. PYTHON=... names another interpreter.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo team test torture check bench bench-full messages clean

demo: $(READY)
	$(BIN)/python -m qpi demo demo

# A team's ledger: PostgreSQL from pip alone, with the demo's ledger in it; see the README.
team: $(READY)
	test -e demo || $(BIN)/python -m qpi demo demo
	$(BIN)/python examples/team.py

# make test TESTS='-n 2 --dist loadfile': two files at a time, as .ci/run does it; TESTS=tests/test_docs.py: only these.
test: $(READY)
	$(BIN)/python -m pytest $(TESTS)

torture: $(READY)
	$(BIN)/python tests/torture/run.py

check: $(READY)
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m ruff check .
	$(BIN)/python -m mypy

bench: $(READY)
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python benchmarks/run.py

# With 100 million checks and Spark, which needs Java; docs/performance.md is written anew.
bench-full: $(READY)
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python benchmarks/run.py --full --record

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("qpi needs Python 3.11 or newer: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,check]'
	touch $(READY)

messages: $(READY)
	$(BIN)/python tests/refresh_messages.py

clean:
	rm -rf .venv demo dist build
