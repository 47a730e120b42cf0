# Terrible things done to a node (tests/torture). `make torture-ci` is what `make test` does, some three minutes;
# `make torture` the doses of a release, an hour or two: `make torture KILLS=1000 CUTS=1000000`. Each part has its own target,
# and what fails prints the command that repeats it.
CUTS ?= 20000
SEED ?= 1
TORTURE := $(BUILD)/tests/torture
TORTURE_DISK := $(addprefix $(TORTURE)/,disk.o disk_vfs.o)
TORTURE_RIG := $(TORTURE_DISK) $(TORTURE)/rig.o

$(TORTURE)/test_disk: $(TORTURE_DISK)
$(TORTURE)/power $(TORTURE)/faults: $(TORTURE_RIG)
$(TORTURE)/malloc: $(TORTURE_RIG) $(addprefix $(TORTURE)/,alloc.o malloc_store.o malloc_blobs.o malloc_plain.o)

.PHONY: power-cut power-self-test disk-faults disk-full malloc-torture kill-torture kill-blobs torture torture-ci
power-cut: $(TORTURE)/power
	@$< --cuts $(CUTS) --seed $(SEED)

# With syncs that are not done there are losses; a test that does not see them sees nothing.
power-self-test: $(TORTURE)/power
	@for end in fence -wal kith.db; do \
		if $< --cuts 400 --ignore-syncs $$end >/dev/null; then echo "power: blind for lost syncs of $$end"; exit 1; fi; \
	done; echo "power: sees lost syncs of the fence, the WAL and the database"

disk-faults: $(TORTURE)/faults
	@$<

# `make malloc-torture ALL=1`: every point.
malloc-torture: $(TORTURE)/malloc
	@MALLOC_PERTURB_=165 $< $(if $(ALL),--all)

disk-full: build/kith
	@node tests/torture/full.js

kill-torture: build/kith bench-messages
	@node tests/torture/kill.js $(BENCH_SET) $(or $(KILLS),100) $(JUDGE)

# kill -9 while blobs are written.
kill-blobs: build/kith
	@node tests/torture/kill_blobs.js $(or $(KILLS),20)

torture-ci:
	@$(MAKE) --no-print-directory power-self-test power-cut disk-faults malloc-torture disk-full CUTS=6000
	@$(MAKE) --no-print-directory kill-torture MESSAGES=10000 KILLS=40
	@$(MAKE) --no-print-directory kill-blobs KILLS=20

torture:
	@$(MAKE) --no-print-directory power-self-test disk-faults disk-full
	@$(MAKE) --no-print-directory power-cut CUTS=$(or $(filter-out 20000,$(CUTS)),1000000)
	@$(MAKE) --no-print-directory malloc-torture ALL=1
	@$(MAKE) --no-print-directory kill-torture MESSAGES=100000 KILLS=$(or $(KILLS),1000) JUDGE=judge
	@$(MAKE) --no-print-directory kill-blobs KILLS=$(or $(KILLS),1000)
