#!/bin/sh
# `unit.sh UNIT`: systemd understands every line of it, and of its socket, and finds little that the service could do to its machine (1.5 of 10 at most), and what the process
# leaves itself (server/cage.c) the unit leaves it too. Without systemd-analyze it says that it was not looked at.
set -u
unit=$1
if ! command -v systemd-analyze >/dev/null 2>&1; then
	echo "$unit was not looked at: there is no systemd-analyze"
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# The program is not where a package puts it.
sed "s|/usr/bin/kith|/bin/true|" "$unit" >"$dir/kith.service"
cp "${unit%.service}.socket" "$dir/kith.socket"
said=$(systemd-analyze verify --man=no "$dir/kith.service" "$dir/kith.socket" 2>&1)
score=$(systemd-analyze security --offline=true --threshold=15 "$dir/kith.service" 2>&1)
code=$?
[ -z "$said" ] || printf '%s\n' "$said"
[ "$code" -eq 0 ] || printf '%s\n' "$score" | grep '^✗\|Overall'

# The groups of system calls, down to names; fchown is for SQLite when root runs it, which a unit's user is not.
{
	systemd-analyze syscall-filter 2>/dev/null
	sed -n 's/^SystemCallFilter=/filter /p' "$unit"
} | awk '
	function walk(name, value, list, count, i) {
		if (name !~ /^@/) {is[name] = value; return}
		count = split(members[name], list, " ")
		for (i = 1; i <= count; i++) walk(list[i], value)
	}
	/^@/ {group = $1}
	/^    [^#]/ {members[group] = members[group] " " $1}
	/^filter / {
		gives = $2 !~ /^~/ # the tilde is of the whole line
		sub(/^~/, "", $2)
		for (n = 2; n <= NF; n++) walk($n, gives)
	}
	END {for (name in is) if (is[name]) print name}' | sort >"$dir/unit"
sed -n '/ allowed\[\] = {/,/};/p; / judged\[\] = {/,/^};/p' server/cage.c | grep -o '"[a-z0-9_]*"' | tr -d '"' | grep -v '^fchown' | sort -u >"$dir/cage"
taken=$(comm -13 "$dir/unit" "$dir/cage")
[ -z "$taken" ] || printf 'the unit takes away what the process leaves itself: %s\n' $taken
[ -s "$dir/cage" ] && [ -z "$said" ] && [ "$code" -eq 0 ] && [ -z "$taken" ]
