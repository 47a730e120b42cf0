#!/bin/sh
# The package for another processor: `cross.sh ARCH OUT`. Debian's cross compiler and its libraries for both processors are put into a root of their own,
# and the tree is seen from there at the same place as here; the page, the host's tools and the rest that is the same for all were made before, by make.
# An emulator of that processor shows that the program runs.
set -eu
arch=$1
out=$2
case $arch in
arm64) triplet=aarch64-linux-gnu emulator=qemu-aarch64-static ;;
armhf) triplet=arm-linux-gnueabihf emulator=qemu-arm-static ;;
*) echo "make deb: Debian 12 has cross compilers for more, but kith knows arm64 and armhf: not $arch" >&2; exit 1 ;;
esac
libraries=$(sed -n "s/.*library_from [^ ]* \([^ ]*\) .*/\1:$arch/p" deploy/setup.sh | tr '\n' ' ')
root=$(sh deploy/debian/root.sh "cross-$arch" "dpkg --add-architecture $arch && apt-get update" \
	"apt-get install -y --no-install-recommends make pkg-config dpkg-dev qemu-user-static gcc-$triplet libc6-dev:$arch $libraries")
make="make --no-print-directory -j$(nproc) CC=$triplet-gcc BUILD=build/release-$arch PROGRAM=build/release-$arch/kith"

unshare --mount --pid --fork --kill-child --propagation private sh -ec '
	mount -t proc proc "$0/proc"
	mkdir -p "$0$PWD"
	mount --bind "$PWD" "$0$PWD"
	exec chroot "$0" env -C "$PWD" "PKG_CONFIG_LIBDIR=/usr/lib/$1/pkgconfig:/usr/share/pkgconfig" sh -ec "$2"' \
	"$root" "$triplet" "$make program
		MAKE='$make' sh deploy/debian/package.sh $arch $out $triplet-strip
		data=\$(mktemp -d)
		$emulator build/release-$arch/kith init --data \$data
		$emulator build/release-$arch/kith whoami --data \$data >/dev/null
		rm -r \$data"
