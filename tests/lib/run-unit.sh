#!/bin/sh
# Run unit test programs from the top of the tree; the last line counts the programs' tests.
passed=0
failed=0
for program in "$@"; do
	out=$("$program" 2>&1)
	code=$?
	p=$(printf '%s\n' "$out" | sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p' | awk '{n += $1} END {print n + 0}')
	f=$(printf '%s\n' "$out" | sed -n 's/^\[  FAILED  \] \([0-9]*\) test.*/\1/p' | awk '{n += $1} END {print n + 0}')
	if [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then
		f=1
	fi
	if [ "$code" -ne 0 ]; then
		printf '%s\n' "$out"
		printf 'FAILED: %s (exit %s)\n' "$program" "$code"
	fi
	passed=$((passed + p))
	failed=$((failed + f))
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
