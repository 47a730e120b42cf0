/*
 * The page's own files: from the program, or, while developing, from a directory. The tree of files
 * is named by its hash (/w/HASH/…), so that it may be kept for ever; index.html is the one page
 * that is asked for afresh, and names the others by the placeholder /w/TREE/, which is replaced
 * here.
 */
#include "api/inside.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { FILE_BYTES_MAX = 4 * MIB, PATH_BYTES_MAX = 512, TREE_BYTES = 80 };

/* Made by server/tools/embed.c; absent from a program that was built without a page. */
extern const struct embedded_file embedded_web[] __attribute__((weak));
extern const size_t embedded_web_count __attribute__((weak));
extern const char embedded_web_hash[] __attribute__((weak));

struct page {
	char *dir;                                /* NULL: from the program */
	char tree[TREE_BYTES];                    /* "/w/HASH/" */
	char href[TREE_BYTES + PLACE_PATH_BYTES]; /* the same as browsers see it, below the
						     sub-path */
	struct buf index; /* from the program, with the placeholder replaced */
};

static const char placeholder[] = "/w/TREE/";

static const struct {
	const char *end, *mime;
} mimes[] = {
	{".js", "text/javascript; charset=utf-8"},
	{".mjs", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".ico", "image/x-icon"},
	{".webp", "image/webp"},
	{".json", "application/json"},
	{".map", "application/json"},
	{".webmanifest", "application/manifest+json"},
	{".txt", "text/plain; charset=utf-8"},
	{".woff2", "font/woff2"},
};

static const char *mime_of(struct span path)
{
	for (size_t i = 0; i < sizeof(mimes) / sizeof(mimes[0]); i++) {
		if (span_ends_with(path, mimes[i].end)) {
			return mimes[i].mime;
		}
	}
	return "application/octet-stream";
}

static enum err put_tree(struct span text, const char *tree, struct buf *out)
{
	enum err err = ERR_OK;
	while (err == ERR_OK && text.len > 0) {
		const uint8_t *at = memmem(text.at, text.len, placeholder, sizeof(placeholder) - 1);
		size_t len = at == NULL ? text.len : (size_t)(at - text.at);
		err = buf_append(out, span_take(text, len));
		if (err == ERR_OK && at != NULL) {
			err = buf_append_text(out, tree);
		}
		text = span_skip(text, at == NULL ? len : len + sizeof(placeholder) - 1);
	}
	return err;
}

static const struct embedded_file *find_embedded(struct span name)
{
	size_t count = &embedded_web_count == NULL ? 0 : embedded_web_count;
	for (size_t i = 0; i < count; i++) {
		if (span_equal_text(name, embedded_web[i].name)) {
			return &embedded_web[i];
		}
	}
	return NULL;
}

enum err serve_page_open(const char *dir, const char *base, struct page **out)
{
	struct page *page = calloc(1, sizeof(*page));
	if (page == NULL) {
		return ERR_NOMEM;
	}
	page->index = BUF_INIT(FILE_BYTES_MAX);
	page->dir = dir == NULL ? NULL : strdup(dir);
	const char *hash = dir != NULL || &embedded_web_count == NULL ? "dev" : embedded_web_hash;
	(void)snprintf(page->tree, sizeof(page->tree), "/w/%s/", hash);
	(void)snprintf(page->href, sizeof(page->href), "%s%s", base, page->tree);
	const struct embedded_file *index =
		dir == NULL ? find_embedded(span_text("index.html")) : NULL;
	enum err err = index == NULL
			       ? ERR_OK
			       : put_tree(span_of(index->at, index->len), page->href, &page->index);
	if (err != ERR_OK) {
		serve_page_close(page);
		return err;
	}
	*out = page;
	return ERR_OK;
}

void serve_page_close(struct page *page)
{
	if (page != NULL) {
		buf_fini(&page->index);
		free(page->dir);
		free(page);
	}
}

/* Of a path below the page's directory: letters, digits, '.', '-', '_' and '/'; no part begins with
 * a dot. */
static bool is_plain_path(struct span path)
{
	bool is_start = true;
	for (size_t i = 0; i < path.len; i++) {
		uint8_t byte = path.at[i];
		bool is_plain = (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
				(byte >= 'a' && byte <= 'z') || byte == '-' || byte == '_' ||
				byte == '.' || byte == '/' || byte == '@';
		if (!is_plain || (is_start && (byte == '.' || byte == '/'))) {
			return false;
		}
		is_start = byte == '/';
	}
	return path.len > 0 && !is_start;
}

static enum err read_file(const struct page *page, struct span name, struct buf *out)
{
	char path[PATH_BYTES_MAX];
	int len = is_plain_path(name) ? snprintf(path, sizeof(path), "%s/%.*s", page->dir,
						(int)name.len, (const char *)name.at)
				      : -1;
	return len <= 0 || (size_t)len >= sizeof(path) ? ERR_NOT_FOUND : file_read(path, out);
}

static void not_found(struct exchange *exchange)
{
	answer_error(&exchange->answer, SAID_NOT_FOUND, NULL);
}

static void serve_index(const struct page *page, struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;
	struct buf text = BUF_INIT(FILE_BYTES_MAX);
	enum err err = ERR_OK;
	if (page->dir == NULL) {
		answer->fixed = buf_span(&page->index);
	} else {
		err = read_file(page, span_text("index.html"), &text);
		err = err == ERR_OK ? put_tree(buf_span(&text), page->href, &answer->body) : err;
	}
	buf_fini(&text);
	if (err != ERR_OK || (page->dir == NULL && page->index.len == 0)) {
		answer_error(answer, SAID_NOT_FOUND, "This program was built without the page.");
		return;
	}
	answer->status = 200;
	answer->kind = ANSWER_PAGE;
}

static void serve_file(const struct page *page, struct span name, struct exchange *exchange)
{
	struct answer *answer = &exchange->answer;
	answer->kind = ANSWER_FILE;
	if (page->dir != NULL) {
		if (read_file(page, name, &answer->body) != ERR_OK) {
			not_found(exchange);
			return;
		}
		answer->mime = mime_of(name);
		answer->status = 200;
		return;
	}
	const struct embedded_file *file = find_embedded(name);
	if (file == NULL || span_equal_text(name, "index.html")) {
		not_found(exchange);
		return;
	}
	answer->is_gzip = exchange->head.accepts_gzip && file->gzip_at != NULL;
	answer->fixed = answer->is_gzip ? span_of(file->gzip_at, file->gzip_len)
					: span_of(file->at, file->len);
	answer->mime = file->mime != NULL ? file->mime : mime_of(name);
	answer->is_immutable = true;
	answer->status = 200;
}

/* The page's router has no dots in the last part of its paths; files have. */
static bool is_router_path(struct span path)
{
	const uint8_t *slash = memrchr(path.at, '/', path.len);
	struct span last = span_skip(path, (size_t)(slash - path.at) + 1);
	return last.len == 0 || memchr(last.at, '.', last.len) == NULL;
}

void serve_page(const struct page *page, struct exchange *exchange)
{
	struct span path = exchange->head.path;
	if (span_starts_with(path, "/w/")) {
		if (span_starts_with(path, page->tree)) {
			serve_file(page, span_skip(path, strlen(page->tree)), exchange);
		} else {
			not_found(exchange);
		}
	} else if (is_router_path(path)) {
		serve_index(page, exchange);
	} else {
		not_found(exchange);
	}
}
