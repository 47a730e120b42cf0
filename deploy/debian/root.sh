#!/bin/sh
# A bare Debian 12 in build/roots, made once (root, debootstrap): `root.sh bookworm` prints where it is. `root.sh NAME CHANGE …` is a copy of it after the
# commands CHANGE, each run in it. The mirror is this machine's.
set -eu
name=$1
shift
root=$PWD/build/roots/$name

# What is mounted meanwhile is in a namespace of its own, and gone with it.
apart() { unshare --mount --pid --fork --kill-child --propagation private "$@"; }
mirror() {
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null | grep -v '^#' |
		grep -o 'https\?://[^ ]*/debian/\?\( \|$\)' | grep . || echo http://deb.debian.org/debian
}
make_bare() {
	apart debootstrap --variant=minbase bookworm "$root.new" "$(mirror | head -n 1)"
	rm -rf "$root.new/var/cache/apt/archives/"*.deb
}
make_changed() {
	cp -a "$(sh "$0" bookworm)" "$root.new"
	cp -L /etc/resolv.conf "$root.new/etc/resolv.conf"
	for change in "$@"; do
		apart sh -c 'mount -t proc proc "$0/proc" && DEBIAN_FRONTEND=noninteractive LC_ALL=C chroot "$0" sh -ec "$1"' "$root.new" "$change" || return 1
	done
}

# One that was made by other commands is made anew.
if [ ! -d "$root" ] || [ "$(cat "$root.made")" != "$*" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "a root can only be made by root" >&2; exit 1; }
	sh deploy/setup.sh package >&2
	mkdir -p build/roots
	rm -rf "$root" "$root.new"
	echo "  root   build/roots/$name" >&2
	if [ $# -eq 0 ]; then make_bare; else make_changed "$@"; fi >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
	echo "$*" >"$root.made"
	mv "$root.new" "$root"
fi
echo "$root"
