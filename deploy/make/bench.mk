# Benches: programs in tests/bench, linked like the unit tests, and tests/bench/run.js, which measures whole nodes against each other and
# against JavaScript peers. `make bench MESSAGES=20000` is a small one; `make bench PARTS=import,pages` runs some parts. tests/bench/README.md
# says what was reached.
MESSAGES ?= 100000
AUTHORS ?= 100
BENCH_SET := build/bench/messages-$(MESSAGES)-$(AUTHORS).jsonl

.PHONY: wire-bench bench-verify bench-messages bench-nodes
wire-bench: $(BUILD)/tests/bench/wire_bench
	@$<

bench-verify: $(BUILD)/tests/bench/verify
	@$<

bench-nodes: build/kith $(BUILD)/tests/bench/bare $(BENCH_SET) build/interop/node_modules/.package-lock.json
	@NODE_PATH=$(CURDIR)/build/interop/node_modules PARTS=$(PARTS) node tests/bench/run.js $(BENCH_SET) $(BUILD)/tests/bench/bare

bench: $(if $(PARTS),,bench-verify wire-bench) bench-nodes

BENCH_PURE := $(addprefix $(BUILD)/tests/bench/,verify generate bare)
$(BENCH_PURE): $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/corpus.o \
		$(filter $(BUILD)/server/base/% $(BUILD)/server/feed/%,$(OBJECTS)) $(BUILD)/embedded/words.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS)

bench-messages: $(BENCH_SET)

# The same for every build of the program, so only made again when its makers change.
$(BENCH_SET): tests/bench/generate.c tests/bench/corpus.c | $(BUILD)/tests/bench/generate
	@mkdir -p $(@D)
	@rm -rf $(BENCH_SET:build/bench/%.jsonl=build/bench/set-%)
	@$(BUILD)/tests/bench/generate $(MESSAGES) $(AUTHORS) >$@.new && mv $@.new $@
