#!/bin/sh
# Run unit test programs from the top of the tree, three at a time (JOBS=1: one); most of them wait for a disk or a clock. The last line counts the
# programs' tests.
if [ "${1:-}" = --one ]; then # of a directory for what is said, a program
	said="$2/$(printf '%s' "$3" | tr / _)"
	timeout -k 10 900 "$3" >"$said" 2>&1
	code=$?
	p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$said" | awk '{n += $1} END {print n + 0}')
	f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$said" | awk '{n += $1} END {print n + 0}')
	if [ "$code" -ne 0 ]; then
		[ "$f" -gt 0 ] || f=1
		cat "$said"
		printf 'FAILED: %s (exit %s)\n' "$3" "$code"
	fi
	printf '%s %s\n' "$p" "$f" >"$said.count"
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
printf '%s\n' "$@" | xargs -P "${JOBS:-3}" -n 1 sh "$0" --one "$dir"
cat "$dir"/*.count | awk -v programs="$#" '{p += $1; f += $2; n++} END {if (n < programs) f += programs - n; printf "%d passed, %d failed\n", p, f; exit f > 0}'
