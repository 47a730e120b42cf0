# The simulator (tests/sim/README.md): `make sim SEEDS=2000` runs that many seeds in two processes; `make sim SEED=7 VERBOSE=1` shows one.
# `make sim-self-test` breaks things on purpose and wants it to notice.
SEEDS ?= 2000
SIM_CORE := $(filter $(BUILD)/server/base/% $(BUILD)/server/feed/% $(BUILD)/server/wire/% $(BUILD)/server/store/% \
	$(BUILD)/server/sync/% $(BUILD)/server/net/peer.o $(BUILD)/server/net/sock.o,$(OBJECTS))
SIM_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/sim/*.c)) $(BUILD)/tests/torture/disk.o $(BUILD)/tests/torture/disk_vfs.o
SIM_WRAPS := signer_sign_next message_verify guard_judge writer_ahead crypto_sign_verify_detached
SIM := $(BUILD)/tests/sim/sim

.PHONY: sim sim-self-test
sim: $(SIM)
	@sh tests/sim/run.sh $(SIM) $(if $(filter command line environment,$(origin SEED)),--seed $(SEED) $(if $(VERBOSE),--verbose),--seeds $(SEEDS))

sim-self-test: $(SIM)
	@sh tests/sim/run.sh $(SIM) --self-test

$(SIM): $(SIM_OBJECTS) $(SIM_CORE) $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(SIM_WRAPS:%=-Wl$(comma)--wrap=%) $(PKG_LIBS)
