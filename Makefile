# kith: `make run` starts a node, `make test` tests everything; `make help` lists the rest.
# Everything that is made goes below build/; nothing else in the tree is touched.

CC ?= gcc
MODE ?= release
BUILD := build/$(MODE)
comma := ,

PACKAGES := libmicrohttpd libsodium sqlite3 jansson libwebsockets libuv inih libseccomp
PKG_CFLAGS := $(shell pkg-config --cflags $(PACKAGES) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null) -lpthread -lm

WARNINGS := -Wall -Werror=incompatible-pointer-types -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes -Wmissing-prototypes -Wwrite-strings -Wvla \
	-Wformat=2 -Wno-format-nonliteral $(if $(WERROR),-Werror)
# What the compiler does against its programs' mistakes; tests/lint/hardened.sh looks whether the program has it.
MACHINE := $(shell $(CC) -dumpmachine 2>/dev/null)
HARDEN := -fstack-protector-strong -fstack-clash-protection -fPIE -D_FORTIFY_SOURCE=3 $(if $(filter x86_64-%,$(MACHINE)),-fcf-protection) \
	$(if $(filter aarch64-%,$(MACHINE)),-mbranch-protection=standard)
HARDEN_LD := -pie -Wl,-z,relro,-z,now,-z,noexecstack
MODE_release := -O2 $(HARDEN)
MODE_clang := $(MODE_release)
MODE_asan := -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
MODE_tsan := -O1 -fsanitize=thread -fno-omit-frame-pointer
# clang's sanitizers, with what fuzz targets are guided by: `make asan` and `make fuzz` share these objects.
MODE_fuzz := -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer -Wno-string-concatenation
# The folder it is built in leaves no trace in the program.
CFLAGS_ALL = -std=gnu11 -D_GNU_SOURCE -g -ffile-prefix-map=$(CURDIR)=. -Iserver -Itests $(WARNINGS) $(MODE_$(MODE)) $(PKG_CFLAGS) $(CFLAGS)
LDFLAGS_ALL = $(if $(filter release clang,$(MODE)),$(HARDEN_LD),$(MODE_$(MODE))) $(LDFLAGS)

SOURCES := $(wildcard server/*/*.c) $(filter-out server/main.c,$(wildcard server/*.c))
SOURCES := $(filter-out server/tools/%,$(SOURCES))
MAIN := $(BUILD)/server/main.o
OBJECTS := $(SOURCES:%.c=$(BUILD)/%.o)
TEST_SOURCES := $(wildcard tests/*/test_*.c)
TEST_PROGRAMS := $(TEST_SOURCES:tests/%.c=$(BUILD)/tests/%)
# The commands need main's table of them, so they are tested as commands.
TESTED := $(filter-out $(BUILD)/server/cmd/%,$(OBJECTS))
TEST_LIB := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/lib/*.c))

# One short line for each thing made; `make V=1` shows the commands, `make -s` nothing.
Q := $(if $(V),,@)
ifneq ($(V)$(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS)))),)
say =
else
say = @printf '  %-6s %s\n' $(1) $(2)
endif

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all run test unit bench asan tsan fuzz lint fmt interop web-test clean help setup

all: build/kith

include $(wildcard deploy/make/*.mk)

# The program of this MODE alone, for looking whether another compiler takes it too.
.PHONY: program
program: $(BUILD)/kith

build/kith: $(BUILD)/kith
	@mkdir -p $(@D)
	@cp $< $@.new && mv $@.new $@

$(BUILD)/kith: $(MAIN) $(OBJECTS) $(EMBEDDED)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(TEST_LIB) $(TESTED) $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS) -lcmocka

# What the parts of `make test` that run side by side link.
.PHONY: test-programs
test-programs: $(TEST_PROGRAMS) $(SIM) $(HOSTILE) $(addprefix $(TORTURE)/,power faults malloc) $(BUILD)/tests/feed/differential/canonical

# `make test T=wire/boxstream` runs one unit test program.
unit: $(if $(T),$(BUILD)/tests/$(dir $(T))test_$(notdir $(T)),$(TEST_PROGRAMS))
	@sh tests/lib/run-unit.sh $^

# What a bare Debian 12 lacks is installed first; then a make of its own, which finds the libraries.
run:
	@sh deploy/setup.sh build
	@$(MAKE) --no-print-directory -j$$(nproc) all
	@exec build/kith run $(RUN_FLAGS)

# Everything. `make test T=wire/boxstream` runs one unit test program.
test:
	@sh deploy/setup.sh test
	@$(if $(T),$(MAKE) --no-print-directory -s unit T=$(T),MAKE="$(MAKE)" sh tests/lib/test-all.sh)

# Every unit test with clang's sanitizers; `make MODE=asan unit` is the same with gcc's.
asan:
	@$(MAKE) --no-print-directory MODE=fuzz CC=clang unit

# The tests of what threads do together. Feed, wire and sums of base have none, nor have these; and what a node does at its start, before there are two
# (upgrades, repairs, after a fork), and what commands do beside it, is computed for minutes in order to show nothing.
# The cage closes before there is a second thread, and the sanitizer brings one along.
LONELY := $(addprefix tests/,$(addsuffix .c,$(addprefix api/test_,body events gate mentions session) \
	$(addprefix cmd/test_,backup cage import keys safety verify) $(addprefix store/test_,audit bundle fence fork migrate pack repair rollback secret start) \
	$(addprefix sync/test_,schedule schedule_choose)))
THREADED := $(filter tests/api/% tests/cmd/% tests/net/% tests/store/% tests/sync/% tests/base/test_inbox.c,$(filter-out $(LONELY),$(TEST_SOURCES)))
tsan:
	@TSAN_OPTIONS="$$TSAN_OPTIONS suppressions=$(CURDIR)/tests/lib/tsan.supp" $(MAKE) --no-print-directory MODE=tsan unit-threaded

.PHONY: unit-threaded
unit-threaded: $(THREADED:tests/%.c=$(BUILD)/tests/%)
	@sh tests/lib/run-unit.sh $^

fmt:
	clang-format -i $$(git ls-files 'server/*.[ch]' 'tests/*.[ch]')

lint:
	@sh tests/lint/lint.sh

help:
	@echo "make            build build/kith"
	@echo "make run        install what is missing, build, start a node, print the link to open"
	@echo "make test       install what is missing, test everything; T=wire/boxstream runs one unit test"
	@echo "make unit asan tsan lint fuzz differential shs1-test interop lan-test web-test sim torture-ci hostile-ci mutants bench: parts of it"
	@echo "make deb [ARCH=arm64|armhf]     the Debian package; package-test chroot-test bare-test container-test reproducible: tests of it"
	@echo "make install uninstall DESTDIR= PREFIX=/usr/local;  make fmt;  make clean"

clean:
	rm -rf build

# In roots of other systems (build/roots) folders have such names too.
-include $(shell find build \( -path build/roots -o -path build/deb -o -path build/reproducible \) -prune -o -name "*.d" -type f -print 2>/dev/null)
