# tests/sync/test_ingest plays everything around the queue itself: connections, workers, the writer and the clock.
$(BUILD)/tests/sync/test_ingest: $(BUILD)/tests/sync/test_ingest.o $(BUILD)/tests/lib/authors.o $(filter $(BUILD)/server/base/% \
	$(BUILD)/server/feed/% $(BUILD)/server/wire/% $(BUILD)/server/sync/ingest%,$(OBJECTS)) $(EMBEDDED)
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS) -lcmocka
