# `make install` puts the program where the system looks for it, with its manual, completion, unit and an example of kith.conf; `make uninstall` takes the
# same files away and nothing else: data and kith.conf are the owner's. Users and starting are the Debian package's (deploy/debian), or yours.
PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR := $(PREFIX)/share/doc/kith
UNITS := $(wildcard deploy/systemd/kith.*)

# mode:what:where
INSTALLED = 755:$(PROGRAM):$(PREFIX)/bin/kith 644:README.md:$(DOCDIR)/README.md 644:build/copyright:$(DOCDIR)/copyright \
	$(foreach unit,$(UNITS),644:$(unit):$(UNITDIR)/$(notdir $(unit))) \
	$(foreach page,$(wildcard deploy/man/*.[15]),644:$(page):$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page)))

# A program made for another processor is not build/kith.
PROGRAM ?= build/kith
field = $(word $(2),$(subst :, ,$(1)))
define install_one
@install -D -m $(call field,$(1),1) $(call field,$(1),2) $(DESTDIR)$(call field,$(1),3)

endef

.PHONY: install uninstall
install: $(PROGRAM) build/copyright
	$(foreach file,$(INSTALLED),$(call install_one,$(file)))
	@$(foreach unit,$(UNITS),sed -i 's|/usr/bin/kith|$(PREFIX)/bin/kith|' $(DESTDIR)$(UNITDIR)/$(notdir $(unit)) &&) true

uninstall:
	@rm -f $(foreach file,$(INSTALLED),$(DESTDIR)$(call field,$(file),3))
	@rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true
