# A node that is left on, with the real program (tests/left-on/run.js): `make left-on`, `make left-on SCENE=stop` one of its scenes.
.PHONY: left-on
left-on: build/kith $(HOSTILE) bench-messages
	@SCENE=$(SCENE) node tests/left-on/run.js $(HOSTILE) $(BENCH_SET)
