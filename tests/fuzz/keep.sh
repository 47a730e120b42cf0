#!/bin/sh
# What was found so far becomes the corpus in the tree: keep.sh NAME... leaves in tests/fuzz/corpus/NAME the fewest inputs that reach all that the inputs
# there, the seeds and build/fuzz/corpus/NAME reach; of more than FILES_MAX, some of each length, and BYTES_MAX in all.
set -eu
FILES_MAX=${FILES_MAX:-60}
BYTES_MAX=${BYTES_MAX:-100000}
for name in "$@"; do
	fewest=build/fuzz/fewest/$name
	kept=tests/fuzz/corpus/$name
	rm -rf "$fewest"
	mkdir -p "$fewest" "$kept"
	dirs=
	for dir in "$kept" "build/fuzz/seeds/$name" "build/fuzz/corpus/$name"; do
		[ -d "$dir" ] && dirs="$dirs $dir"
	done
	# shellcheck disable=SC2086
	"build/fuzz/fuzz_$name" -set_cover_merge=1 -max_len=8192 -rss_limit_mb=2048 -artifact_prefix="build/fuzz/crashes/$name-" "$fewest" $dirs \
		>"build/fuzz/keep-$name.log" 2>&1 || { tail -n 20 "build/fuzz/keep-$name.log"; exit 1; }
	rm -rf "$kept"
	mkdir -p "$kept"
	find "$fewest" -type f -printf '%s %f\n' | sort -n | awk -v files="$FILES_MAX" -v bytes="$BYTES_MAX" '
		{size[NR] = $1; name[NR] = $2}
		END {
			step = NR > files ? NR / files : 1
			for (i = 1; int(i) <= NR && n++ < files; i += step) if ((sum += size[int(i)]) <= bytes) print name[int(i)]
		}' | while read -r file; do cp "$fewest/$file" "$kept/$file"; done
	printf '%s: %s of %s inputs, %s bytes\n' "$name" "$(find "$kept" -type f | wc -l)" "$(find "$fewest" -type f | wc -l)" \
		"$(find "$kept" -type f -printf '%s\n' | awk '{n += $1} END {print n + 0}')"
done
