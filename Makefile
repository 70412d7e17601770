# Short names for the scripts; each does its own set-up in .venv.
.PHONY: run test check bench soak fuzz docs lock

run:
	scripts/run

test:
	scripts/test

check:
	scripts/check

bench:
	scripts/bench $(ARGS)

soak:
	scripts/soak $(ARGS)

fuzz:
	fuzz/run.sh $(ARGS)

docs:
	scripts/docs

lock:
	scripts/lock
