/**
 * api/knock: does the web port still answer? Asks as anybody would, from outside: a connection to
 * the node's own port and GET /livez.
 */
#ifndef API_KNOCK_H
#define API_KNOCK_H

#include "api/bind.h"

#include <netinet/in.h>

/* Where to knock; a copy, as the doors close before those who knock are gone. */
struct knock {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} at;
	socklen_t len; /* 0: there is no door */
	uint16_t port;
};
void knock_at(struct knock *knock, const struct bind_doors *doors);

enum knock_heard {
	KNOCK_GOOD,   /* 200; or the connection was taken and cut, as when there are too many */
	KNOCK_WRONG,  /* something else */
	KNOCK_SILENT, /* nobody took it in time: it hangs, or others fill it */
};
/** Wait at most `wait_ms`. Blocking; any thread that is not one of the api. */
enum knock_heard knock_web(const struct knock *knock, int64_t wait_ms);

#endif
