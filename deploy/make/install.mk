# `make install` puts the program where the system looks for it, with its manual, completion, unit and an example of kith.conf; `make uninstall` takes the
# same files away and nothing else: data and kith.conf are the owner's. Users and starting are the Debian package's (deploy/debian), or yours.
PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
DOCDIR := $(PREFIX)/share/doc/kith
UNITS := $(notdir $(wildcard deploy/systemd/kith.*))

# A program made for another processor is not build/kith.
PROGRAM ?= build/kith

# mode:what:where
INSTALLED = 755:$(PROGRAM):$(PREFIX)/bin/kith \
	$(foreach unit,$(UNITS),644:deploy/systemd/$(unit):$(UNITDIR)/$(unit)) \
	644:deploy/man/kith.1:$(PREFIX)/share/man/man1/kith.1 \
	644:deploy/man/kith.conf.5:$(PREFIX)/share/man/man5/kith.conf.5 \
	644:deploy/completion/kith:$(PREFIX)/share/bash-completion/completions/kith \
	644:build/kith.conf:$(DOCDIR)/kith.conf.example \
	644:README.md:$(DOCDIR)/README.md \
	644:build/copyright:$(DOCDIR)/copyright

build/kith.conf: build/kith
	$(Q)$< config example > $@

build/copyright: deploy/make/licenses.mjs deploy/debian/copyright LICENSE build/web-modules/stamp
	$(Q)node $< deploy/debian/copyright LICENSE web/package-lock.json build/web-modules/node_modules > $@

field = $(word $(2),$(subst :, ,$(1)))
define install_one
@install -D -m $(call field,$(1),1) $(call field,$(1),2) $(DESTDIR)$(call field,$(1),3)

endef

.PHONY: install install-files uninstall
install: build/kith build/kith.conf build/copyright install-files

# What is there, without making it first.
install-files:
	$(foreach file,$(INSTALLED),$(call install_one,$(file)))
	@sed -i 's|/usr/bin/kith|$(PREFIX)/bin/kith|' $(UNITS:%=$(DESTDIR)$(UNITDIR)/%)

uninstall:
	@rm -f $(foreach file,$(INSTALLED),$(DESTDIR)$(call field,$(file),3))
	@rmdir $(DESTDIR)$(DOCDIR) 2>/dev/null || true
