#!/bin/sh
# run.sh PROGRAM --seeds N | --seed N [--verbose] | --self-test. Ends with "N passed, N failed".
set -u
sim=$1
shift
case $1 in
--seed)
	if [ $# -gt 2 ]; then
		exec "$sim" --from "$2" --verbose
	fi
	exec "$sim" --from "$2" --twice 1
	;;
--self-test)
	failed=0
	for name in sync fence guard; do
		if "$sim" --count 40 --sabotage "$name" >/dev/null; then
			echo "sabotage of $name was not noticed"
			failed=$((failed + 1))
		fi
	done
	echo "$((3 - failed)) passed, $failed failed"
	[ "$failed" -eq 0 ]
	exit
	;;
esac
half=$(($2 / 2))
parts=$(mktemp -d)
trap 'rm -rf "$parts"' EXIT
"$sim" --from 1 --count "$half" --twice 20 >"$parts/1" 2>&1 &
one=$!
"$sim" --from "$((half + 1))" --count "$(($2 - half))" --twice 20 >"$parts/2" 2>&1 &
two=$!
failed=0
wait "$one" || failed=1
wait "$two" || failed=1
cat "$parts/1" "$parts/2"
bad=$(grep -hE '^seed [0-9]+:' "$parts/1" "$parts/2" | cut -d: -f1 | sort -u | wc -l)
# A process that died of something else than a seed is a failure all the same.
[ "$failed" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
echo "$(($2 - bad)) passed, $bad failed"
[ "$bad" -eq 0 ] && [ "$failed" -eq 0 ]
