#!/bin/sh
# deploy/container/Containerfile, played where no engine is: `room.sh container.sh ROOT`. ROOT stands for the images of Debian; each step is done in a root of
# its own as an engine would, and the last one is run as compose.yaml says: no rights, a root that is read-only, one volume.
set -eu
. tests/package/owner.sh
recipe=deploy/container/Containerfile
compose=deploy/container/compose.yaml

words() { echo "$1" | sed 's/[][",]/ /g'; } # of a JSON array
refuse() { echo "container-test does not know: $*"; exit 1; }

begin_stage() { # image, [AS name]
	case $1 in debian:12 | debian:12-slim) ;; *) refuse "FROM $1" ;; esac
	open_room "$bare" "${3:-last}"
	place=/ user=0:0 variables="" entry="" arguments="" health="" volume=""
}
run_step() { chroot "$ROOM" $clean $variables env -C "$place" sh -ec "$1" </dev/null; }
copy_step() { # [--from=stage] from to
	case $1 in
	--from=*) cp -a /mnt/"${1#--from=}"/root$2 "$ROOM$3" ;;
	.)
		mkdir -p "$ROOM$2"
		sed -n '/^[^*]/s,^,./,p' .dockerignore >/mnt/ignored
		sed -n 's,^\*\*/,,p' .dockerignore >/mnt/ignored-anywhere
		tar -c --anchored --exclude-from=/mnt/ignored --no-anchored --exclude-from=/mnt/ignored-anywhere . | tar -x -C "$ROOM$2"
		;;
	*) refuse "COPY $*" ;;
	esac
}
step() { # instruction, the rest of its line
	echo "  $1 $2"
	case $1 in
	FROM) begin_stage $2 ;;
	RUN) run_step "$2" >/mnt/log 2>&1 || { tail -n 20 /mnt/log; exit 1; } ;;
	COPY) copy_step $2 ;;
	ENV) variables="$variables $2" ;;
	WORKDIR) place=$2 && mkdir -p "$ROOM$2" ;;
	USER) user=$2 ;;
	VOLUME) volume=$2 ;;
	ENTRYPOINT) entry=$(words "$2") ;;
	CMD) arguments=$(words "$2") ;;
	HEALTHCHECK) health=$(words "${2#*CMD}") ;;
	STOPSIGNAL) [ "$2" = SIGTERM ] || refuse "$2" ;;
	EXPOSE) ;;
	*) refuse "$1" ;;
	esac
}
in_container() { chroot "$ROOM" $clean $variables setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups $without_rights "$@"; }
# compose.yaml is what is run; what this test does is what it says.
compose_says() { grep -qF -- "$1" $compose; }
fills_volume() { cp -a "$ROOM$volume/." "$1" && chown --reference="$ROOM$volume" "$1" && chmod --reference="$ROOM$volume" "$1" && mount --bind "$1" "$ROOM$volume"; }
start_container() { start $variables setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups $without_rights $entry $arguments; }

if [ -z "${ALONE:-}" ]; then
	bare=$1
	sed -e :again -e '/\\$/N; s/\\\n//; t again' $recipe | grep -v '^#' | grep . >/mnt/steps
	while read -r instruction rest; do
		step "$instruction" "$rest"
	done </mnt/steps
	export ROOM place user variables entry arguments health volume
fi
alone "$@"
for line in 'network_mode: host' 'read_only: true' '- /tmp' "- data:$volume" '- ALL' 'no-new-privileges:true'; do
	check "compose.yaml says $line" compose_says "$line"
done
mkdir /mnt/volume
check "the volume begins as the image has it" fills_volume /mnt/volume
mount -o remount,ro "$ROOM"
check "the user is not root" [ "${user%:*}" -gt 0 ]
check "nothing can be written beside the volume" is_not in_container touch /etc/x /usr/bin/x /var/lib/x
check "it is not healthy before it runs" is_not in_container $health
check "it starts and prints the link" start_container
check "it is healthy" in_container $health >/dev/null
check "the link opens the page" opens_page
check "its code signs in" sign_in
check "a post is made" post "A post from a container"
check "exec kith link prints another" in_container kith link >/dev/null
check "it ends well" stop
check "another container starts over the same volume" start_container
check "signs in" sign_in
check "and has the post" sees "A post from a container"
check "it ends" stop
sum_up
