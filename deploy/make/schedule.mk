# tests/sync/test_schedule and test_ping play everything around what they test themselves: clock, connections, reach and store.
$(BUILD)/tests/sync/test_schedule: $(BUILD)/tests/sync/test_schedule.o $(filter $(BUILD)/server/base/% $(BUILD)/server/feed/% \
	$(BUILD)/server/wire/% $(BUILD)/server/sync/schedule%,$(OBJECTS)) $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS) -lcmocka

$(BUILD)/tests/sync/test_ping: $(BUILD)/tests/sync/test_ping.o $(filter $(BUILD)/server/base/%,$(OBJECTS)) $(BUILD)/server/sync/ping.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS) -lcmocka
