#!/bin/sh
# Everything `make test` promises, part by part; goes on after a failure, and sums up at the end. Parts that only compute run behind, at the lowest
# priority, one after another, beside those that wait for clocks, disks and browsers.
set -u
failed=""
behind=$(mktemp -d)
trap 'rm -rf "$behind"' EXIT
trap 'trap "" TERM; kill 0; exit 130' INT
part() { # name, make arguments
	name=$1
	shift
	printf '\n== %s\n' "$name"
	start=$(date +%s)
	if "$@"; then
		printf '== %s: good, %s s\n' "$name" "$(($(date +%s) - start))"
	else
		printf '== %s: FAILED, %s s\n' "$name" "$(($(date +%s) - start))"
		failed="$failed $name"
	fi
}
# The same among those behind: its lines are kept for behind_ends, and how it went is a file.
part_behind() { # name, make arguments
	part "$@" >>"$behind/log" 2>&1
	printf '%s' "$failed" >"$behind/failed"
}
behind_begins() { # a function that plays parts with part_behind
	: >"$behind/log"
	: >"$behind/failed"
	(
		renice -n 19 -p "$(exec sh -c 'echo $PPID')" >/dev/null
		failed=""
		"$1"
		echo done >"$behind/done"
	) &
	behind_pid=$!
}
behind_ends() {
	wait "$behind_pid"
	cat "$behind/log"
	failed="$failed$(cat "$behind/failed")"
	[ -e "$behind/done" ] || failed="$failed behind"
	rm -f "$behind/done"
}
make="${MAKE:-make} --no-print-directory -s"

# What both lanes link is made before, so that neither makes it under the other's hands.
part build $make -j2 WERROR=1 all test-programs

compute_first() {
	part_behind mutants $make mutants
	part_behind sim $make sim SEEDS=200
	part_behind sim-self-test $make sim-self-test
	part_behind differential $make differential COUNT=100000
}
behind_begins compute_first
part unit $make WERROR=1 unit
part asan $make -j2 asan
part tsan $make -j2 tsan
behind_ends

compute_then() {
	part_behind lint $make lint
	part_behind fuzz $make -j2 fuzz SECONDS=5 TIMEOUT=60
}
behind_begins compute_then
part torture $make -j2 torture-ci
part hostile $make hostile-ci
part proxy $make proxy-test QUICK=quick
part shs1-test $make shs1-test
part box2-vectors $make box2-vectors
part interop $make interop DOSE=ci
part lan $make lan-test
part package $make package-test
part web $make web-lint web-test
behind_ends
if [ -n "$failed" ]; then
	printf '\nfailed:%s\n' "$failed"
	exit 1
fi
printf '\nall parts are good\n'
