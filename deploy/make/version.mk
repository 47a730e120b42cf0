# What `kith version` tells of its source: the commit, when this is a clone; a packager may say COMMIT= instead.
COMMIT := $(or $(COMMIT),$(shell git rev-parse --short=12 HEAD 2>/dev/null))
COMMIT_FILE := build/commit
# Written only when it is another one, so that nothing is made anew for it.
$(shell mkdir -p build; [ "$$(cat $(COMMIT_FILE) 2>&1)" = "$(COMMIT)" ] || echo "$(COMMIT)" >$(COMMIT_FILE))
$(BUILD)/server/cmd/cmd_version.o: CFLAGS += -DKITH_COMMIT='"$(COMMIT)"'
$(BUILD)/server/cmd/cmd_version.o: $(COMMIT_FILE)
