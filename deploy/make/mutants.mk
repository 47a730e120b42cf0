# Deliberate mistakes in a copy of the tree, each to be noticed by a test: `make mutants`, `make mutants T=name`.
.PHONY: mutants
mutants: build/kith $(TEST_PROGRAMS)
	@node tests/mutants/run.js $(T)
