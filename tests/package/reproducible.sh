#!/bin/sh
# Program and package are the same bytes wherever and whenever they are built: `reproducible.sh`, with MAKE set. Two copies of the tree, in folders of other
# names and depth, with other times, time zone, language, umask and number of jobs.
set -eu
. tests/package/owner.sh
base=build/reproducible
rm -rf $base
copy() { # folder, time of its files, umask
	mkdir -p "$base/$1"
	git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | (umask "$3" && tar -x --no-same-permissions -C "$base/$1")
	find "$base/$1" -exec touch -h -d "$2" {} +
}
build() { # folder, umask, command …
	folder=$base/$1
	umask "$2"
	shift 2
	env -C "$folder" "$@" >"$folder.log" 2>&1 || { tail -n 20 "$folder.log"; return 1; }
	umask 022
}
same() { # glob
	sha256sum $base/one/$1 $base/elsewhere/another-place/$1 | sed "s,$base/,,"
	cmp $base/one/$1 $base/elsewhere/another-place/$1
}
copy one 2019-03-04T05:06:07 022
copy elsewhere/another-place 2026-01-02T03:04:05 077
check "it builds" build one 022 env TZ=UTC LC_ALL=C $MAKE -s -j2 deb
check "it builds elsewhere" build elsewhere/another-place 077 env TZ=Pacific/Auckland LC_ALL=C.UTF-8 HOME="$PWD/$base/home" $MAKE -s -j3 deb
check "the program is the same" same build/kith
check "the package is the same" same 'build/kith_*.deb'
sum_up
