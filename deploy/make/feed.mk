# The canonical form against Node's own JSON: `make differential COUNT=200000 SEED=1`.
COUNT ?= 200000
SEED ?= 1

.PHONY: differential
differential: $(BUILD)/tests/feed/differential/canonical
	@node tests/feed/differential/compare.js $< $(COUNT) $(SEED)

# Tests of commands run the program of their own build.
$(patsubst tests/%.c,$(BUILD)/tests/%,$(wildcard tests/cmd/test_*.c)): | $(BUILD)/kith
