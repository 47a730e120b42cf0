/*
 * The shapes of what moves: the node's status, its peers, its addresses.
 */
#include "api/shape.h"
#include "store/ceiling.h"

#include "api/backup.h"
#include "api/body.h"
#include "base/version.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>

enum { ADDRESSES_MAX = 8, WHY_SAID_BYTES = 128 };

static void add_address(struct api *api, json_t *list, const char *host)
{
	struct address address = {.port = sync_port(api->opts.sync), .key = api->opts.self};
	struct buf text = BUF_INIT(LIMIT_ADDRESS_BYTES);
	size_t len = strlen(host);
	if (len < sizeof(address.host) && json_array_size(list) < ADDRESSES_MAX) {
		memcpy(address.host, host, len + 1);
		if (address_format(&address, &text) == ERR_OK) {
			(void)json_array_append_new(list, body_string(buf_span(&text)));
		}
	}
	buf_fini(&text);
}

static bool is_useful(const struct ifaddrs *row, int family)
{
	if (row->ifa_addr == NULL || row->ifa_addr->sa_family != family ||
		(row->ifa_flags & IFF_UP) == 0 || (row->ifa_flags & IFF_LOOPBACK) != 0) {
		return false;
	}
	if (family == AF_INET6) {
		const struct sockaddr_in6 *address =
			(const struct sockaddr_in6 *)(const void *)row->ifa_addr;
		return !IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr);
	}
	return true;
}

static void add_family(struct api *api, json_t *list, const struct ifaddrs *rows, int family)
{
	for (const struct ifaddrs *row = rows; row != NULL; row = row->ifa_next) {
		char host[INET6_ADDRSTRLEN];
		if (!is_useful(row, family)) {
			continue;
		}
		const void *at =
			family == AF_INET
				? (const void *)&(
					  (const struct sockaddr_in *)(const void *)row->ifa_addr)
					  ->sin_addr
				: (const void *)&(
					  (const struct sockaddr_in6 *)(const void *)row->ifa_addr)
					  ->sin6_addr;
		if (inet_ntop(family, at, host, sizeof(host)) != NULL) {
			add_address(api, list, host);
		}
	}
}

json_t *shape_addresses(struct api *api)
{
	json_t *list = json_array();
	struct ifaddrs *rows = NULL;
	const char *host = api->peer_host;
	if (api->opts.sync == NULL) {
		return list;
	}
	if (host != NULL && host[0] != '\0' && strcmp(host, "::") != 0 &&
		strcmp(host, "0.0.0.0") != 0) {
		add_address(api, list, host);
		return list;
	}
	if (getifaddrs(&rows) == 0) {
		add_family(api, list, rows, AF_INET);
		add_family(api, list, rows, AF_INET6);
		freeifaddrs(rows);
	}
	if (json_array_size(list) == 0) {
		add_address(api, list, "127.0.0.1");
	}
	return list;
}

static json_t *listen_json(struct api *api)
{
	if (api->opts.sync == NULL) {
		return json_null();
	}
	json_t *addresses = shape_addresses(api);
	json_t *listen = json_pack("{s:i, s:O?}", "port", (int)sync_port(api->opts.sync), "address",
		json_array_get(addresses, 0));
	json_decref(addresses);
	return listen;
}

enum err shape_status(struct api *api, struct reader *reader, json_t **out)
{
	struct store_figures store;
	struct sync_figures sync = {.connected = 0};
	enum err err = reader_figures(reader, &store);
	if (err == ERR_OK && api->opts.sync != NULL) {
		err = sync_figures(api->opts.sync, &sync);
	}
	if (err != ERR_OK) {
		return err;
	}
	struct guard_report guard;
	writer_guard(api->opts.writer, &guard);
	bool is_paused = guard.state != FENCE_CLEAN && guard.state != FENCE_NEW;
	json_t *last_in = sync.last_in_ms == 0 ? json_null() : json_integer(sync.last_in_ms);
	struct ceiling_now ceiling;
	char page[PLACE_LINK_BYTES];
	place_link(&api->place, api_port(api), NULL, page);
	json_t *tree = json_pack("{s:s, s:o, s:s, s:I, s:{s:I, s:I}, s:{s:s, s:I, s:o}}", "version",
		KITH_VERSION, "me", shape_feed_id(&api->opts.self), "state",
		fence_state_text(guard.state), "uptime_ms",
		(json_int_t)(env_mono_ms(api->opts.env) - api->started_ms), "peers", "connected",
		(json_int_t)sync.connected, "dialling", (json_int_t)sync.dialling, "sync", "phase",
		sync.behind > 0 ? "receiving" : "idle", "behind", (json_int_t)sync.behind,
		"last_in", last_in);
	ceiling_state(api->opts.store, &ceiling);
	json_t *more = json_pack(
		"{s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}, s:{s:I, s:I, s:I, s:I, "
		"s:I, "
		"s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}, s:{s:i, s:s}, s:o, s:o, "
		"s:s?, s:b, s:b}",
		"store", "feeds", (json_int_t)store.feeds, "messages", (json_int_t)store.messages,
		"posts", (json_int_t)store.posts, "forks", (json_int_t)store.forks, "bytes",
		(json_int_t)store.database_bytes, "disk_free", (json_int_t)store.disk_free_bytes,
		"used", (json_int_t)ceiling.used, "ceiling", (json_int_t)ceiling.bytes, "full",
		ceiling.is_full, "counters", "messages_in", (json_int_t)sync.messages_in,
		"messages_out", (json_int_t)sync.messages_out, "refused", (json_int_t)sync.refused,
		"duplicates", (json_int_t)sync.duplicates, "feeds_paused",
		(json_int_t)sync.feeds_paused, "peers_paused", (json_int_t)sync.peers_paused,
		"note_bytes_in", (json_int_t)sync.note_bytes_in, "note_bytes_out",
		(json_int_t)sync.note_bytes_out, "blobs_in", (json_int_t)sync.blobs_in, "blobs_out",
		(json_int_t)sync.blobs_out, "blob_bytes_in", (json_int_t)sync.blob_bytes_in,
		"blob_bytes_out", (json_int_t)sync.blob_bytes_out, "blob_lies",
		(json_int_t)sync.blob_lies, "blobs_wanted", (json_int_t)sync.blobs_wanted, "http",
		"port", (int)api_port(api), "page", page, "listen", listen_json(api), "state_why",
		guard.why[0] == '\0' ? json_null() : body_string(span_text(guard.why)), "cause",
		is_paused ? guard_cause_name(guard.cause) : NULL, "backup_late",
		backup_is_late(api, reader), "words_done", serve_is_words_done(reader));
	if (tree == NULL || more == NULL || json_object_update(tree, more) != 0) {
		json_decref(tree);
		json_decref(more);
		return ERR_NOMEM;
	}
	json_decref(more);
	*out = tree;
	return ERR_OK;
}

/* What failed, as a word for programs; the sentence is sync's. */
static const char *why_code(const char *why)
{
	static const struct {
		const char *part, *code;
	} codes[] = {
		{"refused", "no_answer"},
		{"timed out", "no_answer"},
		{"unreachable", "no_answer"},
		{"no such host", "no_such_host"},
		{"network key", "wrong_network"},
		{"handshake", "handshake"},
	};
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strstr(why, codes[i].part) != NULL) {
			return codes[i].code;
		}
	}
	return "failed";
}

/* sync's words begin small, as logs quote them; people read a sentence. */
static json_t *why_said(const char *why)
{
	struct buf said = BUF_INIT(WHY_SAID_BYTES);
	size_t len = strlen(why);
	json_t *out = NULL;
	if (buf_append_byte(&said, (uint8_t)toupper((unsigned char)why[0])) == ERR_OK &&
		buf_append(&said, span_of(why + 1, len - 1)) == ERR_OK &&
		(strchr(".!?", why[len - 1]) != NULL || buf_append_byte(&said, '.') == ERR_OK)) {
		out = body_string(buf_span(&said));
	}
	buf_fini(&said);
	return out;
}

static json_t *shape_peer(const struct peer_row *row)
{
	static const char *const states[] = {[PEER_STATE_AWAY] = "away",
		[PEER_STATE_LOOKING] = "looking",
		[PEER_STATE_DIALLING] = "dialling",
		[PEER_STATE_CONNECTED] = "connected"};
	json_t *why = row->why[0] == '\0' ? json_null()
					  : json_pack("{s:s, s:o}", "code", why_code(row->why),
						    "said", why_said(row->why));
	return json_pack("{s:o, s:o, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:b, s:o}", "id",
		shape_feed_id(&row->id), "address",
		row->address[0] == '\0' ? json_null() : body_string(span_text(row->address)), "via",
		row->via == PEER_VIA_LAN ? "lan" : "net", "state", states[row->state], "in",
		(json_int_t)row->bytes_in, "out", (json_int_t)row->bytes_out, "behind",
		(json_int_t)row->behind, "received", (json_int_t)row->received, "seen",
		row->seen_ms == 0 ? json_null() : json_integer(row->seen_ms), "dialled_by_us",
		row->is_dialled_by_us, "why", why);
}

enum err shape_peers(struct api *api, struct shape_people *people, json_t **out)
{
	struct peer_row *rows = NULL;
	size_t count = 0;
	json_t *list = json_array();
	enum err err = list == NULL ? ERR_NOMEM : ERR_OK;
	if (err == ERR_OK && api->opts.sync != NULL) {
		err = sync_peers(api->opts.sync, &rows, &count);
	}
	for (size_t i = 0; err == ERR_OK && i < count; i++) {
		shape_name(people, &rows[i].id);
		err = json_array_append_new(list, shape_peer(&rows[i])) == 0 ? ERR_OK : ERR_NOMEM;
	}
	free(rows);
	if (err != ERR_OK) {
		json_decref(list);
		return err;
	}
	*out = list;
	return ERR_OK;
}
