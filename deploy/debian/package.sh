#!/bin/sh
# The Debian package out of what `make` has built: `package.sh ARCH OUT [STRIP]`, with MAKE set; make installs into a staged tree, dpkg's own tools do
# the rest. Two runs give the same bytes: all times are those of deploy/debian/changelog.
set -eu
umask 022
arch=$1
out=$2
strip=${3:-strip}
here=deploy/debian
stage=build/deb/$arch
root=$stage/root
export LC_ALL=C TZ=UTC DEB_HOST_ARCH="$arch"
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l $here/changelog -S Timestamp)
export SOURCE_DATE_EPOCH

rm -rf "$stage"
mkdir -p "$stage/debian" "$root/DEBIAN"
$MAKE install-files DESTDIR="$root" PREFIX=/usr UNITDIR=/lib/systemd/system
"$strip" --remove-section=.comment --remove-section=.note "$root/usr/bin/kith"
rm "$root/usr/share/doc/kith/README.md" "$root/usr/share/doc/kith/kith.conf.example"
# The service's node is the one that all commands mean.
mkdir -p "$root/etc/kith"
sed 's,^#* *data = .*,data = /var/lib/kith,' build/kith.conf >"$root/etc/kith/kith.conf"
grep -q '^data = ' "$root/etc/kith/kith.conf"
install -m 644 $here/changelog "$root/usr/share/doc/kith/changelog"
gzip -9n "$root/usr/share/man/"*/* "$root/usr/share/doc/kith/changelog"

for script in postinst prerm postrm; do
	install -m 755 "$here/$script" "$root/DEBIAN/$script"
done
sed 's/^_//' $here/templates >"$root/DEBIAN/templates"
install -D -m 644 $here/lintian-overrides "$root/usr/share/lintian/overrides/kith"
echo /etc/kith/kith.conf >"$root/DEBIAN/conffiles"
(cd "$root" && find . -type f ! -path './DEBIAN/*' ! -path './etc/*' -printf '%P\n' | sort | xargs md5sum) >"$root/DEBIAN/md5sums"

# dpkg's tools look for debian/control where they run.
cp $here/control $here/changelog "$stage/debian"
(
	cd "$stage"
	dpkg-shlibdeps -O -eroot/usr/bin/kith >debian/substvars
	dpkg-gencontrol -pkith -Tdebian/substvars -Pdebian/../root -fdebian/files >/dev/null
)
dpkg-deb --root-owner-group -Zxz --build "$root" "$out" >/dev/null
