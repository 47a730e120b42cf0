# Terrible things done to a node. `make power-cut CUTS=1000000` cuts the power.
CUTS ?= 20000
SEED ?= 1
TORTURE_DISK := $(addprefix $(BUILD)/tests/torture/,disk.o disk_vfs.o)
TORTURE_RIG := $(TORTURE_DISK) $(BUILD)/tests/torture/rig.o

$(BUILD)/tests/torture/test_disk: $(TORTURE_DISK)
$(BUILD)/tests/torture/power $(BUILD)/tests/torture/faults: $(TORTURE_RIG)

.PHONY: power-cut power-self-test
power-cut: $(BUILD)/tests/torture/power
	@$< --cuts $(CUTS) --seed $(SEED)

malloc-torture: $(BUILD)/tests/torture/malloc
	@MALLOC_PERTURB_=165 $< $(if $(ALL),--all)
.PHONY: malloc-torture
$(BUILD)/tests/torture/malloc: $(TORTURE_RIG) $(addprefix $(BUILD)/tests/torture/,alloc.o malloc_store.o malloc_plain.o)
