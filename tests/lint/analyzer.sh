#!/bin/sh
# gcc's analyser over server/: what it says must stand in analyzer.allowed (file, function, warning, and why it is none), and each row there must still be
# needed.
set -u
LC_ALL=C
export LC_ALL
out=build/lint/analyzer
rm -rf "$out"
mkdir -p "$out"
flags="-std=gnu11 -D_GNU_SOURCE -Iserver -O1 -fanalyzer -fdiagnostics-plain-output $(pkg-config --cflags libmicrohttpd libsodium sqlite3 jansson libwebsockets libuv inih)"
find server -name '*.c' ! -path 'server/tools/*' | sort |
	xargs -P 2 -n 1 sh -c 'gcc '"$flags"' -S -o /dev/null "$1" 2>"'"$out"'/$(printf %s "$1" | tr / _).txt" || echo "not compiled: $1"' analyzer >"$out/broken"
cat "$out"/*.txt | awk -F': ' '
	/: In function / {split($2, word, "'\''"); at = $1 " " word[2]}
	/ warning: .*\[-Wanalyzer/ {
		warning = $0
		sub(/.*\[-Wanalyzer-/, "", warning)
		sub(/\].*/, "", warning)
		print at " " warning
	}' | sort -u >"$out/said"
awk '!/^#/ && NF > 3 {print $1 " " $2 " " $3}' tests/lint/analyzer.allowed | sort -u >"$out/allowed"
cat "$out/broken"
comm -23 "$out/said" "$out/allowed" | sed 's/^/new: /' | tee "$out/new"
comm -13 "$out/said" "$out/allowed" | sed 's/^/no longer said, take the row out: /' | tee "$out/unused"
[ ! -s "$out/broken" ] && [ ! -s "$out/new" ] && [ ! -s "$out/unused" ]
