#!/bin/sh
# A bare Debian 12 below build/roots, made once: `debian.sh NAME [PACKAGE …]` prints its path. Root and debootstrap are needed; the mirror is this machine's.
set -eu
name=$1
shift
root=$PWD/build/roots/$name
if [ ! -d "$root" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "a root of its own can only be made by root" >&2; exit 1; }
	sh deploy/setup.sh package >&2
	mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
		grep -v '^#' | grep -o 'https\?://[^ ]*/debian/\?\( \|$\)' | head -n 1)
	packages=$(echo "$@" | tr ' ' ',')
	mkdir -p build/roots
	rm -rf "$root.new"
	echo "making build/roots/$name with debootstrap" >&2
	# What it mounts meanwhile is in a namespace of its own, and gone with it.
	unshare --mount --propagation private debootstrap --variant=minbase ${packages:+--include="$packages"} bookworm "$root.new" \
		${mirror:-http://deb.debian.org/debian} >"$root.log" 2>&1 || { tail "$root.log" >&2; exit 1; }
	rm -rf "$root.new/var/cache/apt/archives/"*.deb
	mv "$root.new" "$root"
fi
echo "$root"
