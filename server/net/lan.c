/*
 * One socket for the plain form, from which ours is sent too (so its source port is the beacon
 * port, as the others expect), and one for the encrypted form. The list of interfaces is read anew
 * for every round: they come and go.
 */
#include "net/lan.h"

#include "base/log.h"
#include "net/sock.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <uv.h>

enum { SIGNATURE_BYTES = 64, SOCKETS = 2, OWN_HOSTS = 32 };

struct lan {
	struct lan_opts opts;
	uint8_t network_key[32];
	uv_udp_t sockets[SOCKETS];
	int open; /* sockets that libuv knows */
	struct loop_timer *timer;
	struct in_addr own[OWN_HOSTS]; /* of our interfaces, when we last sent */
	size_t own_count;
	int64_t second, in_second; /* the rate of others' beacons */
	struct lan_figures figures;
	uint8_t datagram[LIMIT_BEACON_BYTES + 1]; /* one more shows that there was more */
};

/* Reading. */

/* The plaintext is compact JSON with one member; its text holds no escapes when it is an address we
 * can dial. */
static enum err parse_sealed(
	struct span datagram, const uint8_t network_key[static 32], struct address *out)
{
	static const char before[] = "{\"address\":\"";
	static const char behind[] = "\"}";
	uint8_t plain[LIMIT_BEACON_BYTES];
	if (datagram.len < SIGNATURE_BYTES + crypto_secretbox_MACBYTES) {
		return ERR_REFUSED;
	}
	struct span box = span_take(datagram, datagram.len - SIGNATURE_BYTES);
	if (crypto_secretbox_open_easy(plain, box.at, box.len, network_key, network_key) != 0) {
		return ERR_REFUSED;
	}
	struct span text = span_of(plain, box.len - crypto_secretbox_MACBYTES);
	size_t frame = sizeof(before) - 1 + sizeof(behind) - 1;
	if (text.len < frame || !span_starts_with(text, before) || !span_ends_with(text, behind)) {
		return ERR_REFUSED;
	}
	return address_parse(span_take(span_skip(text, sizeof(before) - 1), text.len - frame), out);
}

enum err lan_parse(struct span datagram, const uint8_t network_key[static 32], struct address *out)
{
	struct sockaddr_storage host;
	struct address found;
	if (datagram.len > LIMIT_BEACON_BYTES) {
		return ERR_LIMIT;
	}
	enum err err = address_parse(datagram, &found);
	if (err != ERR_OK) {
		err = parse_sealed(datagram, network_key, &found);
	}
	/* A name would make us ask a name server for whatever a stranger likes; a seed would make
	 * us use their key. */
	if (err != ERR_OK || found.has_seed ||
		sock_parse(found.host, found.port, &host) != ERR_OK) {
		return ERR_REFUSED;
	}
	*out = found;
	return ERR_OK;
}

static bool is_in_rate(struct lan *lan)
{
	int64_t second = env_mono_ms(loop_env(lan->opts.loop)) / 1000;
	if (second != lan->second) {
		lan->second = second;
		lan->in_second = 0;
	}
	return lan->in_second++ < LIMIT_BEACONS_PER_SECOND;
}

/* Our port at one of our interfaces? */
static bool is_our_place(const struct lan *lan, const struct address *address)
{
	struct sockaddr_storage host;
	if (address->port != lan->opts.peer_port ||
		sock_parse(address->host, address->port, &host) != ERR_OK ||
		host.ss_family != AF_INET) {
		return false;
	}
	const struct sockaddr_in *at = (const struct sockaddr_in *)&host;
	for (size_t i = 0; i < lan->own_count; i++) {
		if (lan->own[i].s_addr == at->sin_addr.s_addr) {
			return true;
		}
	}
	return false;
}

static bool is_ours(const struct lan *lan, struct span datagram)
{
	/* Our own broadcast comes back to us: not to be counted against the rate of others. */
	char key[BASE64_BYTES(ID_BYTES)];
	struct address address;
	size_t len = base64_encode(span_of(lan->opts.self.at, ID_BYTES), key);
	return datagram.len > len && memcmp(datagram.at + datagram.len - len, key, len) == 0 &&
	       address_parse(datagram, &address) == ERR_OK && is_our_place(lan, &address);
}

static void judge(struct lan *lan, struct span datagram, const struct sockaddr *from)
{
	struct sockaddr_storage host;
	struct address address;
	if (is_ours(lan, datagram)) {
		return;
	}
	if (!is_in_rate(lan) || lan_parse(datagram, lan->network_key, &address) != ERR_OK ||
		sock_parse(address.host, address.port, &host) != ERR_OK) {
		lan->figures.refused++;
		return;
	}
	/* Somebody here who names a host out there would make us knock at a third party's door. */
	const struct sockaddr *at = (const struct sockaddr *)&host;
	if (sock_is_public(at) && !sock_same_host(at, from)) {
		lan->figures.refused++;
		return;
	}
	if (!feed_id_equal(&address.key, &lan->opts.self)) {
		lan->figures.heard++;
		lan->opts.on_heard(lan->opts.ctx, &address);
	} else if (lan->opts.on_own_key != NULL && !is_our_place(lan, &address) &&
		   !sock_is_loopback(at)) {
		lan->opts.on_own_key(lan->opts.ctx, &address);
	}
}

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
	struct lan *lan = handle->data;
	(void)wanted;
	*buf = uv_buf_init((char *)lan->datagram, sizeof(lan->datagram));
}

static void on_datagram(uv_udp_t *socket, ssize_t count, const uv_buf_t *buf,
	const struct sockaddr *from, unsigned flags)
{
	struct lan *lan = socket->data;
	if (count <= 0 || from == NULL) {
		return;
	}
	if ((flags & UV_UDP_PARTIAL) != 0) {
		lan->figures.refused++;
		return;
	}
	judge(lan, span_of(buf->base, (size_t)count), from);
}

/* Sending. */

static void send_from(struct lan *lan, const uv_interface_address_t *interface)
{
	struct address address = {.port = lan->opts.peer_port, .key = lan->opts.self};
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	struct sockaddr_in to = interface->address.address4;
	(void)uv_ip4_name(&interface->address.address4, address.host, sizeof(address.host));
	to.sin_addr.s_addr |= ~interface->netmask.netmask4.sin_addr.s_addr;
	to.sin_port = htons(lan->opts.beacon_port);
	if (address_format(&address, &text) == ERR_OK) {
		uv_buf_t buf = uv_buf_init((char *)text.at, (unsigned)text.len);
		/* What cannot be sent now is sent again soon; a network that is down is no error.
		 */
		int rc = uv_udp_try_send(&lan->sockets[0], &buf, 1, (const struct sockaddr *)&to);
		lan->figures.sent += rc > 0;
	}
	buf_fini(&text);
}

static void on_due(void *ctx)
{
	struct lan *lan = ctx;
	uv_interface_address_t *list = NULL;
	int count = 0;
	loop_timer_set(lan->timer, LIMIT_BEACON_MS);
	if (uv_interface_addresses(&list, &count) != 0) {
		return;
	}
	lan->own_count = 0;
	for (int i = 0; i < count && lan->own_count < OWN_HOSTS; i++) {
		if (list[i].address.address4.sin_family == AF_INET) {
			lan->own[lan->own_count++] = list[i].address.address4.sin_addr;
		}
	}
	for (int i = 0; i < count; i++) {
		bool may = !list[i].is_internal || lan->opts.is_on_loopback;
		if (may && list[i].address.address4.sin_family == AF_INET) {
			send_from(lan, &list[i]);
		}
	}
	uv_free_interface_addresses(list, count);
}

/* Life. */

static int open_socket(struct lan *lan, uint16_t port)
{
	struct sockaddr_in at;
	uv_udp_t *socket = &lan->sockets[lan->open];
	(void)uv_ip4_addr("0.0.0.0", port, &at);
	int rc = uv_udp_init(loop_uv(lan->opts.loop), socket);
	if (rc != 0) {
		return rc;
	}
	socket->data = lan;
	lan->open++;
	rc = uv_udp_bind(socket, (const struct sockaddr *)&at, UV_UDP_REUSEADDR);
	if (rc == 0) {
		rc = uv_udp_set_broadcast(socket, 1);
	}
	return rc == 0 ? uv_udp_recv_start(socket, on_alloc, on_datagram) : rc;
}

enum err lan_start(const struct lan_opts *opts, struct lan **out, char *why, size_t why_bytes)
{
	struct lan *lan = calloc(1, sizeof(*lan));
	struct loop_timer *timer = lan == NULL ? NULL : loop_timer_new(opts->loop, on_due, lan);
	if (lan == NULL || timer == NULL) {
		free(lan);
		(void)snprintf(why, why_bytes, "%s", err_text(ERR_NOMEM));
		return ERR_NOMEM;
	}
	lan->opts = *opts;
	lan->timer = timer;
	memcpy(lan->network_key, opts->network_key, sizeof(lan->network_key));
	int rc = open_socket(lan, opts->beacon_port);
	if (rc != 0) {
		(void)snprintf(why, why_bytes, "cannot use UDP port %u for beacons: %s",
			opts->beacon_port, uv_strerror(rc));
		lan_stop(lan);
		return ERR_IO;
	}
	uint16_t sealed = opts->sealed_port;
	if (sealed == 0 && opts->beacon_port == LAN_PORT) {
		sealed = LAN_SEALED_PORT;
	}
	rc = sealed == 0 ? 0 : open_socket(lan, sealed);
	if (rc != 0) {
		LOG(loop_env(opts->loop), LOG_INFO, "lan.no_sealed_beacons",
			LOG_NUM("port", sealed), LOG_TEXT("why", uv_strerror(rc)));
	}
	if (opts->peer_port != 0) {
		loop_timer_set(timer, 0);
	}
	*out = lan;
	return ERR_OK;
}

static void on_uv_closed(uv_handle_t *handle)
{
	struct lan *lan = handle->data;
	lan->open--;
	if (lan->open == 0) {
		free(lan);
	}
}

void lan_stop(struct lan *lan)
{
	if (lan == NULL) {
		return;
	}
	loop_timer_free(lan->timer);
	if (lan->open == 0) {
		free(lan);
		return;
	}
	for (int i = lan->open - 1; i >= 0; i--) {
		uv_close((uv_handle_t *)&lan->sockets[i], on_uv_closed);
	}
}

void lan_figures(const struct lan *lan, struct lan_figures *out)
{
	*out = lan->figures;
}
