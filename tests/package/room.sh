#!/bin/sh
# A throwaway copy of a root: `room.sh ROOT SCRIPT [ARGUMENT …]` runs a script of this folder with ROOM set to it. What is changed there is held in
# memory; mounts and processes are in namespaces of their own and end with the script, however it ends. Root is needed.
set -eu
if [ -z "${ROOM:-}" ]; then
	[ "$(id -u)" -eq 0 ] || { echo "namespaces and mounts can only be made by root: skipped"; exit 0; }
	ROOM=/ exec unshare --mount --pid --fork --kill-child --propagation private sh "$0" "$@"
fi
lower=$1
script=$2
shift 2
mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/room
mount -t overlay overlay -o "lowerdir=$lower,upperdir=/mnt/upper,workdir=/mnt/work" /mnt/room
ROOM=/mnt/room
mount -t proc proc $ROOM/proc
mount -t tmpfs tmpfs $ROOM/tmp
mount -t tmpfs tmpfs $ROOM/run
mount --rbind /dev $ROOM/dev
cp -L /etc/resolv.conf $ROOM/etc/resolv.conf 2>/dev/null || true
export ROOM
sh "tests/package/$script" "$@"
