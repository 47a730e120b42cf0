# The include line tells the layer: a file includes only from its own floor or below, and store and net never from each other.
# Usage: awk -f layers.awk $(files); prints each wrong include and exits 1.
BEGIN {
	floor["base"] = 0; floor["feed"] = 1; floor["wire"] = 1; floor["store"] = 2; floor["net"] = 2
	floor["sync"] = 3; floor["api"] = 4; floor["config"] = 4; floor["cmd"] = 5; floor["tools"] = 5; floor["top"] = 6
}
function folder_of(path,   parts, n) {
	n = split(path, parts, "/")
	return n == 2 ? "top" : parts[2]
}
/^#include "/ {
	split($0, quoted, "\"")
	target = quoted[2]
	mine = folder_of(FILENAME)
	if (target ~ /^\.\./) {
		print FILENAME ":" FNR ": includes by a relative path: " target; bad = 1
		next
	}
	theirs = target ~ /\// ? substr(target, 1, index(target, "/") - 1) : "top"
	if (mine == "cmd" && theirs == "top") next
	if (!(theirs in floor) || floor[theirs] > floor[mine] || (mine == "store" && theirs == "net") || (mine == "net" && theirs == "store")) {
		print FILENAME ":" FNR ": " mine " must not include " target; bad = 1
	}
}
/^#include </ {
	mine = folder_of(FILENAME)
	name = $2
	only["<sqlite3.h>"] = "store"; only["<uv.h>"] = "net"; only["<microhttpd.h>"] = "api"; only["<libwebsockets.h>"] = "api"; only["<ini.h>"] = "config"
	if (name in only && only[name] != mine) {
		print FILENAME ":" FNR ": only " only[name] "/ may include " name; bad = 1
	}
	if (name == "<jansson.h>" && mine != "api" && mine != "cmd") {
		print FILENAME ":" FNR ": jansson never touches signed bytes; only api/ and cmd/ use it"; bad = 1
	}
}
END { exit bad }
