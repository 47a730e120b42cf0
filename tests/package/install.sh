#!/bin/sh
# `make uninstall` takes away all that `make install` put there, and nothing else: MAKE is set.
set -eu
. tests/package/owner.sh
ROOM=$(mktemp -d)
trap 'rm -rf "$ROOM"' EXIT
mkdir -p "$ROOM/etc/kith" "$ROOM/usr/local/bin"
echo theirs | tee "$ROOM/etc/kith/kith.conf" >"$ROOM/usr/local/bin/other"
files() { find "$ROOM" -type f | wc -l; }
check "it installs" $MAKE install DESTDIR="$ROOM"
check "the program" "$ROOM/usr/local/bin/kith" --help >/dev/null
check "and what belongs to it" [ "$(files)" -gt 3 ]
check "it uninstalls" $MAKE uninstall DESTDIR="$ROOM"
check "what was there before stays, and nothing else" [ "$(files)" -eq 2 ]
sum_up
