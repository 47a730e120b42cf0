#!/bin/sh
# The life of a package: `room.sh life.sh ROOT DEB apt|dpkg`. Installed, page opened, post made, removed, installed again, upgraded, purged without and with
# the owner's word. apt fetches what kith depends on; dpkg takes what is there, and leaves out what other packages do then (man-db would read all manuals).
set -eu
. tests/package/owner.sh
with=$3
if [ -z "${ROOM:-}" ]; then
	open_room "$1" system
	cp "$2" "$ROOM/tmp/kith.deb"
	if [ "$with" = apt ]; then
		# What kith needs, while there is a network; kith itself comes in the next act.
		inside apt-get update -qq
		inside apt-get install -y -qq --no-install-recommends /tmp/kith.deb >/dev/null
		inside dpkg --purge kith >/dev/null
	fi
fi
alone "$@"
words="A post from a package"
secret=$ROOM/var/lib/kith/secret

install_it() {
	if [ "$with" = apt ]; then inside apt-get install -y -qq "/tmp/$1" >/dev/null; else inside dpkg --no-triggers -i "/tmp/$1" >/dev/null; fi
}
take_away() { # remove or purge
	if [ "$with" = apt ]; then inside apt-get "$1" -y -qq kith >/dev/null; else inside dpkg --no-triggers "--$1" kith >/dev/null; fi
}
unit() { sed -n "s/^$1=//p" "$ROOM/lib/systemd/system/kith.service"; }
# As systemd would: the unit's user, its command, no more rights.
start_unit() { start setpriv --reuid="$(unit User)" --regid="$(unit User)" --init-groups $without_rights $(unit ExecStart); }
belongs_to_kith() { [ "$(inside stat -c '%U:%G %a' /var/lib/kith)" = "kith:kith 700" ]; }
runs_as_kith() { [ "$(inside stat -c %U "/proc/$node")" = kith ]; }
key_is_mine() { [ "$(sha256sum <"$secret")" = "$mine" ]; }

check "it installs" install_it kith.deb
check "its data belongs to a user of its own" belongs_to_kith
check "a start prints the link" start_unit
check "the node runs as that user" runs_as_kith
check "the link opens the page" opens_page
check "its code signs in" sign_in
check "a post is made" post "$words"
check "a code is good for one time" is_not sign_in
mine=$(sha256sum <"$secret")
check "it ends well when asked to" stop

check "remove takes the program" take_away remove
check "the program is gone" is_not test -e "$ROOM/usr/bin/kith"
check "the key is not" key_is_mine
check "it installs again" install_it kith.deb
check "it starts again" start_unit
check "and prints another link" sign_in
check "the post is still there" sees "$words"
check "it ends" stop

inside dpkg-deb -R /tmp/kith.deb /tmp/newer
sed -i 's/^Version: .*/&+1/' "$ROOM/tmp/newer/DEBIAN/control"
inside dpkg-deb --root-owner-group -b /tmp/newer /tmp/newer.deb >/dev/null
check "a newer one goes over it" install_it newer.deb
check "it starts after the upgrade" start_unit
check "signs in" sign_in
check "and the post is there" sees "$words"
check "it ends" stop

check "purge without anybody to ask" take_away purge
check "keeps the key" key_is_mine
check "whoever installs it after that" install_it kith.deb
check "starts it" start_unit
check "signs in" sign_in
check "has the post" sees "$words"
check "and can end it" stop
echo 'kith kith/delete-identity boolean true' | inside debconf-set-selections
check "purge by an owner who says yes" take_away purge
check "leaves nothing" is_not test -e "$ROOM/var/lib/kith"
sum_up
