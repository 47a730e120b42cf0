/*
 * Answers and errors. One table says which status and which usual sentence belongs to which error;
 * everybody else names the error only.
 */
#include "api/answer.h"

#include "api/body.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SECRET_BYTES = 4096 };

struct said_row {
	unsigned status;
	const char *code;
	const char *sentence;
	const char *remedy; /* a path in the page, or NULL */
};

static const struct said_row said_rows[] = {
	[SAID_BAD_REQUEST] = {400, "bad_request", "This request is not understood.", NULL},
	[SAID_LOGIN] = {401, "login", "Open the page with a fresh link: `kith link` prints one.",
		"/login"},
	[SAID_DENIED] = {403, "denied", "That is not allowed from there.", NULL},
	[SAID_READ_ONLY] = {403, "read_only", "This device may read, and change nothing.", NULL},
	[SAID_NOT_FOUND] = {404, "not_found", "There is no such thing on this node.", NULL},
	[SAID_METHOD] = {405, "bad_request", "That method does not fit this address.", NULL},
	[SAID_TOO_LARGE] = {413, "too_large", "That is too large.", NULL},
	[SAID_SLOW_DOWN] = {429, "slow_down", "That was a bit fast. Wait a moment and try again.",
		NULL},
	[SAID_PAUSED] = {409, "paused", "Publishing is paused, so nothing was signed.",
		"/recovery"},
	[SAID_REFUSED] = {422, "refused",
		"No other node would take this message, so it was not signed.", NULL},
	[SAID_CONFLICT] = {409, "refused", "That does not go now.", NULL},
	[SAID_LOCKED] = {423, "locked",
		"The key of this node is locked with a passphrase. `kith unlock` or the page opens "
		"it.",
		NULL},
	[SAID_BUSY] = {503, "busy", "The node is busy. Try again in a moment.", NULL},
	[SAID_STARTING] = {503, "starting", "The node is starting.", NULL},
	[SAID_DISK_FULL] = {507, "disk_full",
		"The disk of this node is full, so nothing was saved.", "/settings/storage"},
	[SAID_UNREACHABLE] = {502, "unreachable", "They could not be reached.", "/network"},
	[SAID_NOT_RUNNING] = {503, "not_running",
		"The node is not running: start it with `kith run`.", NULL},
	[SAID_INTERNAL] = {500, "internal",
		"Something went wrong inside the node. Its log says more.", NULL},
};

void answer_init(struct answer *answer)
{
	*answer = (struct answer){.body = BUF_INIT(ANSWER_BODY_BYTES_MAX), .fd = -1};
}

static void close_fd(struct answer *answer)
{
	if (answer->fd >= 0) {
		(void)close(answer->fd);
		answer->fd = -1;
	}
}

void answer_fini(struct answer *answer)
{
	if (answer->is_secret) {
		buf_wipe(&answer->body);
	} else {
		buf_fini(&answer->body);
	}
	close_fd(answer);
	if (answer->held != NULL) {
		(void)atomic_fetch_sub(answer->held, 1);
		answer->held = NULL;
	}
}

void answer_download(struct answer *answer, int fd, uint64_t bytes, struct span name)
{
	static const char start[] = "attachment; filename=";
	assert(sizeof(start) + name.len < sizeof(answer->disposition));
	buf_clear(&answer->body);
	close_fd(answer);
	answer->status = 200;
	answer->kind = ANSWER_DOWNLOAD;
	answer->fd = fd;
	answer->fd_bytes = bytes;
	(void)snprintf(answer->disposition, sizeof(answer->disposition), "%s%.*s", start,
		(int)name.len, (const char *)name.at);
}

enum err answer_read(const struct answer *answer, struct buf *out)
{
	if (answer->fd < 0) {
		return buf_append(
			out, answer->fixed.len > 0 ? answer->fixed : buf_span(&answer->body));
	}
	size_t count = (size_t)answer->fd_bytes;
	uint8_t *at = count == 0 ? NULL : buf_reserve(out, count);
	if (count > 0 && at == NULL) {
		return ERR_LIMIT;
	}
	for (size_t have = 0; have < count;) {
		ssize_t got =
			pread(answer->fd, at + have, count - have, (off_t)(answer->fd_at + have));
		if (got <= 0) {
			return ERR_IO;
		}
		have += (size_t)got;
	}
	if (count > 0) {
		buf_added(out, count);
	}
	return ERR_OK;
}

static const char page_policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; "
				  "img-src 'self' blob:; media-src 'self'; font-src 'self'; "
				  "connect-src 'self'; manifest-src 'self'; form-action 'self'; "
				  "base-uri 'none'; frame-ancestors 'none'; "
				  "require-trusted-types-for 'script'; trusted-types 'none'";

static void add_header(struct answer_headers *out, const char *name, const char *value)
{
	if (value != NULL && value[0] != '\0') {
		assert(out->count < ANSWER_HEADERS_MAX);
		out->at[out->count].name = name;
		out->at[out->count++].value = value;
	}
}

static void list_page_headers(struct answer_headers *out)
{
	add_header(out, "Content-Security-Policy", page_policy);
	add_header(out, "Referrer-Policy", "no-referrer");
	add_header(out, "Cross-Origin-Opener-Policy", "same-origin");
	add_header(out, "Cross-Origin-Embedder-Policy", "require-corp");
	add_header(out, "X-Frame-Options", "DENY");
}

static void list_blob_headers(const struct answer *answer, struct answer_headers *out)
{
	add_header(out, "Accept-Ranges", "bytes");
	add_header(out, "Content-Range", answer->range);
	add_header(out, "ETag", answer->etag);
}

void answer_list_headers(const struct answer *answer, struct answer_headers *out)
{
	static const char *const mimes[] = {[ANSWER_JSON] = "application/json",
		[ANSWER_PAGE] = "text/html; charset=utf-8",
		[ANSWER_TEXT] = "text/plain; charset=utf-8",
		[ANSWER_METRICS] = "application/openmetrics-text; version=1.0.0; charset=utf-8",
		[ANSWER_DOWNLOAD] = "application/octet-stream"};
	bool is_blob = answer->kind == ANSWER_BLOB;
	bool has_mime = answer->kind == ANSWER_FILE || is_blob;
	out->count = 0;
	(void)snprintf(out->retry_after, sizeof(out->retry_after), "%u", answer->retry_after_s);
	add_header(out, "Content-Type", has_mime ? answer->mime : mimes[answer->kind]);
	add_header(out, "X-Content-Type-Options", "nosniff");
	add_header(out, "Cross-Origin-Resource-Policy", "same-origin");
	add_header(out, "Cache-Control",
		answer->is_immutable                 ? "public, max-age=31536000, immutable"
		: is_blob && answer->etag[0] != '\0' ? "private, max-age=31536000, immutable"
						     : "no-store");
	add_header(out, "Connection", answer->is_last ? "close" : NULL);
	add_header(out, "Retry-After", answer->retry_after_s > 0 ? out->retry_after : NULL);
	add_header(out, "Set-Cookie", answer->cookie);
	add_header(out, "Content-Encoding", answer->is_gzip ? "gzip" : NULL);
	add_header(out, "Vary", answer->kind == ANSWER_FILE ? "Accept-Encoding" : NULL);
	if (is_blob || answer->kind == ANSWER_DOWNLOAD) {
		add_header(out, "Content-Disposition", answer->disposition);
		add_header(out, "Content-Security-Policy", "default-src 'none'; sandbox");
	}
	if (is_blob) {
		list_blob_headers(answer, out);
	} else if (answer->kind == ANSWER_PAGE) {
		list_page_headers(out);
	}
}

static int append_piece(const char *bytes, size_t len, void *ctx)
{
	return buf_append(ctx, span_of(bytes, len)) == ERR_OK ? 0 : -1;
}

static void clear(struct answer *answer)
{
	buf_clear(&answer->body);
	answer->fixed = span_of(NULL, 0);
	answer->is_gzip = false;
	answer->range[0] = '\0';
	answer->etag[0] = '\0';
	close_fd(answer);
	answer->is_immutable = false;
	answer->cookie[0] = '\0';
	answer->retry_after_s = 0;
}

void answer_json(struct answer *answer, unsigned status, json_t *tree)
{
	clear(answer);
	answer->status = status;
	answer->kind = ANSWER_JSON;
	if (answer->is_secret && buf_reserve(&answer->body, SECRET_BYTES) == NULL) {
		json_decref(tree); /* growing would leave copies behind */
		tree = NULL;
	}
	if (tree == NULL ||
		json_dump_callback(tree, append_piece, &answer->body, JSON_COMPACT) != 0) {
		/* No memory for a tree: this text needs none but its own few bytes. */
		clear(answer);
		answer->status = 500;
		answer->fixed =
			span_text("{\"error\":{\"code\":\"internal\",\"said\":\"The node has no "
				  "memory left for this answer.\",\"lost\":false,\"do\":null}}");
	}
	json_decref(tree);
}

static json_t *error_json(const struct said_row *row, const char *sentence)
{
	return json_pack("{s:{s:s, s:o, s:b, s:s?}}", "error", "code", row->code, "said",
		body_string(span_text(sentence == NULL ? row->sentence : sentence)), "lost", 0,
		"do", row->remedy);
}

void answer_error(struct answer *answer, enum said what, const char *sentence)
{
	const struct said_row *row = &said_rows[what];
	answer_json(answer, row->status, error_json(row, sentence));
}

void answer_paused(struct answer *answer, const char *sentence, int64_t draft)
{
	const struct said_row *row = &said_rows[SAID_PAUSED];
	json_t *tree = error_json(row, sentence);
	if (tree != NULL && json_object_set_new(tree, "draft",
				    draft == 0 ? json_null() : json_integer(draft)) != 0) {
		json_decref(tree);
		tree = NULL;
	}
	answer_json(answer, row->status, tree);
}

void answer_starting(struct answer *answer, const char *sentence, int64_t done, int64_t of)
{
	const struct said_row *row = &said_rows[SAID_STARTING];
	json_t *tree = error_json(row, sentence);
	json_t *error = json_object_get(tree, "error");
	if (tree != NULL && (json_object_set_new(error, "done", json_integer(done)) != 0 ||
				    json_object_set_new(error, "of", json_integer(of)) != 0)) {
		json_decref(tree);
		tree = NULL;
	}
	answer_json(answer, row->status, tree);
	answer->retry_after_s = 1;
}

void answer_slow_down(struct answer *answer, int64_t retry_s)
{
	answer_error(answer, SAID_SLOW_DOWN, NULL);
	answer->retry_after_s = retry_s < 1 ? 1 : (unsigned)retry_s;
}

void answer_err(struct answer *answer, enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND:
		answer_error(answer, SAID_NOT_FOUND, NULL);
		break;
	case ERR_REFUSED:
		answer_error(answer, SAID_REFUSED, NULL);
		break;
	case ERR_LIMIT:
		answer_error(answer, SAID_TOO_LARGE, NULL);
		break;
	case ERR_PAUSED:
		answer_error(answer, SAID_PAUSED, NULL);
		break;
	case ERR_DISK_FULL:
		answer_error(answer, SAID_DISK_FULL, NULL);
		break;
	case ERR_BUSY:
	case ERR_TIMEOUT:
		answer_error(answer, SAID_BUSY, NULL);
		break;
	case ERR_CLOSED:
		answer_error(answer, SAID_BUSY, "The node is stopping.");
		break;
	case ERR_DENIED:
		answer_error(answer, SAID_DENIED, NULL);
		break;
	default:
		answer_error(answer, SAID_INTERNAL, NULL);
		break;
	}
}
