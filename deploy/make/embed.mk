# Files that live inside the program: schema/*.sql, and the page.
#
# build/web is the page's tree as it is served; deploy/make/web.mk fills it and touches build/web.stamp. The host tool is built without the sanitizers of MODE.

EMBED := build/host/embed
EMBEDDED := $(BUILD)/embedded/schema.o $(BUILD)/embedded/web.o $(BUILD)/embedded/words.o

$(EMBED): server/tools/embed.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) -std=gnu11 -D_GNU_SOURCE -O1 -g $(WARNINGS) $(shell pkg-config --cflags libsodium 2>/dev/null) -o $@ $< \
		$(shell pkg-config --libs libsodium 2>/dev/null)

build/embedded/schema.c: $(wildcard schema/*.sql) $(EMBED)
	@mkdir -p $(@D)
	$(Q)$(EMBED) schema embedded_schema .sql > $@

build/embedded/web.c: build/web.stamp $(EMBED)
	@mkdir -p $(@D)
	$(call say,embed,"the page")
	$(Q)$(EMBED) build/web embedded_web > $@

$(BUILD)/embedded/%.o: build/embedded/%.c
	@mkdir -p $(@D)
	$(call say,cc,$<)
	$(Q)$(CC) $(CFLAGS_ALL) -c -o $@ $<
