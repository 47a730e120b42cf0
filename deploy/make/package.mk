# The Debian package: `make deb`, or for another processor `make deb ARCH=arm64` (root: Debian's cross compiler and libraries are put into a root of their
# own below build/roots, which stays for the next time). Then the ways to get kith onto a machine, each played from its beginning (tests/package).
HOST_ARCH := $(shell dpkg --print-architecture 2>/dev/null)
ARCH ?= $(HOST_ARCH)
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' deploy/debian/changelog)
DEB := build/kith_$(VERSION)_$(ARCH).deb

build/copyright: deploy/make/licenses.mjs deploy/debian/copyright LICENSE build/web-modules/stamp
	$(Q)node $< deploy/debian/copyright LICENSE web/package-lock.json build/web-modules/node_modules > $@

.PHONY: deb
deb: build/kith build/copyright
ifeq ($(ARCH),$(HOST_ARCH))
	@MAKE="$(MAKE) --no-print-directory" sh deploy/debian/package.sh $(ARCH) $(DEB)
else
	@sh deploy/debian/cross.sh $(ARCH) $(DEB)
endif
	@echo $(DEB)

# Seconds, and no network: installed by dpkg into a copy of this very system that is thrown away.
.PHONY: package-test
package-test: deb
	@sh tests/package/room.sh / life.sh $(DEB) dpkg

# The same in a fresh Debian, where apt fetches what kith needs.
.PHONY: chroot-test
chroot-test: deb
	@sh tests/package/room.sh "$$(sh tests/package/debian.sh bookworm)" life.sh $(DEB) apt
