# Benches: programs in tests/bench, linked like the unit tests; `make bench` runs them one after the other.

.PHONY: wire-bench
wire-bench: $(BUILD)/tests/bench/wire_bench
	@$<

bench: wire-bench
