#!/bin/sh
# What the compiler does not say: floors, prefixes, system calls of the pure floors, sizes, banned calls, HTML from strings; then gcc's analyser,
# clang-tidy and cppcheck.
# Ends with "N passed, N failed", one check a line.
set -u
passed=0
failed=0
say() { # name, exit code
	if [ "$2" -eq 0 ]; then
		passed=$((passed + 1))
		printf 'ok      %s\n' "$1"
	else
		failed=$((failed + 1))
		printf 'FAILED  %s\n' "$1"
	fi
}
sources=$(find server -name '*.[ch]' | sort)
units=$(find server -name '*.c' ! -path 'server/tools/*' | sort)

awk -f tests/lint/layers.awk $sources
say "floors: every include goes down" $?

# The object files of the release build; feed and wire call nothing that reaches outside.
build=build/release
pure_banned='^(open|openat|read|write|close|socket|connect|send|recv|sendto|recvfrom|poll|epoll_.*|select|fopen|fread|fwrite|fgets|printf|fprintf|puts|time|clock_gettime|gettimeofday|getenv|pthread_create|rand|random|srand|getrandom|uv_.*|sqlite3_.*|json_object_.*|json_loads.*)$'
bad=$(for object in $build/server/feed/*.o $build/server/wire/*.o; do
	nm -u "$object" | awk '{print $2}' | sed 's/@.*//' | grep -E "$pure_banned" | sed "s|^|$object: |"
done)
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "feed and wire touch no socket, clock, file or thread" $?

# File = module = prefix: a global function of a floor's file starts with the name of a header of that floor.
bad=$(for object in $(find $build/server -mindepth 2 -name '*.o' ! -path '*/tools/*'); do
	floor=$(basename "$(dirname "$object")")
	prefixes=$(find "server/$floor" -name '*.h' -exec basename {} .h \; | tr '\n' '|')
	stem=$(basename "$object" .o)
	nm --defined-only -g "$object" | awk '$2 == "T" {print $3}' | grep -vE "^(${prefixes}${stem})(_|$)" | sed "s|^|$object: |"
done | grep -vFf tests/lint/prefixes.allowed)
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "global functions carry their module's name" $?

bad=$(wc -l $sources | awk '$2 != "total" && $1 > 700 {print $2 ": " $1 " lines"}')
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "no file over 700 lines" $?

bad=$(awk 'FNR == 1 {start = 0} /^[a-z].*\)$/ {name = $0} /^\{$/ {start = FNR} /^\}$/ {if (start && FNR - start > 61) print FILENAME ": " FNR - start - 1 " lines: " name; start = 0}' $units)
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "no function over 60 lines" $?

bad=$(grep -nE '(^|[^a-zA-Z0-9_])(gets|strcpy|strcat|sprintf|vsprintf|strtok|alloca|system|popen|tmpnam|atoi|atol|setlocale)\(' $sources)
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "no banned call" $?

sh tests/lint/hardened.sh "$build/kith"
say "the program has what the compiler does against its mistakes" $?

sh tests/lint/unit.sh deploy/systemd/kith.service
say "the unit leaves the service little" $?

bad=$(grep -rnE 'innerHTML|outerHTML|insertAdjacentHTML|document\.write' web --include='*.js' --include='*.html')
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "no HTML from strings" $?

bad=$(for page in deploy/man/*; do LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null; done)
[ -z "$bad" ] || printf '%s\n' "$bad"
[ -z "$bad" ]
say "manual pages without a warning" $?

bad=$(clang-format --dry-run $(git ls-files 'server/*.[ch]') 2>&1 | grep -c 'warning')
[ "$bad" -eq 0 ] || printf '%s places differ from make fmt\n' "$bad"
[ "$bad" -eq 0 ]
say "formatted as make fmt does" $?

sh tests/lint/analyzer.sh
say "gcc -fanalyzer" $?

# Walking 225,000 states of a function takes the analyser three times as long as 50,000; DEEP=1 before a release.
states=$([ "${DEEP:-}" = 1 ] && echo 225000 || echo 50000)
flags="-Xclang -analyzer-config -Xclang max-nodes=$states -std=gnu11 -D_GNU_SOURCE -Iserver $(pkg-config --cflags libmicrohttpd libsodium sqlite3 jansson libwebsockets libuv inih)"
printf '%s\n' $units | xargs -P 2 -n 4 sh -c 'clang-tidy --quiet --warnings-as-errors="*" "$@" -- '"$flags"' 2>/dev/null' tidy >build/tidy.txt
code=$?
[ "$code" -eq 0 ] || grep -E 'error|warning' build/tidy.txt | head -40
say "clang-tidy" "$code"

cppcheck -q -j 2 --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 --suppress=missingInclude -Iserver -D_GNU_SOURCE -DMUST_USE= server 2>build/cppcheck.txt
code=$?
[ "$code" -eq 0 ] || head -40 build/cppcheck.txt
say "cppcheck" "$code"

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
