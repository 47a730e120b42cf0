# `make fuzz SECONDS=60` builds every tests/fuzz/fuzz_NAME.c with clang and runs each that long; `make fuzz F=json` only one.
# Seeds: each tests/fuzz/seeds_*.js is called with a directory and writes DIR/NAME/*. Inputs that reached something new are kept as tests/fuzz/corpus/NAME/*,
# inputs that once crashed as tests/fuzz/found/NAME/*; all of these run first. New finds go to build/fuzz/corpus/NAME, crashes to build/fuzz/crashes;
# `make fuzz-keep F=json` takes the best of the finds over into the tree.
SECONDS ?= 60
FUZZ_NAMES := $(if $(F),$(F),$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_SEEDS := $(wildcard tests/fuzz/seeds_*.js)

.PHONY: fuzz-build fuzz-seeds fuzz-keep
fuzz: fuzz-build fuzz-seeds
	@SECONDS_EACH=$(SECONDS) TIMEOUT=$(or $(TIMEOUT),10) sh tests/fuzz/run.sh $(FUZZ_NAMES)

fuzz-keep: fuzz-build fuzz-seeds
	@sh tests/fuzz/keep.sh $(FUZZ_NAMES)

fuzz-build:
	@$(MAKE) --no-print-directory MODE=fuzz CC=clang fuzz-programs

fuzz-seeds:
	@rm -rf build/fuzz/seeds && mkdir -p build/fuzz/seeds
	@set -e; for script in $(FUZZ_SEEDS); do node $$script build/fuzz/seeds; done

# With MODE=fuzz, whose objects these are. An archive, so that a target takes only what it uses.
.PHONY: fuzz-programs
fuzz-programs: $(FUZZ_NAMES:%=build/fuzz/fuzz_%)

build/fuzz/libkith.a: $(TESTED:$(BUILD)/%=build/fuzz/%) $(EMBEDDED:$(BUILD)/%=build/fuzz/%)
	@rm -f $@
	@ar rcs $@ $^

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c build/fuzz/libkith.a
	$(call say,fuzz,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)
