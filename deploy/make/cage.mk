# What tests/cmd/test_cage puts among the libraries of the real program.
CAGE_SPY := $(BUILD)/tests/cmd/cage_spy.so
$(CAGE_SPY): tests/cmd/cage_spy.c
	@mkdir -p $(@D)
	$(call say,cc,$@)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -g $(WARNINGS) -shared -fPIC -o $@ $<

$(BUILD)/tests/cmd/test_cage: | $(CAGE_SPY)
