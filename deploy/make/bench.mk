# Benches: programs in tests/bench, linked like the unit tests; `make bench` runs them one after the other. `make bench-messages` makes
# the messages that others measure with: 100,000 by 100 authors, as JSON lines.
BENCH_MESSAGES ?= 100000
BENCH_AUTHORS ?= 100

.PHONY: wire-bench bench-verify bench-messages
wire-bench: $(BUILD)/tests/bench/wire_bench
	@$<

bench-verify: $(BUILD)/tests/bench/verify
	@$<

bench: bench-verify wire-bench

$(BUILD)/tests/bench/verify $(BUILD)/tests/bench/generate: $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/corpus.o \
		$(filter $(BUILD)/server/base/% $(BUILD)/server/feed/%,$(OBJECTS))
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS)

bench-messages: build/bench/messages.jsonl

build/bench/messages.jsonl: $(BUILD)/tests/bench/generate
	@mkdir -p $(@D)
	@$< $(BENCH_MESSAGES) $(BENCH_AUTHORS) >$@
