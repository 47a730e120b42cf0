#!/bin/sh
# The README's first command on a Debian that has git and make and nothing else: `room.sh bare.sh ROOT`. The ports are free ones: the network, which is
# needed for packages, is this machine's.
set -eu
. tests/package/owner.sh
git bundle create -q /mnt/kith.bundle HEAD
open_room "$1" bare
mv /mnt/kith.bundle "$ROOM/tmp/kith.bundle"
# What is built there takes its room in memory; a slow machine takes its time.
patience=18000
kith() { pgrep -x kith; }
end() { kill -TERM "$(kith)"; wait "$node"; }

check "the tree is cloned" inside git clone -q /tmp/kith.bundle /srv/kith
check "make run prints the link" start env -C /srv/kith HOME=/root make run RUN_FLAGS='--port 0 --http-port 0 --no-lan'
check "the link opens the page" opens_page
check "its code signs in" sign_in
check "a post is made" post "A post from a bare machine"
check "it ends well" end
check "a second time it only starts" start env -C /srv/kith HOME=/root make run RUN_FLAGS='--port 0 --http-port 0 --no-lan'
check "signs in" sign_in
check "and has the post" sees "A post from a bare machine"
check "it ends" end
sum_up
