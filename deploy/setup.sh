#!/bin/sh
# Install from Debian what is missing: `setup.sh build` for building and running, `setup.sh test` for testing as well,
# `setup.sh package` for testing packages in bare roots. Says what and why first;
# does nothing when nothing is missing.
set -u
level=${1:-build}

want() { # package, why
	printf '  %-24s %s\n' "$1" "$2"
}
command_from() { # command, package, why
	command -v "$1" >/dev/null 2>&1 || want "$2" "$3"
}
library_from() { # pkg-config name, package, why
	pkg-config --exists "$1" 2>/dev/null || want "$2" "$3"
}
file_from() { # file, package, why
	[ -e "$1" ] || want "$2" "$3"
}

list=$(mktemp) || exit 1
trap 'rm -f "$list"' EXIT
{
	command_from cc gcc "C compiler"
	file_from /usr/include/stdio.h libc6-dev "headers of the C library"
	command_from pkg-config pkg-config "finds the libraries"
	library_from libmicrohttpd libmicrohttpd-dev "HTTP for the page"
	library_from libsodium libsodium-dev "signatures and encryption"
	library_from sqlite3 libsqlite3-dev "the database"
	library_from jansson libjansson-dev "JSON of our own API"
	library_from libwebsockets libwebsockets-dev "live updates of the page"
	library_from libuv libuv1-dev "the peers' sockets"
	library_from inih libinih-dev "kith.conf"
	library_from libseccomp libseccomp-dev "gives up the system calls the node does not need"
	command_from node nodejs "prepares the page's modules"
	command_from npm npm "fetches the page's modules, pinned by a lock file"
	file_from /etc/ssl/certs/ca-certificates.crt ca-certificates "checks where modules come from"
	if [ "$level" = test ]; then
		file_from /usr/include/cmocka.h libcmocka-dev "unit tests"
		command_from clang clang "second compiler, fuzzing"
		ls /usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer-*.a >/dev/null 2>&1 || want libclang-rt-14-dev "fuzzing"
		command_from gcc gcc "lint: its analyser"
		command_from clang-format clang-format "lint"
		command_from clang-tidy clang-tidy "lint"
		command_from man man-db "lint of the manual pages"
		command_from cppcheck cppcheck "lint"
		command_from chromium chromium "browser tests"
		file_from /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf fonts-dejavu-core "browser tests"
		command_from systemd-analyze systemd "lint of the unit"
		command_from readelf binutils "lint of the program"
		command_from curl curl "asks through proxies"
		command_from openssl openssl "certificates for proxies"
		file_from /usr/sbin/nginx nginx-light "proxies before the page"
		command_from caddy caddy "proxies before the page"
		command_from ip iproute2 "network namespaces for local discovery"
		command_from g++ g++ "native modules of the JavaScript peers"
		command_from python3 python3 "native modules of the JavaScript peers"
	fi
	if [ "$level" != build ]; then
		command_from dpkg-shlibdeps dpkg-dev "makes packages"
		command_from curl curl "opens the page of an installed package"
	fi
	if [ "$level" = package ]; then
		command_from lintian lintian "looks at packages"
		command_from debootstrap debootstrap "bare systems to install into"
		command_from curl curl "asks through proxies"
		command_from openssl openssl "certificates for proxies"
		file_from /usr/sbin/nginx nginx-light "proxies before the page"
		command_from caddy caddy "proxies before the page"
		command_from ip iproute2 "a network of its own for each"
	fi
} >"$list"
[ -s "$list" ] || exit 0

echo "kith needs these Debian packages, which are not installed yet:"
cat "$list"
packages=$(awk '{print $1}' "$list")
run=""
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "Installing needs root. As root, run: apt-get install --no-install-recommends" $packages
		exit 1
	fi
	run=sudo
fi
echo "Installing them with apt-get:"
$run env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
	$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
