#!/bin/sh
# Run unit test programs from the top of the tree, four at a time (JOBS=1: one); most of them wait for a clock. Where memory has room their folders are
# there, so that none waits for a disk: what survives a disk is asked in tests/torture. The last line counts the programs' tests.
run_one() { # a program, a file for what it says
	timeout -k 10 900 "$1" >"$2" 2>&1
	code=$?
	p=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' "$2" | awk '{n += $1} END {print n + 0}')
	f=$(sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' "$2" | awk '{n += $1} END {print n + 0}')
	if [ "$code" -ne 0 ]; then
		[ "$f" -gt 0 ] || f=1
		cat "$2"
		printf 'FAILED: %s (exit %s)\n' "$1" "$code"
	fi
}
if [ "${1:-}" = --one ]; then # of a directory for what is said, a program
	said="$2/$(printf '%s' "$3" | tr / _)"
	run_one "$3" "$said"
	printf '%s %s %s\n' "$p" "$f" "$3" >"$said.count"
	# A test that failed on a machine that hesitates may try again, alone; a crash, an overrun or what a sanitizer saw may not.
	if [ "$code" -ne 0 ] && [ "$code" -lt 100 ] && ! grep -q 'Sanitizer\|runtime error\|with exception' "$said"; then
		printf '%s\n' "$3" >"$said.again"
	fi
	exit 0
fi
free_mib() { # of a folder
	[ -w "$1" ] && df -Pm "$1" | awk 'NR == 2 {n = $4} END {print n + 0}' || echo 0
}
available_mib=$(awk '/^MemAvailable:/ {n = $2 / 1024} END {printf "%d", n}' /proc/meminfo)
if [ -z "${TMPDIR:-}" ] && [ "$available_mib" -ge 6000 ] && [ "$(free_mib /dev/shm)" -ge 2000 ]; then
	dir=$(mktemp -d /dev/shm/kith-unit-XXXXXX)
	TMPDIR=$dir
	export TMPDIR
else
	dir=$(mktemp -d)
fi
trap 'rm -rf "$dir"' EXIT
printf '%s\n' "$@" | xargs -P "${JOBS:-4}" -n 1 sh "$0" --one "$dir"
again=0
if [ "${TRIES:-2}" -gt 1 ]; then
	for file in "$dir"/*.again; do
		[ -e "$file" ] || continue
		program=$(cat "$file")
		printf 'once more, alone: %s\n' "$program"
		run_one "$program" "${file%.again}"
		[ "$code" -ne 0 ] || printf 'note: held at the second try only: %s\n' "$program"
		printf '%s %s %s\n' "$p" "$f" "$program" >"${file%.again}.count"
		again=$((again + 1))
	done
fi
cat "$dir"/*.count | awk -v programs="$#" -v again="$again" '{p += $1; f += $2; n++} END {if (n < programs) f += programs - n; printf "%d passed, %d failed%s\n", p, f, again ? ", " again " run twice" : ""; exit f > 0}'
