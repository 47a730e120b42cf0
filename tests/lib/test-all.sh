#!/bin/sh
# Everything `make test` promises, part by part; goes on after a failure, and sums up at the end.
set -u
failed=""
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
# A part that computes while the next ones wait: at the lowest priority; beside_ends tells how it went.
beside() { # name, make arguments
	beside=$1
	shift
	beside_log=$(mktemp)
	beside_start=$(date +%s)
	nice -n 19 "$@" >"$beside_log" 2>&1 &
	beside_pid=$!
}
beside_ends() {
	wait "$beside_pid"
	code=$?
	printf '\n== %s\n' "$beside"
	cat "$beside_log"
	rm -f "$beside_log"
	if [ "$code" -eq 0 ]; then
		printf '== %s: good, %s s beside others\n' "$beside" "$(($(date +%s) - beside_start))"
	else
		printf '== %s: FAILED, %s s beside others\n' "$beside" "$(($(date +%s) - beside_start))"
		failed="$failed $beside"
	fi
}
make="${MAKE:-make} --no-print-directory -s"
part build $make -j2 WERROR=1 all
part unit $make -j2 WERROR=1 unit
part asan $make -j2 asan
part tsan $make -j2 tsan
part sim $make -j2 sim SEEDS=500
part sim-self-test $make sim-self-test
part torture $make -j2 torture-ci
part hostile $make hostile-ci
part mutants $make mutants
part differential $make differential COUNT=100000
part shs1-test $make shs1-test
beside lint $make lint
part interop $make interop DOSE=ci
part lan $make lan-test
beside_ends
part web $make web-lint web-test
part fuzz $make -j2 fuzz SECONDS=10
if [ -n "$failed" ]; then
	printf '\nfailed:%s\n' "$failed"
	exit 1
fi
printf '\nall parts are good\n'
