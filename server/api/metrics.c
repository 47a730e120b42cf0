/*
 * Each family is a function that asks one part of the node; what is not there, as in a node whose
 * key is locked, has no lines. What the disk is spent on is counted file by file, so it is asked
 * once in LIMIT_METRICS_DISK_MS.
 */
#include "api/metrics.h"

#include "api/shape.h"
#include "base/file.h"
#include "base/memory.h"
#include "base/version.h"
#include "store/ceiling.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKEN_BYTES = 256, PATH_BYTES = 4096 };

/* Lines are added until one does not fit; `err` remembers. */
struct page {
	struct buf *out;
	enum err err;
};

static void line(struct page *page, const char *name, const char *labels, double value)
{
	if (page->err == ERR_OK) {
		page->err = buf_printf(page->out, "%s%s %.15g\n", name, labels, value);
	}
}

static void family(struct page *page, const char *name, const char *type, const char *help)
{
	if (page->err == ERR_OK) {
		page->err = buf_printf(
			page->out, "# TYPE %s %s\n# HELP %s %s\n", name, type, name, help);
	}
}

static void gauge(struct page *page, const char *name, const char *help, double value)
{
	family(page, name, "gauge", help);
	line(page, name, "", value);
}

static void counter(struct page *page, const char *name, const char *help, uint64_t value)
{
	char total[64];
	(void)snprintf(total, sizeof(total), "%s_total", name);
	family(page, name, "counter", help);
	line(page, total, "", (double)value);
}

/* The process. */

static void put_process(struct page *page, struct api *api)
{
	struct memory_now memory;
	memory_look(&memory);
	family(page, "kith_build", "info", "The program.");
	line(page, "kith_build_info", "{version=\"" KITH_VERSION "\"}", 1);
	gauge(page, "kith_ready", "1 when the node serves, 0 while it starts or is locked.",
		api->opts.is_locked ? 0 : 1);
	gauge(page, "kith_uptime_seconds", "Since the node began to serve.",
		(double)(env_mono_ms(api->opts.env) - api->started_ms) / 1000);
	gauge(page, "kith_memory_resident_bytes", "Memory of the process, in RAM.",
		(double)memory.resident);
	gauge(page, "kith_memory_heap_bytes", "Memory in use of the allocator.",
		(double)memory.heap);
	gauge(page, "kith_memory_budget_bytes", "What --memory-max allows; 0: nothing was said.",
		(double)memory.budget);
}

/* The web port. */

static void put_histogram(struct page *page, const char *kind, const struct meter_row *row)
{
	char labels[64];
	uint64_t sum = 0;
	for (size_t i = 0; i < METER_BUCKETS; i++) {
		sum += row->buckets[i];
		(void)snprintf(labels, sizeof(labels), "{kind=\"%s\",le=\"%.15g\"}", kind,
			(double)meter_ends[i] / 1000);
		line(page, "kith_request_seconds_bucket", labels, (double)sum);
	}
	(void)snprintf(labels, sizeof(labels), "{kind=\"%s\",le=\"+Inf\"}", kind);
	line(page, "kith_request_seconds_bucket", labels, (double)row->count);
	(void)snprintf(labels, sizeof(labels), "{kind=\"%s\"}", kind);
	line(page, "kith_request_seconds_sum", labels, (double)row->sum_ms / 1000);
	line(page, "kith_request_seconds_count", labels, (double)row->count);
}

static void put_web(struct page *page, struct api *api)
{
	static const char *const kinds[METER_KINDS] = {"page", "read", "write", "publish"};
	struct meter_row rows[METER_KINDS];
	struct http_figures http;
	uint64_t failed = 0;
	meter_read(&api->meter, rows, &failed);
	http_figures(api->http, &http);
	family(page, "kith_request_seconds", "histogram",
		"Requests of the web port and of commands, from head to answer.");
	for (size_t i = 0; i < METER_KINDS; i++) {
		put_histogram(page, kinds[i], &rows[i]);
	}
	counter(page, "kith_requests_failed", "Answered with 500 or above.", failed);
	counter(page, "kith_requests_refused", "Refused before anybody looked at what they want.",
		http.refused_by_gate);
	counter(page, "kith_requests_slow", "Cut, as their bytes came too slowly.", http.too_slow);
}

/* Replication. */

static void put_peers(struct page *page, const struct sync_figures *sync)
{
	family(page, "kith_peers", "gauge", "Connections with peers.");
	line(page, "kith_peers", "{state=\"connected\"}", (double)sync->connected);
	line(page, "kith_peers", "{state=\"dialling\"}", (double)sync->dialling);
	gauge(page, "kith_feeds_replicated", "Feeds that are kept up to date.",
		(double)sync->feeds);
	gauge(page, "kith_messages_behind", "Messages that peers have and this node wants.",
		(double)sync->behind);
	counter(page, "kith_messages_in", "Messages of others that came.", sync->messages_in);
	counter(page, "kith_messages_out", "Messages that were sent.", sync->messages_out);
	counter(page, "kith_messages_duplicate", "Came, and were here.", sync->duplicates);
	counter(page, "kith_bytes_in", "Bytes that peers sent, decrypted.", sync->bytes_in);
	counter(page, "kith_bytes_out", "Bytes that peers got, before encryption.",
		sync->bytes_out);
	counter(page, "kith_blobs_in", "Blobs that came whole.", sync->blobs_in);
	counter(page, "kith_blobs_out", "Blobs that were sent.", sync->blobs_out);
	gauge(page, "kith_blobs_wanted", "Blobs that are asked for.", (double)sync->blobs_wanted);
	counter(page, "kith_verify_failures",
		"Messages with a wrong signature or shape, or of another history.", sync->refused);
	counter(page, "kith_blob_lies", "Blobs that were not what was asked for.", sync->blob_lies);
	counter(page, "kith_handshakes_failed", "Connections that never became a peer.",
		sync->handshakes_failed);
	counter(page, "kith_calls_refused", "Calls of peers that were refused.",
		sync->calls_refused);
}

static void put_sync(struct page *page, struct api *api)
{
	struct sync_figures sync = {.connected = 0};
	if (sync_figures(api->opts.sync, &sync) != ERR_OK) {
		return;
	}
	put_peers(page, &sync);
	family(page, "kith_queue", "gauge", "What waits inside the node.");
	line(page, "kith_queue", "{of=\"ingest\"}", (double)sync.ingest);
	line(page, "kith_queue", "{of=\"writer\"}", (double)writer_waiting(api->opts.writer));
}

/* The store. */

static void put_guard(struct page *page, struct api *api)
{
	struct guard_report guard;
	writer_guard(api->opts.writer, &guard);
	gauge(page, "kith_publishing",
		"1 when this node may publish; 0: it is paused (`kith safety`).",
		guard.state == FENCE_CLEAN || guard.state == FENCE_NEW ? 1 : 0);
	gauge(page, "kith_own_fork", "1: our own feed has two histories.",
		guard.state == FENCE_FORKED ? 1 : 0);
}

static void put_store(struct page *page, struct reader *reader)
{
	struct store_figures store;
	if (reader_figures(reader, &store) != ERR_OK) {
		return;
	}
	gauge(page, "kith_store_feeds", "Feeds that something is held of.", (double)store.feeds);
	gauge(page, "kith_store_messages", "Messages that are held.", (double)store.messages);
	gauge(page, "kith_store_forks", "Proofs of feeds with two histories.", (double)store.forks);
	gauge(page, "kith_disk_free_bytes", "Free on the disk.", (double)store.disk_free_bytes);
}

static bool disk_of(struct api *api, struct reader *reader, struct ceiling_usage *out)
{
	int64_t now_ms = env_mono_ms(api->opts.env);
	enum err err = ERR_OK;
	(void)pthread_mutex_lock(&api->disk.lock);
	if (api->disk.usage == NULL) {
		api->disk.usage = calloc(1, sizeof(*api->disk.usage));
		api->disk.at_ms = now_ms - LIMIT_METRICS_DISK_MS;
	}
	if (api->disk.usage != NULL && now_ms - api->disk.at_ms >= LIMIT_METRICS_DISK_MS) {
		err = ceiling_usage(reader, api->disk.usage);
		api->disk.at_ms = err == ERR_OK ? now_ms : api->disk.at_ms;
	}
	bool is_known = err == ERR_OK && api->disk.usage != NULL;
	if (is_known) {
		*out = *api->disk.usage;
	}
	(void)pthread_mutex_unlock(&api->disk.lock);
	return is_known;
}

static void put_disk(struct page *page, struct api *api, struct reader *reader)
{
	struct ceiling_usage usage;
	struct ceiling_now now;
	char labels[64];
	ceiling_state(api->opts.store, &now);
	if (disk_of(api, reader, &usage)) {
		family(page, "kith_disk_bytes", "gauge", "What the node takes of the disk.");
		for (int i = 0; i < CEILING_CLASSES; i++) {
			(void)snprintf(
				labels, sizeof(labels), "{class=\"%s\"}", shape_class_names[i]);
			line(page, "kith_disk_bytes", labels, (double)usage.classes[i]);
		}
	}
	gauge(page, "kith_disk_used_bytes", "All of it, as measured last.", (double)now.used);
	gauge(page, "kith_disk_ceiling_bytes", "What its owner allows.", (double)now.bytes);
	family(page, "kith_evicted", "counter", "What went to make room, since the start.");
	line(page, "kith_evicted_total", "{what=\"messages\"}", (double)now.gone_messages);
	line(page, "kith_evicted_total", "{what=\"blobs\"}", (double)now.gone_blobs);
	line(page, "kith_evicted_total", "{what=\"backups\"}", (double)now.gone_copies);
}

/* Who may ask. */

static bool has_token(const struct api *api, struct span bearer)
{
	static const char scheme[] = "Bearer ";
	char path[PATH_BYTES];
	struct buf token = BUF_INIT(TOKEN_BYTES);
	bool is_right = false;
	const char *dir = api->opts.store == NULL ? api->opts.dir : store_dir(api->opts.store);
	int len = snprintf(path, sizeof(path), "%s/metrics-token", dir);
	if (len > 0 && (size_t)len < sizeof(path) && span_starts_with(bearer, scheme) &&
		file_read(path, &token) == ERR_OK) {
		struct span want = buf_span(&token);
		while (want.len > 0 && want.at[want.len - 1] <= ' ') {
			want.len--;
		}
		struct span have = span_skip(bearer, sizeof(scheme) - 1);
		is_right = want.len >= LIMIT_METRICS_TOKEN_BYTES_MIN && want.len == have.len &&
			   sodium_memcmp(want.at, have.at, want.len) == 0;
	}
	buf_wipe(&token);
	return is_right;
}

static bool is_loopback(const char *address)
{
	return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

static bool may_ask(const struct api *api, const struct exchange *exchange)
{
	const struct gate_head *head = &exchange->head;
	if (exchange->is_owner || has_token(api, head->bearer)) {
		return true;
	}
	return is_loopback(exchange->address) && !head->is_forwarded && !head->is_foreign;
}

void metrics_serve(struct api *api, struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;
	if (!may_ask(api, exchange)) {
		answer_error(answer, SAID_DENIED,
			"From elsewhere figures are told to who brings the token in the file "
			"metrics-token of the data directory.");
		return;
	}
	struct page page = {.out = &answer->body, .err = ERR_OK};
	struct reader *reader = api->opts.is_locked ? NULL : reader_of_thread(api->opts.store);
	put_process(&page, api);
	put_web(&page, api);
	if (!api->opts.is_locked && api->opts.sync != NULL) {
		put_sync(&page, api);
	}
	if (reader != NULL) {
		put_guard(&page, api);
		put_store(&page, reader);
		put_disk(&page, api, reader);
	}
	if (page.err == ERR_OK) {
		page.err = buf_append_text(&answer->body, "# EOF\n");
	}
	if (page.err != ERR_OK) {
		answer_err(answer, page.err);
		return;
	}
	answer->status = 200;
	answer->kind = ANSWER_METRICS;
}
