# The Debian package: `make deb`, or for another processor `make deb ARCH=arm64` (root: Debian's cross compiler and libraries are put into a root of their
# own below build/roots, which stays for the next time). Then the ways to get kith onto a machine, each played from its beginning (tests/package).
HOST_ARCH := $(shell dpkg --print-architecture 2>/dev/null)
ARCH ?= $(HOST_ARCH)
VERSION := $(shell sed -n '1s/.*(\(.*\)).*/\1/p' deploy/debian/changelog)
DEB := build/kith_$(VERSION)_$(ARCH).deb

.PHONY: deb
deb: build/kith build/kith.conf build/copyright
ifeq ($(ARCH),$(HOST_ARCH))
	@MAKE="$(MAKE) --no-print-directory" sh deploy/debian/package.sh $(ARCH) $(DEB)
else
	@sh deploy/debian/cross.sh $(ARCH) $(DEB)
endif
	@echo $(DEB)

# Seconds, and no network: installed into a copy of this very system that is thrown away.
.PHONY: package-test
package-test: deb
	@MAKE="$(MAKE) --no-print-directory" sh tests/package/install.sh
	@sh tests/package/room.sh life.sh / $(DEB) dpkg

# The same in a fresh Debian, where apt fetches what kith needs.
.PHONY: chroot-test
chroot-test: deb
	@bare=$$(sh deploy/debian/root.sh bookworm) && lintian --allow-root --fail-on error,warning $(DEB) && \
		sh tests/package/room.sh life.sh $$bare $(DEB) apt

# `make run` where there are git and make.
.PHONY: bare-test
bare-test:
	@bare=$$(sh deploy/debian/root.sh bare "apt-get update && apt-get install -y --no-install-recommends git make") && \
		sh tests/package/room.sh bare.sh $$bare

# The image's steps without an engine, then a container of it as compose.yaml says.
.PHONY: container-test
container-test:
	@bare=$$(sh deploy/debian/root.sh bookworm) && sh tests/package/room.sh container.sh $$bare

.PHONY: reproducible
reproducible:
	@MAKE="$(MAKE) --no-print-directory" sh tests/package/reproducible.sh
