/*
 * The loopback does not count as elsewhere: there the owner's own tools connect. Our own beacon and
 * port are sorted out by net/lan, and nobody here dials our own key but this file; so who proves it
 * from another address is another node. It is told once in AGAIN_MS per address.
 */
#include "sync/twin.h"

#include "net/sock.h"
#include "sync/peers.h"

#include <stdio.h>
#include <stdlib.h>

enum { AGAIN_MS = 60000, TRY_MS = 2000 };

struct twin {
	struct sync *sync;
	int64_t tried_ms;  /* monotonic, when one was last dialled; 0 never */
	int64_t proved_ms; /* … and when `proved` was last told */
	char proved[LIMIT_HOST_BYTES + 1];
};

struct twin *twin_new(struct sync *sync)
{
	struct twin *twin = calloc(1, sizeof(*twin));
	if (twin != NULL) {
		twin->sync = sync;
	}
	return twin;
}

void twin_free(struct twin *twin)
{
	free(twin);
}

static bool is_told(const struct twin *twin, const char *host)
{
	return twin->proved_ms != 0 && strcmp(twin->proved, host) == 0 &&
	       env_mono_ms(twin->sync->env) - twin->proved_ms < AGAIN_MS;
}

void twin_heard(struct twin *twin, const struct address *address)
{
	struct sync *sync = twin->sync;
	int64_t now = env_mono_ms(sync->env);
	bool is_early = twin->tried_ms != 0 && now - twin->tried_ms < TRY_MS;
	if (sync->is_stopping || is_early || is_told(twin, address->host) ||
		peers_any(sync, &sync->self) != NULL) {
		return;
	}
	twin->tried_ms = now;
	if (peers_dial(sync, address, PEER_VIA_LAN, false) != ERR_OK) {
		LOG(sync->env, LOG_WARN, "twin.not_dialled",
			LOG_ADDRESS("host", span_text(address->host)));
	}
}

/* The host of "192.0.2.1:8008" or "[2001:db8::1]:8008". */
static void host_of(const char *remote, char host[static LIMIT_HOST_BYTES + 1])
{
	const char *colon = strrchr(remote, ':');
	size_t len = colon == NULL ? strlen(remote) : (size_t)(colon - remote);
	if (len >= 2 && remote[0] == '[' && remote[len - 1] == ']') {
		remote++;
		len -= 2;
	}
	(void)snprintf(host, LIMIT_HOST_BYTES + 1, "%.*s", (int)len, remote);
}

bool twin_is_elsewhere(const struct partner *partner)
{
	char host[LIMIT_HOST_BYTES + 1];
	struct sockaddr_storage at;
	if (partner->peer == NULL) {
		return false;
	}
	host_of(peer_remote(partner->peer), host);
	return sock_parse(host, 0, &at) == ERR_OK && !sock_is_loopback((struct sockaddr *)&at);
}

void twin_proved(struct twin *twin, const struct partner *partner)
{
	struct sync *sync = twin->sync;
	char host[LIMIT_HOST_BYTES + 1];
	const char *remote = peer_remote(partner->peer);
	host_of(remote, host);
	if (sync->is_stopping || !twin_is_elsewhere(partner) || is_told(twin, host)) {
		return;
	}
	struct change change = {.kind = CHANGE_TWIN, .text = span_text(remote)};
	LOG(sync->env, LOG_WARN, "twin.met", LOG_ADDRESS("at", span_text(remote)));
	if (writer_change(sync->writer, &change) == ERR_OK) {
		(void)snprintf(twin->proved, sizeof(twin->proved), "%s", host);
		twin->proved_ms = env_mono_ms(sync->env);
	}
}
