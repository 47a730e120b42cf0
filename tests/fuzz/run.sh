#!/bin/sh
# Run fuzz targets, two at a time (JOBS=1: one); the last line counts them. SECONDS_EACH: how long each;
# TIMEOUT: how many seconds one input may take (beside others, that is a long time).
if [ "${1:-}" = --one ]; then # a target; its result is one more line of build/fuzz/results
	name=$2
	corpus=build/fuzz/corpus/$name
	mkdir -p "$corpus"
	dirs=$corpus
	for dir in "build/fuzz/seeds/$name" "tests/fuzz/corpus/$name" "tests/fuzz/found/$name"; do
		[ -d "$dir" ] && dirs="$dirs $dir"
	done
	words=
	[ -f "tests/fuzz/$name.dict" ] && words="-dict=tests/fuzz/$name.dict"
	# shellcheck disable=SC2086
	if "build/fuzz/fuzz_$name" -max_total_time="${SECONDS_EACH:-60}" -max_len=70000 -timeout="${TIMEOUT:-10}" -rss_limit_mb=1024 \
		-artifact_prefix="build/fuzz/crashes/$name-" -print_final_stats=1 $words $dirs >"build/fuzz/$name.log" 2>&1; then
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")
		printf 'ok      %s: %s runs, %s inputs kept\n' "$name" "$runs" "$(find "$corpus" -type f | wc -l)" | tee -a build/fuzz/results
	else
		tail -n 40 "build/fuzz/$name.log"
		printf 'FAILED  %s: see build/fuzz/%s.log and build/fuzz/crashes\n' "$name" "$name" | tee -a build/fuzz/results
	fi
	exit 0
fi
mkdir -p build/fuzz/crashes
: >build/fuzz/results
printf '%s\n' "$@" | xargs -P "${JOBS:-2}" -n 1 sh "$0" --one
passed=$(grep -c '^ok' build/fuzz/results)
printf '%s passed, %s failed\n' "$passed" "$(($# - passed))"
[ "$passed" -eq "$#" ]
