#!/bin/sh
# Both roles of `kith shs` against npm's shs1-test, 45 cases each and seed. From the top of the tree: tests/interop/shs1/run.sh [PROGRAM [SEED…]]
# node_modules stays below build/; the last line is "N passed, N failed".
set -u
top=$(cd "$(dirname "$0")/../../.." && pwd)
program=${1:-$top/build/kith}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- one two three 4 5
work=$top/build/shs1
cases=45

mkdir -p "$work" || exit 1
if ! cmp -s "$top/tests/interop/shs1/package-lock.json" "$work/package-lock.json" || [ ! -d "$work/node_modules/shs1-test" ]; then
	cp "$top/tests/interop/shs1/package.json" "$top/tests/interop/shs1/package-lock.json" "$work" || exit 1
	# No scripts: sodium-native brings its binaries, and where they do not fit chloride falls back to JavaScript.
	(cd "$work" && npm ci --ignore-scripts --no-audit --no-fund --silent) || { rm -f "$work/package-lock.json"; exit 1; }
fi
passed=0
failed=0
for role in server client; do
	# shs1-test starts a program without a subcommand.
	printf '#!/bin/sh\nexec "%s" shs %s "$@" 2>/dev/null\n' "$program" "$role" >"$work/$role" && chmod +x "$work/$role" || exit 1
	for seed in "$@"; do
		# A case that hangs would wait for ever; its whole run then counts as failed.
		out=$(timeout 60 node "$work/node_modules/shs1-test/test-$role.js" "$work/$role" "$seed" 2>&1)
		bad=$?
		if [ "$bad" -gt "$cases" ]; then
			bad=$cases
		fi
		if [ "$bad" -ne 0 ]; then
			printf '%s, seed %s:\n%s\n' "$role" "$seed" "$out"
		fi
		failed=$((failed + bad))
		passed=$((passed + cases - bad))
	done
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
