# What an owner does, in words for scripts of this folder (`. tests/package/owner.sh`): a browser is curl, and systemd is what `start` does. ROOM is the root
# in which kith is installed; the network is one that nobody else is in.
passed=0
failed=0
jar=$(mktemp)
journal=$(mktemp)
node=""

check() { # what is promised, command …
	promise=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "  FAILED: $promise"
		sed 's/^/    /' "$journal" | tail -n 20
	fi
}
sum_up() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
is_not() { ! "$@"; }
clean="/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C"
inside() { chroot "$ROOM" $clean "$@"; }
unit_file() { cat "$ROOM/lib/systemd/system/kith.service" 2>/dev/null || printf 'User=kith\nExecStart=/usr/bin/kith run --data /var/lib/kith\n'; }
unit() { unit_file | sed -n "s/^$1=//p"; }

# Something comes true of a node that runs, within a minute at most.
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt 300 ] && kill -0 "$node" 2>/dev/null || return 1
		sleep 0.2
	done
}

# As the unit would: its user, its command, no more privileges.
start() {
	: >"$journal"
	chroot "$ROOM" $clean setpriv --reuid="$(unit User)" --regid="$(unit User)" --init-groups --no-new-privs --bounding-set=-all $(unit ExecStart) \
		>"$journal" 2>&1 &
	node=$!
	until_true link >/dev/null
}
stop() {
	kill -TERM "$node"
	wait "$node"
}
link() { grep -o 'http://localhost[^ ]*#[^ ]*' "$journal"; }
page() { link | sed 's,/#.*,,'; }

ask() { # method, path, [body]
	curl -sS --fail -b "$jar" -c "$jar" -X "$1" -H "Origin: $(page)" -H "X-Kith-Token: ${token:-}" -H 'Content-Type: application/json' \
		${3:+--data "$3"} "$(page)$2"
}
# Opens the link of the journal, as the page does.
sign_in() {
	: >"$jar"
	token=$(ask POST /api/session "{\"code\":\"$(link | sed 's/.*#//')\",\"name\":\"package test\"}" | sed -n 's/.*"token":"\([^"]*\)".*/\1/p')
	[ -n "$token" ]
}
post() { ask POST /api/post "{\"text\":\"$1\"}" | grep -q '"key":"%'; }
sees() { ask GET '/api/timeline?tab=home&limit=20' | grep -qF "$1"; }
opens_page() { curl -sS --fail "$(page)/" | grep -qi '<!doctype html'; }
