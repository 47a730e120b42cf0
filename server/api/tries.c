/*
 * Failures are counted in a small table of addresses; when it is full the oldest row gives way,
 * which only the limit on all attempts then bounds.
 */
#include "api/tries.h"

#include "base/limits.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

enum { FAILURE_WINDOW_MS = 15 * 60 * 1000, ATTEMPT_WINDOW_MS = 60 * 1000 };

/* Whom `address` is counted as. */
static void fold(const char *address, char out[static TRIES_ADDRESS_BYTES])
{
	struct in6_addr six;
	if (inet_pton(AF_INET6, address, &six) != 1) {
		(void)snprintf(out, TRIES_ADDRESS_BYTES, "%s", address);
	} else if (IN6_IS_ADDR_V4MAPPED(&six)) {
		(void)inet_ntop(AF_INET, &six.s6_addr[12], out, TRIES_ADDRESS_BYTES);
	} else {
		memset(&six.s6_addr[8], 0, 8);
		(void)inet_ntop(AF_INET6, &six, out, TRIES_ADDRESS_BYTES);
	}
}

static struct tries_row *row_of(struct tries *tries, const char *address, int64_t now_ms)
{
	char name[TRIES_ADDRESS_BYTES];
	struct tries_row *place = &tries->at[0];
	fold(address, name);
	for (size_t i = 0; i < TRIES_ADDRESSES_MAX; i++) {
		struct tries_row *row = &tries->at[i];
		if (row->failures > 0 && now_ms - row->since_ms > FAILURE_WINDOW_MS) {
			row->failures = 0;
		}
		if (row->failures > 0 && strcmp(row->address, name) == 0) {
			return row;
		}
		if (place->failures > 0 &&
			(row->failures == 0 || row->since_ms < place->since_ms)) {
			place = row;
		}
	}
	*place = (struct tries_row){.failures = 0};
	(void)snprintf(place->address, sizeof(place->address), "%s", name);
	return place;
}

enum err tries_begin(struct tries *tries, const char *address, int64_t now_ms, int64_t *retry_s)
{
	const struct tries_row *row = row_of(tries, address, now_ms);
	if (row->failures >= LIMIT_LOGIN_FAILURES) {
		*retry_s = (row->since_ms + FAILURE_WINDOW_MS - now_ms) / 1000 + 1;
		return ERR_LIMIT;
	}
	if (now_ms - tries->attempts_since_ms > ATTEMPT_WINDOW_MS) {
		tries->attempts = 0;
		tries->attempts_since_ms = now_ms;
	}
	if (tries->attempts >= LIMIT_LOGIN_PER_MINUTE) {
		*retry_s = (tries->attempts_since_ms + ATTEMPT_WINDOW_MS - now_ms) / 1000 + 1;
		return ERR_LIMIT;
	}
	tries->attempts++;
	return ERR_OK;
}

void tries_failed(struct tries *tries, const char *address, int64_t now_ms)
{
	struct tries_row *row = row_of(tries, address, now_ms);
	row->since_ms = row->failures == 0 ? now_ms : row->since_ms;
	row->failures++;
}
