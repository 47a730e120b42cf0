# What an owner does, in words for the scripts of this folder (`. tests/package/owner.sh`): a browser is curl, and what starts a node is `start`.
# ROOM is the root of the system in which kith is.
passed=0
failed=0
jar=$(mktemp)
journal=$(mktemp)
node=""
patience=300 # fifths of a second

check() { # what is promised, command …
	promise=$1
	shift
	if "$@"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "  FAILED: $promise"
		tail -n 20 "$journal" | sed 's/^/    /'
	fi
}
sum_up() {
	echo "$passed passed, $failed failed"
	[ "$failed" -eq 0 ]
}
is_not() { ! "$@" 2>/dev/null; }

# A copy of the root $1 that is gone with the room; it is called $2.
open_room() {
	mkdir -p "/mnt/$2/upper" "/mnt/$2/work" "/mnt/$2/root"
	ROOM=/mnt/$2/root
	mount -t overlay overlay -o "lowerdir=$1,upperdir=/mnt/$2/upper,workdir=/mnt/$2/work" "$ROOM"
	mount -t proc proc "$ROOM/proc"
	mount -t tmpfs tmpfs "$ROOM/tmp"
	mount -t tmpfs tmpfs "$ROOM/run"
	mount --rbind /dev "$ROOM/dev"
	cp -L /etc/resolv.conf "$ROOM/etc/resolv.conf"
	# In a network that looks into TLS, what this machine trusts is trusted there too.
	mkdir -p "$ROOM/usr/local/share/ca-certificates"
	cp /usr/local/share/ca-certificates/*.crt "$ROOM/usr/local/share/ca-certificates" 2>/dev/null || true
	export ROOM
}
# The rest of the script $0 happens in a network that nobody else is in.
alone() {
	[ "${ALONE:-}" ] || ALONE=yes exec unshare --net sh "$0" "$@"
	ip link set lo up
}
clean="/usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C ${NODE_EXTRA_CA_CERTS:+NODE_EXTRA_CA_CERTS=$NODE_EXTRA_CA_CERTS}"
without_rights="--no-new-privs --bounding-set=-all --inh-caps=-all"
inside() { chroot "$ROOM" $clean "$@"; }

# Something comes true of a node that runs.
until_true() {
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ "$tries" -lt "$patience" ] && kill -0 "$node" 2>/dev/null || return 1
		sleep 0.2
	done
}
# The words of a command that starts a node in ROOM.
start() {
	: >"$journal"
	chroot "$ROOM" $clean "$@" >"$journal" 2>&1 &
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
