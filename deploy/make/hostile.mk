# A node among 10,000 idle sockets, floods and bombs, and a good peer that must get in within a second (tests/hostile/run.js):
# and crowds at its web port, beside which the owner's page must go on (tests/hostile/web.js): `make hostile`, some ten minutes; `make hostile-ci` is the small dose of `make test`, without judging times.
.PHONY: hostile hostile-ci
HOSTILE := $(BUILD)/tests/hostile/hostile
$(HOSTILE): $(BUILD)/tests/hostile/hostile.o $(filter $(BUILD)/server/base/% $(BUILD)/server/feed/% $(BUILD)/server/wire/%,$(OBJECTS)) \
		$(BUILD)/embedded/words.o
	@mkdir -p $(@D)
	$(call say,link,$@)
	$(Q)$(CC) $(CFLAGS_ALL) -o $@ $^ $(LDFLAGS_ALL) $(PKG_LIBS)

hostile: build/kith $(HOSTILE)
	@node tests/hostile/run.js $(HOSTILE)
	@node tests/hostile/web.js

hostile-ci: build/kith $(HOSTILE)
	@node tests/hostile/run.js $(HOSTILE) ci
	@node tests/hostile/web.js ci
