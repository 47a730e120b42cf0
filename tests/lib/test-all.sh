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
make="${MAKE:-make} --no-print-directory -s"
part build $make -j2 WERROR=1 all
part unit $make -j2 WERROR=1 unit
part lint $make lint
part clang $make -j2 WERROR=1 MODE=clang CC=clang program
part asan $make -j2 asan
part tsan $make -j2 tsan
part sim $make -j2 sim SEEDS=1000
part sim-self-test $make sim-self-test
part torture $make -j2 torture-ci
part hostile $make hostile-ci
part mutants $make mutants
part differential $make differential
part shs1-test $make shs1-test
part interop $make interop DOSE=ci
part lan $make lan-test
part web $make web-lint web-test
part fuzz $make -j2 fuzz SECONDS=10
if [ -n "$failed" ]; then
	printf '\nfailed:%s\n' "$failed"
	exit 1
fi
printf '\nall parts are good\n'
