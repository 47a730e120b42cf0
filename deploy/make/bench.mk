# Benches: programs in tests/bench, linked like the unit tests, and tests/bench/run.js, which measures whole nodes against each other and
# against JavaScript peers. `make bench MESSAGES=20000` is a small one; `make bench PARTS=import,pages` runs some parts. tests/bench/README.md
# says what was reached.
MESSAGES ?= 100000
AUTHORS ?= 100
BENCH_SET := build/bench/messages-$(MESSAGES)-$(AUTHORS).jsonl
# One feed of 10,000; and, for PARTS=million only, a million by a thousand.
BENCH_ONE := build/bench/messages-10000-1.jsonl
BENCH_MILLION := build/bench/messages-1000000-1000.jsonl

.PHONY: wire-bench bench-verify bench-messages bench-nodes
wire-bench: $(BUILD)/tests/bench/wire_bench
	@$<

bench-verify: $(BUILD)/tests/bench/verify
	@$<

bench-nodes: build/kith $(BUILD)/tests/bench/bare $(BENCH_SET) $(BENCH_ONE) $(if $(findstring million,$(PARTS)),$(BENCH_MILLION)) \
		build/interop/node_modules/.package-lock.json
	@NODE_PATH=$(CURDIR)/build/interop/node_modules PARTS=$(PARTS) node tests/bench/run.js $(BUILD)/tests/bench/bare $(BENCH_SET) $(BENCH_ONE) $(BENCH_MILLION)

bench: $(if $(PARTS),,bench-verify wire-bench) bench-nodes

BENCH_PURE := $(addprefix $(BUILD)/tests/bench/,verify generate bare)
$(BENCH_PURE): $(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/corpus.o \
		$(filter $(BUILD)/server/base/% $(BUILD)/server/feed/% $(BUILD)/server/wire/%,$(OBJECTS)) $(BUILD)/embedded/words.o
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS)

bench-messages: $(BENCH_SET)

# The same for every build of the program, so only made again when its makers change.
build/bench/messages-%.jsonl: tests/bench/generate.c tests/bench/corpus.c | $(BUILD)/tests/bench/generate
	@mkdir -p $(@D)
	@rm -rf build/bench/set-messages-$*
	@$(BUILD)/tests/bench/generate $(subst -, ,$*) >$@.new && mv $@.new $@
