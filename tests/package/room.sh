#!/bin/sh
# `room.sh SCRIPT [ARGUMENT …]` runs a script of this folder where it may change what it likes: mounts and processes are in namespaces of their own, files
# in memory, and all of it ends with the script, however it ends. Root is needed.
set -eu
if [ "${1:-}" != apart ]; then
	[ "$(id -u)" -eq 0 ] || { echo "namespaces and mounts can only be made by root: skipped"; exit 0; }
	exec unshare --mount --pid --fork --kill-child --propagation private sh "$0" apart "$@"
fi
shift
mount -t proc proc /proc
mount -t tmpfs tmpfs /mnt
script=$1
shift
exec sh "tests/package/$script" "$@"
