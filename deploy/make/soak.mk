# A node that is left on, for two hours; `make soak HOURS=0.1` is a taste. Not part of `make test`.
HOURS ?= 2
.PHONY: soak
soak: build/kith build/interop/node_modules/.package-lock.json
	@NODE_PATH=$(CURDIR)/build/interop/node_modules HOURS=$(HOURS) node tests/soak/run.js
