# tests/sync/test_budgets plays everything around what peers have used: connections, reach and the clock.
$(BUILD)/tests/sync/test_budgets: $(BUILD)/tests/sync/test_budgets.o $(filter $(BUILD)/server/base/% $(BUILD)/server/feed/% $(BUILD)/server/wire/% \
	$(BUILD)/server/sync/shares%,$(OBJECTS)) $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS) -lcmocka
