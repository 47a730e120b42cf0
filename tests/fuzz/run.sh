#!/bin/sh
# Run fuzz targets one after the other; the last line counts them. SECONDS_EACH: how long each.
passed=0
failed=0
mkdir -p build/fuzz/crashes
for name in "$@"; do
	corpus=build/fuzz/corpus/$name
	mkdir -p "$corpus"
	dirs=$corpus
	for dir in "build/fuzz/seeds/$name" "tests/fuzz/found/$name"; do
		[ -d "$dir" ] && dirs="$dirs $dir"
	done
	# shellcheck disable=SC2086
	if "build/fuzz/fuzz_$name" -max_total_time="${SECONDS_EACH:-60}" -max_len=70000 -timeout=10 -rss_limit_mb=1024 \
		-artifact_prefix="build/fuzz/crashes/$name-" -print_final_stats=1 $dirs >"build/fuzz/$name.log" 2>&1; then
		passed=$((passed + 1))
		runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log")
		printf 'ok      %s: %s runs, %s inputs kept\n' "$name" "$runs" "$(find "$corpus" -type f | wc -l)"
	else
		failed=$((failed + 1))
		tail -n 40 "build/fuzz/$name.log"
		printf 'FAILED  %s: see build/fuzz/%s.log and build/fuzz/crashes\n' "$name" "$name"
	fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
