# `make fuzz SECONDS=60` builds every tests/fuzz/fuzz_NAME.c with clang and runs each that long; `make fuzz F=json` only one.
# Seeds: each tests/fuzz/seeds_*.js is called with a directory and writes DIR/NAME/*. Inputs that once crashed are kept as
# tests/fuzz/found/NAME/* and run first. New finds go to build/fuzz/corpus/NAME, crashes to build/fuzz/crashes.
SECONDS ?= 60
FUZZ_NAMES := $(if $(F),$(F),$(patsubst tests/fuzz/fuzz_%.c,%,$(wildcard tests/fuzz/fuzz_*.c)))
FUZZ_FLAGS = -std=gnu11 -D_GNU_SOURCE -g -O1 -fno-omit-frame-pointer -fno-sanitize-recover=all -Iserver -Itests $(PKG_CFLAGS)
FUZZ_OBJECTS := $(patsubst server/%.c,build/fuzz/server/%.o,$(filter-out server/cmd/%,$(SOURCES)))
FUZZ_SEEDS := $(wildcard tests/fuzz/seeds_*.js)

.PHONY: fuzz-build fuzz-seeds
fuzz: fuzz-build fuzz-seeds
	@SECONDS_EACH=$(SECONDS) sh tests/fuzz/run.sh $(FUZZ_NAMES)

fuzz-build: $(FUZZ_NAMES:%=build/fuzz/fuzz_%)

fuzz-seeds:
	@rm -rf build/fuzz/seeds && mkdir -p build/fuzz/seeds
	@set -e; for script in $(FUZZ_SEEDS); do node $$script build/fuzz/seeds; done

build/fuzz/server/%.o: server/%.c
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link,address,undefined -MMD -MP -c -o $@ $<

build/fuzz/words.o: build/embedded/words.c
	@mkdir -p $(@D)
	clang $(FUZZ_FLAGS) -c -o $@ $<

# An archive, so that a target takes only what it uses.
build/fuzz/libkith.a: $(FUZZ_OBJECTS) build/fuzz/words.o
	@rm -f $@
	@ar rcs $@ $^

build/fuzz/fuzz_%: tests/fuzz/fuzz_%.c build/fuzz/libkith.a
	clang $(FUZZ_FLAGS) -fsanitize=fuzzer,address,undefined -o $@ $^ $(PKG_LIBS)
