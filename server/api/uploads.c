/*
 * Old uploads are few, and seldom: they are listed first, and only when there are some is anything
 * read. Drafts and the outbox come before private words, as they are fewer; what a private word
 * names is written down nowhere, so all of them are opened, whenever something may go.
 */
#include "api/uploads.h"

#include "api/letters.h"
#include "base/log.h"
#include "feed/blob_ref.h"
#include "store/safety.h"
#include "store/writing.h"

#include <stdlib.h>

enum { UPLOADS_MAX = 256, PRIVATE_MAX = 256 };

struct tidy {
	const struct uploads_opts *opts;
	struct reader *reader;
	struct blob_upload at[UPLOADS_MAX]; /* nothing that was looked at names them */
	size_t count;
	struct buf text; /* of what is looked at; wiped */
	enum err err;    /* what stops it */
};

/* Not over again, and not beyond the end of the node. */
static bool is_over(const struct tidy *tidy)
{
	return tidy->err != ERR_OK || tidy->count == 0 ||
	       (tidy->opts->is_stopping != NULL && atomic_load(tidy->opts->is_stopping));
}

/* Whatever is named in it stays. */
static void spare(struct tidy *tidy, struct span text)
{
	struct blob_ref ref;
	size_t from = 0;
	while (blob_ref_next(text, &from, &ref)) {
		for (size_t i = 0; i < tidy->count; i++) {
			if (blob_id_equal(&tidy->at[i].id, &ref.id)) {
				tidy->at[i] = tidy->at[--tidy->count];
				break;
			}
		}
	}
	explicit_bzero(&ref, sizeof(ref));
}

static void spare_sealed(struct tidy *tidy, struct span stored)
{
	if (is_over(tidy) || stored.len == 0) {
		return;
	}
	buf_wipe(&tidy->text);
	tidy->err = letters_unseal_with(tidy->opts->signer, stored, &tidy->text);
	spare(tidy, buf_span(&tidy->text));
}

static void on_writing(void *ctx, const struct writing_row *row)
{
	spare_sealed(ctx, row->body);
}

static void on_held(void *ctx, const struct outbox_row *row)
{
	spare_sealed(ctx, row->body);
}

/* What waits for the end of a pause: as it will be signed, so a private one is boxed. */
static void on_draft(void *ctx, const struct draft_row *row)
{
	struct tidy *tidy = ctx;
	if (is_over(tidy)) {
		return;
	}
	if (row->content.len == 0 || row->content.at[0] != '"') {
		spare(tidy, row->content);
		return;
	}
	buf_wipe(&tidy->text);
	tidy->err =
		letters_open_with(tidy->opts->signer, &tidy->opts->self, row->content, &tidy->text);
	spare(tidy, buf_span(&tidy->text));
}

static void look_at_writings(struct tidy *tidy)
{
	const struct span all = span_of(NULL, 0);
	enum err err = reader_writing(tidy->reader, all, on_writing, tidy);
	if (err == ERR_OK) {
		err = reader_outbox(tidy->reader, all, on_held, tidy);
	}
	if (err == ERR_OK) {
		err = reader_drafts(tidy->reader, on_draft, tidy);
	}
	tidy->err = tidy->err == ERR_OK ? err : tidy->err;
}

static void look_at_page(struct tidy *tidy, const struct private_page *page)
{
	for (size_t i = 0; i < page->count && !is_over(tidy); i++) {
		buf_wipe(&tidy->text);
		enum err err =
			private_text(tidy->opts->book, tidy->reader, &page->at[i].key, &tidy->text);
		spare(tidy, buf_span(&tidy->text));
		tidy->err = err == ERR_NOT_FOUND ? ERR_OK : err;
	}
}

static void look_at_private(struct tidy *tidy)
{
	struct private_book *book = tidy->opts->book;
	struct private_page page = {.has_more = true};
	int64_t after = 0;
	/* A full book forgot the oldest; and what waits to be tried may be ours. */
	if (private_behind(book) > 0 || private_is_full(book)) {
		tidy->err = ERR_BUSY;
	}
	while (page.has_more && !is_over(tidy)) {
		tidy->err = private_all(book, tidy->reader, after, PRIVATE_MAX, &page);
		if (tidy->err != ERR_OK) {
			return;
		}
		look_at_page(tidy, &page);
		after = page.count == 0 ? after : page.at[page.count - 1].message;
		bool has_more = page.has_more;
		private_page_fini(&page);
		page.has_more = has_more;
	}
}

static bool is_listed(const struct blob_upload *list, size_t count, const struct blob_id *id)
{
	size_t i = 0;
	while (i < count && !blob_id_equal(&list[i].id, id)) {
		i++;
	}
	return i < count;
}

/* First they are what they were before; then those that were not here go. Who posts one meanwhile
 * has it back. */
static void let_go(struct tidy *tidy, int64_t before_ms, const struct blob_id *after)
{
	struct blob_upload again[UPLOADS_MAX];
	struct blob_id gone[UPLOADS_MAX];
	size_t listed = 0;
	size_t count = 0;
	for (size_t i = 0; i < tidy->count && tidy->err == ERR_OK; i++) {
		const struct change old = {
			.kind = CHANGE_UPLOAD_OLD, .blob = tidy->at[i].id, .number = before_ms};
		tidy->err = writer_change_wait(tidy->opts->writer, &old);
	}
	if (tidy->err == ERR_OK) {
		tidy->err =
			blobs_uploads(tidy->reader, before_ms, after, again, UPLOADS_MAX, &listed);
	}
	for (size_t i = 0; i < listed; i++) {
		if (again[i].keep == BLOB_FAR && is_listed(tidy->at, tidy->count, &again[i].id)) {
			gone[count++] = again[i].id;
		}
	}
	if (tidy->err == ERR_OK && count > 0) {
		tidy->err = blobs_remove(tidy->opts->blobs, gone, count);
		LOG(store_env(tidy->opts->store), LOG_INFO, "uploads.gone",
			LOG_NUM("files", count));
	}
}

/* One page of the list; false: it was the last. */
static bool tidy_page(struct tidy *tidy, int64_t before_ms, struct blob_id *after)
{
	const struct blob_id from = *after;
	tidy->err =
		blobs_uploads(tidy->reader, before_ms, &from, tidy->at, UPLOADS_MAX, &tidy->count);
	bool has_more = tidy->count == UPLOADS_MAX;
	if (tidy->count > 0) {
		*after = tidy->at[tidy->count - 1].id;
	}
	if (!is_over(tidy)) {
		look_at_writings(tidy);
	}
	if (!is_over(tidy)) {
		look_at_private(tidy);
	}
	if (!is_over(tidy)) {
		let_go(tidy, before_ms, &from);
	}
	return has_more && tidy->err == ERR_OK;
}

void uploads_tidy(const struct uploads_opts *opts)
{
	const struct env *env = store_env(opts->store);
	int64_t before_ms = env_wall_ms(env) - LIMIT_BLOB_UPLOAD_MS;
	struct blob_id after = {{0}};
	struct tidy *tidy = calloc(1, sizeof(*tidy));
	if (tidy == NULL) {
		return;
	}
	tidy->opts = opts;
	buf_init(&tidy->text, 2UL * LIMIT_MESSAGE_BYTES);
	tidy->err = reader_open(opts->store, &tidy->reader);
	while (tidy->err == ERR_OK && tidy_page(tidy, before_ms, &after)) {
	}
	if (tidy->err != ERR_OK) {
		LOG(env, LOG_INFO, "uploads.kept", LOG_TEXT("why", err_text(tidy->err)));
	}
	reader_close(tidy->reader);
	buf_wipe(&tidy->text);
	free(tidy);
}
