# Each target does its own set-up in .venv; `make run` and `make test` are all that a newcomer needs.
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready

.PHONY: run test check bench soak fuzz lock docs clean

run: $(READY)
	$(VENV)/bin/python examples/quickstart/run.py

test: $(READY)
	scripts/test

check: $(READY)
	scripts/check

bench: $(READY)
	$(VENV)/bin/python -m benchmarks $(ARGS)

soak: $(READY)
	$(VENV)/bin/python -m benchmarks.soak $(ARGS)

fuzz:
	fuzz/run.sh $(SECONDS_TO_RUN)

docs: $(READY)
	scripts/docs

lock: $(READY)
	scripts/lock

$(READY): pyproject.toml setup.py requirements/dev.txt src/gateline/engine/wire/_codec.pyx
	PYTHON="$(PYTHON)" scripts/setup

clean:
	rm -rf $(VENV) build src/*.egg-info src/gateline/engine/wire/*.so src/gateline/engine/wire/_codec.c
