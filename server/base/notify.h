/**
 * base/notify: what a service manager is told, and what it asks for (sd_notify(3)): datagrams of
 * `NAME=value` lines to the socket it named in NOTIFY_SOCKET. Without one nobody is told, and
 * everything here does nothing. Any thread, once it is open.
 */
#ifndef BASE_NOTIFY_H
#define BASE_NOTIFY_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int fd; /* −1: nobody wants to know */
};

/** `to` is the value of NOTIFY_SOCKET: a path, or "@name" in the abstract namespace; NULL: nobody.
 * The socket stays connected, so that it works after the process has confined itself. */
void notify_open(struct notify *notify, const char *to);
void notify_close(struct notify *notify);
/** Lines without the last newline, as "READY=1\nSTATUS=…". What a full socket does not take within
 * LIMIT_NOTIFY_MS is lost. */
void notify_say(const struct notify *notify, const char *format, ...) PRINTF_LIKE(2, 3);
/** Milliseconds within which the manager wants to hear "WATCHDOG=1"; 0: it does not. Of the values
 * of WATCHDOG_USEC and WATCHDOG_PID, which may be NULL. */
int64_t notify_watchdog_ms(const char *usec, const char *pid);

#endif
